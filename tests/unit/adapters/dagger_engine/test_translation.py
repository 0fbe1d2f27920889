"""Messages of Dagger 0.21.8, as it wrote them, in the user's terms."""

import pytest

from ci.adapters.dagger_engine.translation import MissingSource, missing_source, translate
from ci.fusion.fuse import fuse
from ci.fusion.fused import Fused, FusedStep
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

PATH = "images/sub/kid/Dockerfile"
NOWHERE = "no such file or folder in the source tree"
CREATE_IT = "Create it in a RUN before this, or use a number."


def fused(text: str, base: str = "base") -> Fused:
    """Fuse `kid`, in a text of two images, or of one if the base is a foreign image."""
    files = {
        "images/base/Dockerfile": "FROM debian\nRUN true\n",
        PATH: f"FROM {base}\n{text}\n",
        "images/sub/kid/.dockerignore": "ignored.txt\nskip\n!skip/kept\n",
    }
    return fuse(read_stack(MemoryTree(files)), "kid")


def last(found: Fused) -> FusedStep:
    return found.steps[-1]


def prefix(base: str) -> str:
    return "/kid" if base == "base" else ""


@pytest.mark.parametrize("base", ["base", "debian"])
@pytest.mark.parametrize(
    ("instruction", "message", "expected"),
    [
        pytest.param(
            "COPY nope /x", "lstat {0}/nope: no such file or directory", f"images/sub/kid/nope: {NOWHERE}", id="COPY"
        ),
        pytest.param(
            'COPY ["no pe.txt", "/x/"]',
            "lstat {0}/no pe.txt: no such file or directory",
            f"images/sub/kid/no pe.txt: {NOWHERE}",
            id="blanks",
        ),
        pytest.param(
            "COPY a.txt/b /x/",
            "lstat {0}/a.txt/b: not a directory",
            "images/sub/kid/a.txt/b: a part of this path is a file, not a folder",
            id="below a file",
        ),
        pytest.param(
            "ADD nope.tar /x",
            "failed to unpack source archive: stat /tmp/dagger-mount2960690547{0}/nope.tar: no such file or directory",
            f"images/sub/kid/nope.tar: {NOWHERE}",
            id="ADD",
        ),
        pytest.param(
            "RUN --mount=type=bind,source=nope,target=/b ls /b",
            'failed to content hash dockerfile bind mount at "{0}/nope": failed to get content hash: '
            'failed to checksum ref at subdir {0}/nope: "{0}/nope": not found',
            f"images/sub/kid/nope: {NOWHERE}",
            id="mount",
        ),
        pytest.param(
            "COPY --from=debian /nope /x",
            "lstat /nope: no such file or directory",
            "/nope: no such file or folder in debian",
            id="COPY from an image",
        ),
        pytest.param(
            "ENV X=/nope\nCOPY --from=debian $X /x",
            "lstat /nope: no such file or directory",
            "/nope: no such file or folder in debian",
            id="COPY from an image with a variable",
        ),
        pytest.param(
            "RUN --mount=from=debian,source=/nope/,target=/b --mount=target=/c ls /b",
            'failed to content hash dockerfile bind mount at "/nope": failed to get content hash: failed to checksum '
            'ref at subdir /nope: "/nope": not found',
            "/nope: no such file or folder in debian",
            id="mount from an image",
        ),
        pytest.param(
            "RUN --mount=type=cache,from=debian,source=/nope,target=/b ls /b",
            "failed to compute cache key for Container.withMountedCache: evaluate cache source directory: stat /nope: "
            "no such file or directory",
            "/nope: no such file or folder in debian",
            id="cache from an image",
        ),
        pytest.param(
            "COPY --chown=nosuch a.txt /x",
            "failed to parse ownership nosuch: find uid: no such user: nosuch",
            f"--chown=nosuch: the image has no user 'nosuch' here. {CREATE_IT}",
            id="owner",
        ),
        pytest.param(
            "COPY --chown=0:nosuch a.txt /x",
            "failed to parse ownership 0:nosuch: find gid: no such group: nosuch",
            f"--chown=0:nosuch: the image has no group 'nosuch' here. {CREATE_IT}",
            id="group",
        ),
        pytest.param(
            "USER nosuch\nRUN true",
            "get user: unable to find user nosuch: no matching entries in passwd file",
            f"USER: the image has no user 'nosuch' here. {CREATE_IT}",
            id="user",
        ),
        pytest.param(
            "USER 0:nosuch\nRUN true",
            "get user: unable to find group nosuch: no matching entries in group file",
            f"USER: the image has no group 'nosuch' here. {CREATE_IT}",
            id="user's group",
        ),
        pytest.param(
            "USER nosuch\nWORKDIR /y",
            "failed to resolve ownership for nosuch: find uid: no such user: nosuch",
            f"USER: the image has no user 'nosuch' here. {CREATE_IT}",
            id="user of WORKDIR",
        ),
        pytest.param(
            "ADD http://x.org/nope /x",
            "invalid response status 404 Not Found",
            "the server responded with status 404 Not Found",
            id="ADD of a URL",
        ),
        pytest.param(
            "STOPSIGNAL FOO\nRUN true",
            "invalid signal: FOO",
            f"{PATH}:2: STOPSIGNAL FOO: invalid signal: FOO",
            id="signal",
        ),
        pytest.param(
            "EXPOSE 80\nEXPOSE http\nRUN true",
            "invalid containerPort: http",
            "invalid containerPort: http",
            id="port: which of two is not known",
        ),
        pytest.param(
            "ARG P=http\nRUN true\nEXPOSE $P\nCOPY a /b",
            "invalid containerPort: http",
            f"{PATH}:4: EXPOSE $P: invalid containerPort: http",
            id="port in a variable",
        ),
        pytest.param(
            'ENV A="${B:?must be set}"\nRUN true',
            'failed to process "\\"${{B:?must be set}}\\"": B: must be set',
            'failed to process "\\"${B:?must be set}\\"": B: must be set',
            id="a value that the text has in another form",
        ),
        pytest.param(
            "ENV A=${B:?must}\nRUN true",
            'failed to process "${{B:?must}}": B: must',
            f'{PATH}:2: ENV A=${{B:?must}}: failed to process "${{B:?must}}": B: must',
            id="a variable that must be set",
        ),
        pytest.param(
            "RUN true",
            'llbtodagger: unsupported op "file.mkdir" (sha256:28ac23a63e5d6af1e576d1aeac94d4f3c76fda0dab87c10934a535'
            "ad16eeae24a): named user/group chown requires container context",
            "the engine cannot look up the USER for this folder in an image FROM scratch. Write USER with numbers.",
            id="a user in a plain folder",
        ),
        pytest.param(
            "RUN true",
            'llbtodagger: unsupported op "exec" (sha256:28ac23): ulimit is unsupported',
            "the engine cannot build this: ulimit is unsupported",
            id="what it cannot build",
        ),
        pytest.param(
            "RUN true",
            'llbtodagger: invalid exposed port "80/sctp": unsupported protocol "sctp"',
            'the engine cannot build this: invalid exposed port "80/sctp": unsupported protocol "sctp"',
            id="what it cannot configure",
        ),
        pytest.param("RUN true", "disk full", "disk full", id="what is not known"),
    ],
)
def test_a_message_speaks_of_what_the_user_knows(base: str, instruction: str, message: str, expected: str) -> None:
    found = fused(instruction, base)
    assert translate(message.format(prefix(base)), found, last(found)) == expected


@pytest.mark.parametrize("base", ["base", "debian"])
def test_lines_are_those_of_the_users_file(base: str) -> None:
    text = "RUN a \\\n  && b\n# why\nSHELL bash -c\nRUN true\nHEALTHCHECK --interval=5 CMD true"
    found = fused(text, base)
    lines = found.text.splitlines()

    def told(start: str, step: FusedStep | None) -> str:
        line = next(number for number, line in enumerate(lines, start=1) if line.startswith(start))
        return translate(f"dockerfile parse error on line {line}: unknown flag: foo", found, step)

    assert told("RUN a", found.steps[-2]) == "unknown flag: foo"
    assert told("SHELL", last(found)) == f"{PATH}:5: SHELL bash -c: unknown flag: foo"
    assert told("HEALTHCHECK", None) == f"{PATH}:7: HEALTHCHECK --interval=5 CMD true: unknown flag: foo"


def test_an_epoch_or_a_folder_of_a_cache_moves_no_line() -> None:
    found = fused("RUN --mount=type=cache,target=/c,uid=5 x\nSHELL y\nRUN z")
    line = found.text.splitlines().index("SHELL y") + 1
    assert translate(f"dockerfile parse error on line {line}: no", found, last(found)) == f"{PATH}:3: SHELL y: no"


def test_a_reference_is_told_with_its_from() -> None:
    found = fused("COPY --from=b /x /x", "debian:nosuch AS b\nFROM base")
    assert translate("debian:nosuch: docker.io/library/debian:nosuch: not found", found, last(found)) == (
        f"{PATH}:1: FROM debian:nosuch AS b: docker.io/library/debian:nosuch: not found"
    )
    refused = 'localhost:1/a:b: failed to do request: Head "http://localhost:1/v2/a/manifests/b": connection refused'
    found = fused("RUN true", "localhost:1/a:b")
    assert translate(refused, found, last(found)) == (
        f'{PATH}:1: FROM localhost:1/a:b: failed to do request: Head "http://localhost:1/v2/a/manifests/b": '
        "connection refused"
    )


def test_a_platform_is_told_with_its_from() -> None:
    found = fused("COPY --from=base /x /x", "--platform=foo debian")
    assert translate(
        'failed to parse platform foo: "foo": unknown operating system or architecture: invalid argument',
        found,
        last(found),
    ).startswith(f"{PATH}:1: FROM --platform=foo debian: failed to parse platform foo: ")


def test_a_parents_mistake_is_told_in_its_file() -> None:
    files = {
        "images/base/Dockerfile": "FROM debian\nONBUILD COPY nope /x\nSHELL x\nRUN true\n",
        "images/kid/Dockerfile": "FROM base\n",
        "images/other/Dockerfile": "FROM kid\nRUN y\n",
    }
    found = fuse(read_stack(MemoryTree(files)), "other")
    assert translate("dockerfile parse error on line 3: no", found, last(found)) == (
        "images/base/Dockerfile:3: SHELL x: no"
    )
    trigger = next(step for step in found.steps if step.keyword == "COPY")
    message = "lstat /kid/nope: no such file or directory"
    assert translate(message, found, trigger) == f"images/kid/nope: {NOWHERE}"
    # A step fails with the message of the stage that it depends on, of another image.
    assert translate(message, found, last(found)) == f"images/kid/nope: {NOWHERE}"


@pytest.mark.parametrize("base", ["base", "debian"])
@pytest.mark.parametrize(
    ("path", "excluded_by"),
    [
        ("ignored.txt", "it is excluded from the build context by images/sub/kid/.dockerignore"),
        ("skip/in.txt", "it is excluded from the build context by images/sub/kid/.dockerignore"),
        ("skip/kept", ""),
        ("nope", ""),
    ],
)
def test_an_excluded_source_is_told_with_its_ignore_file(base: str, path: str, excluded_by: str) -> None:
    found = fused(f"COPY {path} /x", base)
    message = f"lstat {prefix(base)}/{path}: no such file or directory"
    assert missing_source(message, found, last(found)) == MissingSource(
        path=f"images/sub/kid/{path}", excluded_by=excluded_by
    )


def test_tests_are_excluded_without_an_ignore_file() -> None:
    files = {
        "a.txt": "",
        "images/a/Dockerfile": "FROM debian\nARG D=tests/image\nCOPY $D /x\n",
        "images/a/tests/image/test_a.py": "",
        "images/stack.toml": '[images.a]\ncontext = "../.."\n',
    }
    found = fuse(read_stack(MemoryTree(files)), "a")
    message = "lstat /images/a/tests/image: no such file or directory"
    assert missing_source(message, found, last(found)) == MissingSource(
        path="images/a/tests/image",
        excluded_by="it is excluded from the build context since it is a folder of tests",
    )


def test_what_is_missing_in_an_image_is_not_looked_for_in_the_source_tree() -> None:
    found = fused("COPY --from=debian /nope /x")
    assert missing_source("lstat /nope: no such file or directory", found, last(found)) is None
    assert missing_source("disk full", found, last(found)) is None
