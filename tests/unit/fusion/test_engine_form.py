"""Instructions that Dagger refuses, in a form that it accepts."""

from textwrap import dedent

import pytest

from tests.unit.fusion.sample_stacks import fused, lines

CACHE = "RUN --mount=type=cache,target=/c,uid=1000,gid=100 x"
FOLDER = """\
FROM scratch AS a.cache-empty
WORKDIR /cache
FROM scratch AS a.cache
COPY --from=a.cache-empty --chown=1000:100 --chmod=0755 /cache /cache
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("RUN --security=sandbox x", "RUN  x", id="the usual privileges"),
        pytest.param(
            "RUN --network=none \\\n  --security=sandbox \\\n  x", "RUN --network=none \\\n   \\\n  x", id="over lines"
        ),
        pytest.param("RUN --mount=type=ssh,id=a,mode=0666 x", "RUN --mount=type=ssh,id=a x", id="SSH mode"),
        pytest.param("COPY --chmod=u=rwx,go=rx a b", "COPY --chmod=0755 child/a b", id="symbolic mode"),
        pytest.param("ADD --link --chmod=a=r a b", "ADD --link --chmod=0444 child/a b", id="symbolic mode of ADD"),
        pytest.param("COPY --chmod=$MODE a b", "COPY --chmod=$MODE child/a b", id="mode in a variable"),
        pytest.param("RUN x --security=sandbox", "RUN x --security=sandbox", id="not a flag"),
    ],
)
def test_forms(before: str, after: str) -> None:
    assert lines(before) == after


def test_an_image_by_itself_keeps_the_rest_of_its_text() -> None:
    text = (
        "# x\nFROM debian AS dev\nRUN --security=insecure --device=a x\nFROM debian\nRUN --security=sandbox <<E\ny\nE\n"
    )
    found = fused("a", {"a": text})
    assert found.text == text.replace("--security=insecure --device=a", " ").replace("--security=sandbox", "")
    assert [(step.command, step.line) for step in found.steps] == [("RUN --security=sandbox <<E ⏎ y", 5)]


def test_a_cache_gets_its_folder_from_a_stage() -> None:
    found = fused("a", {"a": f"FROM debian\nRUN y\n{CACHE}\nCOPY f /f\n"})
    assert found.text == (
        f"# a: images/a/Dockerfile\n{FOLDER}FROM debian AS a\nRUN y\n"
        "RUN --mount=type=cache,target=/c,from=a.cache,source=/cache x\nCOPY a/f /f\n"
    )
    assert [(stage.name, stage.begin, stage.needs) for stage in found.stages] == [("a", 6, ())]
    assert [(step.command, step.line) for step in found.steps] == [("RUN y", 2), (CACHE, 3), ("COPY f /f", 4)]
    assert [found.cut(step).splitlines()[-1].split()[0] for step in found.steps] == ["RUN", "RUN", "COPY"]
    assert found.contexts[0].folder == "a"


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ("uid=1000", "--chown=1000:0 --chmod=0755"),
        ("gid=100", "--chown=0:100 --chmod=0755"),
        ("mode=0700", "--chown=0:0 --chmod=0700"),
        ("uid=5,UID=6,mode=1777", "--chown=6:0 --chmod=0777"),
        ("uid=7,source=/", "--chown=7:0 --chmod=0755"),
    ],
)
def test_what_is_not_said_is_as_in_docker(fields: str, change: str) -> None:
    text = fused("a", {"a": f"FROM debian\nRUN --mount=type=cache,id=i,target=/c,{fields} x\n"}).text
    assert f"COPY --from=a.cache-empty {change} /cache /cache\n" in text
    assert "RUN --mount=type=cache,id=i,target=/c,from=a.cache,source=/cache x\n" in text


@pytest.mark.parametrize(
    "mount",
    [
        "type=cache,target=/c",
        "type=cache,target=/c,uid=jo",
        "type=cache,target=/c,mode=rwx",
        "type=cache,target=/c,uid=5,source=/x",
        "type=secret,id=a,uid=5",
        "type=ssh,uid=5",
    ],
)
def test_other_mounts_stay(mount: str) -> None:
    text = f"FROM base\nRUN --mount={mount} x\n"
    assert fused("a", {"base": "FROM debian\n", "a": text}).text.endswith(f"FROM base AS a\nRUN --mount={mount} x\n")


def test_equal_folders_are_made_once() -> None:
    other = "RUN --mount=type=cache,target=/d,uid=1000,gid=100 --mount=type=cache,target=/e,mode=0700 y"
    text = fused("a", {"a": f"FROM debian AS b\n{CACHE}\nFROM b\n{CACHE}\n{other}\n"}).text
    assert text == (
        f"# a: images/a/Dockerfile\n{FOLDER}FROM debian AS a.b\n"
        "RUN --mount=type=cache,target=/c,from=a.cache,source=/cache x\n"
        "FROM scratch AS a.cache-empty-2\nWORKDIR /cache\nFROM scratch AS a.cache-2\n"
        "COPY --from=a.cache-empty-2 --chown=0:0 --chmod=0700 /cache /cache\n"
        "FROM a.b AS a\n"
        "RUN --mount=type=cache,target=/c,from=a.cache,source=/cache x\n"
        "RUN --mount=type=cache,target=/d,from=a.cache,source=/cache "
        "--mount=type=cache,target=/e,from=a.cache-2,source=/cache y\n"
    )


def test_variables_are_written_out_where_they_are_known() -> None:
    text = "FROM scratch\nARG U=1000\nENV G=100\nRUN --mount=type=cache,target=/c,uid=$U,gid=${G} x\n"
    assert FOLDER in fused("a", {"a": text}).text


def test_variables_of_a_foreign_image_are_expanded_in_a_copy_of_it() -> None:
    text = (
        "ARG BASE=jupyter/base\nFROM --platform=$TARGETPLATFORM $BASE AS b\n"
        "FROM b\nUSER $NB_UID\nENV X=1 \\\n  G=$NB_GID\n"
        "RUN --mount=type=cache,target=/home/$NB_USER/.cache,uid=${NB_UID},gid=$G x\nENV Y=1\n"
    )
    found = fused("a", {"a": text, "b": "FROM a\n"})
    assert found.text == dedent(
        r"""
        # a: images/a/Dockerfile
        FROM --platform=$TARGETPLATFORM jupyter/base AS a.b
        FROM scratch AS a.cache-empty
        WORKDIR /cache
        FROM a.b AS a.cache-image
        ENV X=1 \
          G=$NB_GID
        COPY --from=a.cache-empty --chown=${NB_UID}:$G --chmod=0755 /cache /.cache-of-a-mount
        FROM scratch AS a.cache
        COPY --from=a.cache-image /.cache-of-a-mount /cache
        FROM a.b AS a
        USER $NB_UID
        ENV X=1 \
          G=$NB_GID
        RUN --mount=type=cache,target=/home/$NB_USER/.cache,from=a.cache,source=/cache x
        ENV Y=1
        """
    ).removeprefix("\n")
    assert fused("b", {"a": text, "b": "FROM a\n"}).text == f"{found.text}# b: images/b/Dockerfile\nFROM a AS b\n"


def test_names_of_folders_are_free() -> None:
    files = {
        "a": f"FROM a.cache-empty\n{CACHE}\n",
        "a.cache": "FROM debian\n",
        "b": "FROM a\nCOPY --from=a.cache / /\n",
    }
    text = fused("b", files).text
    assert "FROM scratch AS a.cache-empty-2\n" in text
    assert "FROM scratch AS a.cache-2\n" in text
    assert "FROM debian AS a.cache\n" in text


def test_each_instruction_is_known_by_its_file_and_line() -> None:
    text = f"FROM base\nENV A=1 \\\n  B=2\n{CACHE}\nHEALTHCHECK CMD x\n"
    files = {"base": "FROM debian\nONBUILD RUN o\n# why\nRUN y\n", "a": text}
    found = fused("a", files)
    written = found.text.splitlines()
    assert [(one.path, one.line, one.command, written[one.end - 1]) for one in found.instructions] == [
        ("images/base/Dockerfile", 1, "FROM debian", "FROM debian AS base"),
        ("images/base/Dockerfile", 4, "RUN y", "RUN y"),
        ("images/a/Dockerfile", 1, "FROM base", "FROM base AS a"),
        ("images/base/Dockerfile", 2, "RUN o", "RUN o"),
        ("images/a/Dockerfile", 2, "ENV A=1 B=2", "  B=2"),
        ("images/a/Dockerfile", 4, CACHE, "RUN --mount=type=cache,target=/c,from=a.cache,source=/cache x"),
        ("images/a/Dockerfile", 5, "HEALTHCHECK CMD x", "HEALTHCHECK CMD x"),
    ]
    assert [one.line for one in fused("base", files).instructions] == [1, 2, 4]
