"""What the engine refuses, and is written in another form: the result is what Docker makes of it."""

import uuid

import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.fusion.fuse import fuse
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

pytestmark = pytest.mark.anyio

BASE = "FROM debian:bookworm-slim\n"
OWNER = "stat -c '%a %u:%g' /home/jo/.cache"


async def printed(kid: str, base: str = BASE) -> list[str]:
    """Build an image and return the lines that its RUNs print."""
    files = {"images/base/Dockerfile": base, "images/kid/Dockerfile": kid, "images/kid/a.txt": "a"}
    folder = dag.directory()
    for path, text in files.items():
        folder = folder.with_new_file(path, text)
    fused = fuse(read_stack(MemoryTree(files)), "kid")
    builder = EngineBuilder(folder)
    found: list[str] = []
    for step in fused.steps:
        output = await builder.run_step(fused, step)
        assert isinstance(output, str), output
        found.extend(output.splitlines())
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("uid=1000,gid=100", "755 1000:100"),
        ("uid=1000", "755 1000:0"),
        ("mode=0700", "700 0:0"),
        ("uid=1000,gid=100,mode=2775", "775 1000:100"),
        ("uid=$U,gid=${G:-100}", "755 1000:100"),
        ("uid=${UNKNOWN:-1000},gid=${G:-100},mode=${M}", "750 1000:100"),
    ],
)
@pytest.mark.parametrize("source", ["FROM base\n", BASE])
async def test_a_run_sees_the_owner_and_the_mode_of_its_cache(
    session: None,  # noqa: ARG001
    source: str,
    fields: str,
    expected: str,
) -> None:
    mount = f"--mount=type=cache,id={uuid.uuid4()},target=/home/jo/.cache,{fields}"
    assert await printed(f"{source}ENV U=1000 M=0750\nRUN {mount} {OWNER}\n") == [expected]


async def test_a_user_keeps_a_cache_from_build_to_build(session: None) -> None:  # noqa: ARG001
    mount = f"--mount=type=cache,id={uuid.uuid4()},target=/home/jo/.cache,uid=1000,gid=100"

    def image(word: str, base: str = "base", mount: str = mount) -> str:
        note = "ls /home/jo/.cache/notes 2>/dev/null; mkdir -p /home/jo/.cache/notes"
        return f"FROM {base}\nUSER 1000:100\nRUN {mount} {note} && touch /home/jo/.cache/notes/{word}; {OWNER}\n"

    owner = "755 1000:100"
    assert await printed(image("one")) == [owner]
    assert await printed(image("two")) == ["one", owner]
    # The image that it is mounted in does not matter, and neither does what else is in the Dockerfile.
    assert await printed(image("three"), f"{BASE}RUN touch /x\n") == ["one", "two", owner]
    assert await printed(image("four", "debian:bookworm-slim")) == ["one", "three", "two", owner]
    # A variable that only the engine knows leads to the same folder.
    unknown = mount.replace("uid=1000", "uid=${X:-1000}")
    assert await printed(image("five", mount=unknown)) == ["four", "one", "three", "two", owner]
    # Another owner has another cache, as with BuildKit.
    assert await printed(image("six", mount=mount.replace("uid=1000", "uid=1000,mode=0777"))) == ["777 1000:100"]


async def test_a_cache_is_no_part_of_the_image(session: None) -> None:  # noqa: ARG001
    mount = f"--mount=type=cache,id={uuid.uuid4()},target=/c,uid=1000"
    found = await printed(f"FROM base\nRUN {mount} touch /c/x\nRUN ls -d /c/x /cache* /.cache* 2>/dev/null; true\n")
    assert found == []


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        pytest.param("RUN --security=sandbox echo usual", ["usual"], id="the usual privileges"),
        pytest.param("RUN --network=none \\\n  --security=sandbox \\\n  echo usual", ["usual"], id="over lines"),
        pytest.param("RUN --mount=type=ssh,mode=0666 ls /run/buildkit 2>/dev/null; true", [], id="an SSH agent's mode"),
        pytest.param("COPY --chmod=u=rwx,go=rx a.txt /a\nRUN stat -c %a /a", ["755"], id="symbolic mode"),
        pytest.param("ADD --chmod=a=r,u+w a.txt /a\nRUN stat -c %a /a", ["644"], id="symbolic mode of ADD"),
    ],
)
@pytest.mark.parametrize("source", ["FROM base\n", BASE])
async def test_forms(
    session: None,  # noqa: ARG001
    source: str,
    instructions: str,
    expected: list[str],
) -> None:
    assert await printed(f"{source}{instructions}\n") == expected
