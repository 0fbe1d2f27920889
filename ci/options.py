"""The options that several functions have, with their help."""

from typing import Annotated

import dagger
from dagger import Doc

Only = Annotated[list[str] | None, Doc("Names of images: only these and all they need. Default: the whole stack.")]
Jobs = Annotated[int, Doc("How many pieces of work may be done at once. 0: as many as the engine's machine has cores.")]
Test = Annotated[bool, Doc("Run the suites of the images. --test=false builds only, and says so in the table.")]
Retest = Annotated[
    bool, Doc("Run all tests again, also those whose result is known from an earlier run of the same image.")
]
Rebuild = Annotated[
    list[str] | None,
    Doc("Names of images to build though the registry has them with this content; all for all of them."),
]
Refresh = Annotated[
    bool, Doc("Build everything anew and fetch all packages again, as if nothing had ever been built: a new epoch.")
]
Epoch = Annotated[
    str,
    Doc("Finish what --refresh began with this epoch: any text; images that were built for it are not built again."),
]
Base = Annotated[
    str,
    Doc("The commit that changes are counted from. Default: where the default branch was left, else the one before."),
]
Head = Annotated[str, Doc("The commit that changes are counted to. Default: the source tree as it is.")]
Publish = Annotated[
    bool,
    Doc("Upload what is built, and when every image has passed give the whole stack its tag, VERSION-COMMIT."),
]
Registry = Annotated[
    str, Doc("Where the images are published: docker.io/ucsdets. Default: stack.registry in stack.toml.")
]
Username = Annotated[str, Doc("Whom to log in to the registry as. Default: nobody.")]
Password = Annotated[
    dagger.Secret | None,
    Doc("The password or token of --registry-username: env:NAME or file:PATH, not the text itself."),
]
Service = Annotated[
    dagger.Service | None,
    Doc("What stands behind the registry's name, for one on your own host: tcp://localhost:5000."),
]

Tag = Annotated[str, Doc("The tag of a published stack: VERSION-COMMIT, such as 2026.4-a1239ab.")]
StableTag = Annotated[str, Doc("A stable tag, such as 2026.4-stable.")]
DryRun = Annotated[bool, Doc("Find out everything and show what would be done, and write nothing.")]
KnownHosts = Annotated[
    dagger.File | None,
    Doc(
        "The file with the login node's host key, as ssh keeps it: lines of HOST TYPE KEY. A host with another key "
        "is never trusted."
    ),
]
SshKey = Annotated[dagger.Secret | None, Doc("The private key for gpu.user: file:PATH or env:NAME.")]
SshPassword = Annotated[dagger.Secret | None, Doc("The password of gpu.user: env:NAME or file:PATH.")]
SshService = Annotated[
    dagger.Service | None,
    Doc("What stands behind the login node's name, for one on your own host: tcp://localhost:2222."),
]
Attempts = Annotated[int, Doc("How often to try while the cluster has no GPU or the connection is lost.")]
