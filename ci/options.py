"""The options that several functions have, with their help."""

from typing import Annotated

import dagger
from dagger import Doc

Only = Annotated[
    list[str] | None, Doc("Only these images, by name, and the images they need. Default: the whole stack.")
]
Jobs = Annotated[int, Doc("How many tasks may run at once. 0: one more than the engine's machine has cores.")]
Test = Annotated[bool, Doc("Run the suites of the images. --test=false only builds, and the table says so.")]
Retest = Annotated[bool, Doc("Run all tests again, including those that already passed on the same image.")]
Rebuild = Annotated[
    list[str] | None,
    Doc(
        "Build these images even if the registry has them with the same content. * means every image; so does all, "
        "unless an image is called all."
    ),
]
Refresh = Annotated[
    bool, Doc("Rebuild everything and fetch all packages again. If it fails, the same command resumes it.")
]
Epoch = Annotated[
    str,
    Doc("Resume a refresh: images already built with this value are reused."),
]
Base = Annotated[
    str,
    Doc("The commit to compare with. Default: the merge base with the default branch, else the previous commit."),
]
Head = Annotated[str, Doc("The commit whose changes are listed. Default: the source tree as it is.")]
Publish = Annotated[
    bool,
    Doc("Upload the images, and write the tag VERSION-COMMIT for the whole stack once all have passed."),
]
BuildArg = Annotated[
    list[str] | None, Doc("A build arg for this run, NAME=VALUE. It comes before those of stack.toml. Repeatable.")
]
BuildSecret = Annotated[
    list[dagger.Secret] | None,
    Doc(
        "A secret for RUN --mount=type=secret: env:NAME or file:PATH. Its id is NAME, or the name of the file. "
        "Repeatable."
    ),
]
BuildSecretId = Annotated[
    list[str] | None, Doc("The ids of the secrets, if they have other names: one for each --build-secret, in order.")
]
BuildSsh = Annotated[dagger.Socket | None, Doc("The SSH agent for RUN --mount=type=ssh: $SSH_AUTH_SOCK.")]
Describe = Annotated[bool, Doc("Read what is in the images that are built. Needed with --publish.")]
AcceptGrowth = Annotated[
    str,
    Doc("Publish images that are over their [budget] all the same, for this reason. It is recorded with the stack."),
]
SomeImages = Annotated[list[str] | None, Doc("Only these images, by their names as plan shows them.")]
StackOrStableTag = Annotated[
    str,
    Doc("The tag of a published stack, 2026.4-a1239ab, or a stable tag. Default: the source tree, which is built."),
]
AsJson = Annotated[bool, Doc("Print JSON; docs/schemas has its schema.")]
Registry = Annotated[
    str, Doc("The registry and namespace of the images: docker.io/ucsdets. Default: stack.registry in stack.toml.")
]
Username = Annotated[str, Doc("Registry user name. Empty, as by default: anonymous, whatever the password.")]
Password = Annotated[
    dagger.Secret | None,
    Doc("The password or token of --registry-username: env:NAME or file:PATH, not the text itself."),
]
Service = Annotated[
    dagger.Service | None,
    Doc("Service that serves this registry, for one on your own machine: tcp://localhost:5050."),
]

AsMarkdown = Annotated[bool, Doc("Print Markdown, for the summary of a GitHub job.")]

Tag = Annotated[
    str, Doc("The tag of a published stack: VERSION-COMMIT, such as 2026.4-a1239ab, without an image's prefix.")
]
StableTag = Annotated[str, Doc("A stable tag, such as 2026.4-stable, without an image's prefix.")]
DryRun = Annotated[bool, Doc("Check everything and show what would be done, but write nothing.")]
KnownHosts = Annotated[
    dagger.File | None,
    Doc(
        "The file with the login node's host key, in the format of ssh: lines of HOST TYPE KEY. A host with another "
        "key is never trusted."
    ),
]
SshKey = Annotated[dagger.Secret | None, Doc("The private key for gpu.user: file:PATH or env:NAME.")]
SshPassword = Annotated[dagger.Secret | None, Doc("The password of gpu.user: env:NAME or file:PATH.")]
SshService = Annotated[
    dagger.Service | None,
    Doc("Service that serves this login node, for one on your own machine: tcp://localhost:2222."),
]
Attempts = Annotated[int, Doc("How many times to try while the cluster has no free GPU or the connection is lost.")]
