"""What the engine says of a build that fails, in the user's terms."""

import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.build.engine_failure import EngineFailure
from ci.fusion.fuse import fuse
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

pytestmark = pytest.mark.anyio

DEBIAN = "debian:bookworm-slim"
PATH = "images/sub/kid/Dockerfile"
NOWHERE = "no such file or folder in the source tree"
EXCLUDED = "it is excluded from the build context by images/sub/kid/.dockerignore"
CREATE_IT = "Create it in a RUN before this, or use a number."


async def failure(text: str) -> str:
    """Build an image whose build fails; return the message."""
    files = {
        "images/base/Dockerfile": f"FROM {DEBIAN}\nRUN true\n",
        PATH: text,
        "images/sub/kid/a.txt": "a",
        "images/sub/kid/skip/in.txt": "i",
        "images/sub/kid/.dockerignore": "# why\nskip\nalso-absent\n",
    }
    folder = dag.directory()
    for path, content in files.items():
        folder = folder.with_new_file(path, content)
    fused = fuse(read_stack(MemoryTree(files)), "kid")
    builder = EngineBuilder(folder)
    for step in fused.steps:
        result = await builder.run_step(fused, step)
        if isinstance(result, EngineFailure):
            return result.message
    finished = await builder.finish(fused)
    assert isinstance(finished, EngineFailure), "the build did not fail"
    return finished.message


@pytest.mark.parametrize("base", ["base", DEBIAN])
@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        ("COPY nope /x", f"images/sub/kid/nope: {NOWHERE}"),
        ("COPY also-absent /x", f"images/sub/kid/also-absent: {NOWHERE}"),
        ("COPY ../skip/in.txt /x", f"images/sub/kid/skip/in.txt: {EXCLUDED}"),
        ("ADD nope.tar /x", f"images/sub/kid/nope.tar: {NOWHERE}"),
        ("COPY a.txt/b /x", "images/sub/kid/a.txt/b: a part of this path is a file, not a folder"),
        ("RUN --mount=source=nope,target=/b ls /b", f"images/sub/kid/nope: {NOWHERE}"),
        ("RUN --mount=source=skip,target=/b ls /b", f"images/sub/kid/skip: {EXCLUDED}"),
        (f"COPY --from={DEBIAN} /nope /x", f"/nope: no such file or folder in {DEBIAN}"),
        (f"RUN --mount=from={DEBIAN},source=nope,target=/b x", f"/nope: no such file or folder in {DEBIAN}"),
        (f"RUN --mount=type=cache,from={DEBIAN},source=/no,target=/b x", f"/no: no such file or folder in {DEBIAN}"),
        ("COPY --chown=no a.txt /x", f"--chown=no: the image has no user 'no' here. {CREATE_IT}"),
        ("COPY --chown=0:no a.txt /x", f"--chown=0:no: the image has no group 'no' here. {CREATE_IT}"),
        ("USER no\nRUN true", f"USER: the image has no user 'no' here. {CREATE_IT}"),
        ("USER no\nWORKDIR /x", f"USER: the image has no user 'no' here. {CREATE_IT}"),
        (
            "RUN true\nSHELL bash -c\nRUN true",
            f"{PATH}:3: SHELL bash -c: SHELL requires the arguments to be in JSON form",
        ),
        (
            "RUN true\nHEALTHCHECK --interval=5 CMD true",
            f'{PATH}:3: HEALTHCHECK --interval=5 CMD true: time: missing unit in duration "5"',
        ),
        ("STOPSIGNAL FOO\nRUN true", f"{PATH}:2: STOPSIGNAL FOO: invalid signal: FOO"),
        ("RUN true\nENV A=${B:?must}", f'{PATH}:3: ENV A=${{B:?must}}: failed to process "${{B:?must}}": B: must'),
        (
            "FROM debian:nosuch\nRUN true",
            f"{PATH}:2: FROM debian:nosuch: docker.io/library/debian:nosuch: not found",
        ),
        ("COPY --from=debian:nosuch / /", "debian:nosuch: docker.io/library/debian:nosuch: not found"),
    ],
)
async def test_a_message_speaks_of_what_the_user_knows(
    session: None,  # noqa: ARG001
    base: str,
    instructions: str,
    expected: str,
) -> None:
    assert await failure(f"FROM {base}\n{instructions}\n") == expected


async def test_a_user_that_a_plain_folder_does_not_know(session: None) -> None:  # noqa: ARG001
    # The name of the user is in a variable, which is not judged when the stack is read.
    text = f"FROM scratch\nCOPY --from={DEBIAN} / /\nARG U=games\nUSER $U\nWORKDIR /x\n"
    assert await failure(text) == (
        "the engine cannot look up the USER for this folder in an image FROM scratch. Write USER with numbers."
    )
