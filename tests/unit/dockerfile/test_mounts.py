import pytest

from tests.unit.fusion.sample_stacks import child, lines


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("--mount=target=/x", "--mount=target=/x,source=child/", id="whole context"),
        pytest.param("--mount=type=bind,source=a,target=/x", "--mount=type=bind,source=child/a,target=/x", id="source"),
        pytest.param("--mount=src=../a/b,dst=/x", "--mount=src=child/a/b,dst=/x", id="src"),
        pytest.param("--mount=TYPE=bind,Source=./a,ro", "--mount=TYPE=bind,Source=child/a,ro", id="case of letters"),
        pytest.param("--mount=source=$X,target=/x", "--mount=source=child/$X,target=/x", id="variable"),
        pytest.param("--mount=from=alpine,source=a,target=/x", "--mount=from=alpine,source=a,target=/x", id="foreign"),
        pytest.param("--mount=from=y/fonts:1,source=a,target=/x", "--mount=from=fonts,source=a,target=/x", id="image"),
        pytest.param("--mount=type=cache,target=/x", "--mount=type=cache,target=/x", id="cache"),
        pytest.param(
            "--mount=type=cache,from=fonts:1,target=/x", "--mount=type=cache,from=fonts,target=/x", id="cache from"
        ),
        pytest.param("--mount=type=tmpfs,target=/x", "--mount=type=tmpfs,target=/x", id="tmpfs"),
        pytest.param("--mount=type=secret,id=a,src=b", "--mount=type=secret,id=a,src=b", id="secret"),
        pytest.param("--mount=type=ssh", "--mount=type=ssh", id="ssh"),
        pytest.param(
            "--mount=from=fonts:1,target=/x --network=none --mount=target=/y \\\n  --mount=type=cache,target=/z",
            "--mount=from=fonts,target=/x --network=none --mount=target=/y,source=child/ \\\n"
            "  --mount=type=cache,target=/z",
            id="several",
        ),
        pytest.param(
            '--mount=\'"source=a,b"\',"target=/x y"',
            '--mount=\\"source=child/a,b\\",target=/x\\ y',
            id="commas and blanks",
        ),
    ],
)
def test_mounts(before: str, after: str) -> None:
    command = " \\\n  # why\n\n  ls --mount=x"
    assert lines(f"RUN {before}{command}") == f"RUN {after}{command}"


def test_mounts_from_stages() -> None:
    text = child("FROM base AS Build\nFROM fonts\nRUN --mount=from=BUILD,target=/x ls\n")
    assert text.endswith("FROM fonts AS child\nRUN --mount=from=child.build,target=/x ls\n")
