"""What Dagger 0.21.8 refuses in the middle of a build is refused when the stack is read."""

import pytest

from ci.errors import SpecError
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree, dockerfiles

HASH = "24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d"


def problems(text: str) -> tuple[str, ...]:
    try:
        read_stack(MemoryTree({"images/a/Dockerfile": text}))
    except SpecError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("instruction", "problem"),
    [
        pytest.param(
            "RUN --mount=target=/b,rw touch /b/x",
            "RUN --mount=target=/b,rw: the engine cannot mount a folder for writing. Mount it without rw, and in the "
            "RUN copy what it changes; Docker does not keep such changes either.",
            id="a folder mounted for writing",
        ),
        pytest.param(
            "RUN --mount=type=cache,target=/c,from=debian,uid=5 x",
            "RUN --mount=type=cache,target=/c,from=debian,uid=5: uid, gid and mode need a folder. Give one of the "
            "image as source=, with the owner that it has there.",
            id="a cache that begins as an image",
        ),
        pytest.param(
            "RUN --security=insecure mount x y",
            "RUN --security=insecure: builds here have the usual privileges only. Remove the flag, or do this when the "
            "container runs.",
            id="privileges",
        ),
        pytest.param(
            "RUN --device=nvidia.com/gpu=all x",
            "RUN --device=nvidia.com/gpu=all: builds here have no devices. Do this when the container runs.",
            id="devices",
        ),
        pytest.param("RUN --network=hots x", "RUN --network=hots: use default, none or host.", id="networks"),
        pytest.param("RUN --moun=target=/x x", "RUN has no flag --moun. Did you mean 'mount'?", id="unknown flag"),
        pytest.param("COPY --unpack a.tar /a", "COPY has no flag --unpack.", id="a flag of ADD"),
        pytest.param(
            f"ADD --checksum=sha256:{HASH} https://x.org/a /a/",
            f"ADD --checksum=sha256:{HASH}: the engine does not verify checksums. Remove the flag, and verify the file "
            f"in the next instruction: RUN echo '{HASH}  /a/a' | sha256sum --check",
            id="checksums",
        ),
        pytest.param(
            "ADD https://x.org/y.git#main:docs /docs",
            "ADD https://x.org/y.git#main:docs: the engine fetches whole repositories only. ADD it without the folder "
            "in a stage of its own, and COPY the folder with --from= that stage.",
            id="a folder of a repository",
        ),
        pytest.param(
            "ADD git@x.org:y.git /y",
            "ADD git@x.org:y.git: the engine has no SSH keys for ADD. Use an address with https://, or clone it in a "
            "RUN --mount=type=ssh.",
            id="git over SSH",
        ),
        pytest.param(
            "COPY --chmod=a+x a /a",
            "COPY --chmod=a+x: the engine supports octal modes only. Write it in octal, such as --chmod=0755.",
            id="a mode that depends on the file",
        ),
        pytest.param(
            "COPY --from=debian --chmod=u=rw,go= /a /a",
            "COPY --chmod=u=rw,go=: the engine supports octal modes only. Write it in octal, such as --chmod=0600.",
            id="a mode of files from an image, which may have a sticky bit",
        ),
        pytest.param(
            "EXPOSE 80 9/sctp",
            "EXPOSE 9/sctp: the engine supports tcp and udp only. Remove this port.",
            id="protocols",
        ),
    ],
)
def test_it_is_refused_with_its_place_and_what_to_do(instruction: str, problem: str) -> None:
    assert problems(f"FROM debian\nRUN true\n{instruction}\n") == (f"images/a/Dockerfile:3: {problem}",)


@pytest.mark.parametrize(
    "instruction",
    [
        "RUN --mount=target=/b ls",
        "RUN --mount=target=/b,rw=false ls",
        "RUN --mount=target=/b,rw,ro ls",
        "RUN --mount=type=cache,target=/b,rw ls",
        "RUN --mount=type=tmpfs,target=/b,rw,size=1g ls",
        "RUN --mount=type=cache,target=/b,uid=1000,gid=100,mode=0775 ls",
        "RUN --mount=type=cache,target=/b,from=debian,source=/x,uid=5 ls",
        "RUN --mount=type=secret,id=x,required ls",
        "RUN --mount=type=ssh,mode=0666 ls",
        "RUN --network=none --security=sandbox ls",
        "COPY --link --parents --chown=a:b --chmod=0755 --exclude=*.md --from=debian a b",
        "COPY --chmod=$MODE a b",
        "COPY --chmod=u=rwx,go=rx a b",
        "ADD --unpack --keep-git-dir --chmod=644 https://x.org/a.git#main /a",
        "HEALTHCHECK --interval=5s --timeout=1s --start-period=1s --start-interval=1s --retries=2 CMD true",
        "EXPOSE 80/tcp 53/UDP 8000-8010",
        "ONBUILD RUN --security=insecure x",
    ],
)
def test_it_is_not_refused(instruction: str) -> None:
    assert problems(f"FROM debian\n{instruction}\n") == ()


def test_what_would_end_the_engine_is_refused_unless_it_is_known_to_be_harmless() -> None:
    assert len(problems("FROM debian\nARG W\nRUN --mount=target=/b,rw=$W x\nRUN --mount=type=$W,target=/b,rw x\n")) == 2


def test_all_are_told_at_once_and_those_of_unused_stages_are_not() -> None:
    text = "FROM debian AS dev\nRUN --security=insecure a\nFROM debian\nRUN --device=a b\nEXPOSE 1/sctp\n"
    assert [problem.partition(": ")[0] for problem in problems(text)] == [
        "images/a/Dockerfile:4",
        "images/a/Dockerfile:5",
    ]


def test_a_trigger_is_told_where_it_is_written() -> None:
    tree = dockerfiles(base="FROM debian\nONBUILD RUN --device=a b\n", child="FROM base\n")
    with pytest.raises(SpecError, match=r"images/base/Dockerfile:2: RUN --device=a"):
        read_stack(tree)


def test_a_disabled_image_is_not_judged() -> None:
    files = {
        "images/a/Dockerfile": "FROM debian\nRUN --device=a b\n",
        "images/b/Dockerfile": "FROM debian\n",
        "images/stack.toml": '[images.a]\nenabled = false\nreason = "no GPU"\n',
    }
    assert [image.name for image in read_stack(MemoryTree(files)).images] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("FROM scratch\nCOPY --from=debian / /\nUSER app\nWORKDIR /app\n", 1, id="a folder as a user"),
        pytest.param("FROM scratch AS a\nUSER app\nFROM a\nWORKDIR /app\n", 1, id="in a stage built on it"),
        pytest.param("FROM scratch\nUSER 1000:100\nWORKDIR /app\n", 0, id="by number"),
        pytest.param("FROM scratch\nARG U\nUSER $U\nWORKDIR /app\n", 0, id="unknown"),
        pytest.param("FROM scratch\nCOPY --from=debian / /\nUSER app\nRUN x\nWORKDIR /app\n", 0, id="after a RUN"),
        pytest.param("FROM scratch\nWORKDIR /app\nUSER app\n", 0, id="before USER"),
        pytest.param("FROM debian\nUSER app\nWORKDIR /app\n", 0, id="on an image"),
    ],
)
def test_a_user_is_not_looked_up_in_a_plain_folder(text: str, count: int) -> None:
    found = problems(text)
    assert len(found) == count
    assert all("WORKDIR as user app" in problem for problem in found)
