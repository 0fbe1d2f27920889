from textwrap import dedent

import pytest

from tests.unit.fusion.sample_stacks import child, fused

ARGS = '[images.child]\nbuild-args = {X = "from $args", Y = "it\'s"}'


@pytest.mark.parametrize(
    ("text", "settings", "after"),
    [
        pytest.param("ARG G=1\nFROM base\nARG G\n", "", "ARG G=1", id="the global's value"),
        pytest.param("ARG G=1\nFROM base\nARG G=2\n", "", "ARG G=2", id="its own default"),
        pytest.param("ARG G=1 H=$G.2\nFROM base\nARG H\n", "", "ARG H=1.2", id="defaults of defaults"),
        pytest.param("ARG G='a b'\nFROM base\nARG G\n", "", "ARG G='a b'", id="quotes"),
        pytest.param("ARG G=\"\\$a 'b'\"\nFROM base\nARG G\n", "", "ARG G=\"\\$a 'b'\"", id="dollars and both quotes"),
        pytest.param("ARG G=\nFROM base\nARG G\n", "", "ARG G=''", id="empty"),
        pytest.param("ARG G\nFROM base\nARG G\n", "", "ARG G", id="a global without a value"),
        pytest.param("FROM base\nARG G\n", "", "ARG G", id="no global"),
        pytest.param(
            "ARG G=1\nFROM base\nARG A=x G B='y z' \\\n  C\n", "", "ARG A=x G=1 B='y z' \\\n  C", id="several"
        ),
        pytest.param("ARG G=1\nFROM base\nARG A=$G\n", "", "ARG A=$G", id="a global that is not declared again"),
        pytest.param(
            "FROM base\nARG TARGETARCH TARGETPLATFORM=x\n", "", "ARG TARGETARCH TARGETPLATFORM=x", id="platform"
        ),
        pytest.param(
            "ARG TARGETARCH=z\nFROM base\nARG TARGETARCH\n", "", "ARG TARGETARCH=z", id="platform, overridden"
        ),
        pytest.param("ARG TARGETARCH\nFROM base\nARG TARGETARCH\n", "", "ARG TARGETARCH=''", id="platform, hidden"),
        pytest.param("ARG X=1\nFROM base\nARG X Y=2\n", ARGS, "ARG X='from $args' Y=\"it's\"", id="build args"),
        pytest.param("ARG X=1 Z=$X.$Y\nFROM base\nARG Y Z\n", ARGS, "ARG Y=\"it's\" Z='from $args.'", id="in defaults"),
    ],
)
def test_args_get_their_values(text: str, settings: str, after: str) -> None:
    assert child(text, settings=settings) == f"FROM base AS child\n{after}\n"


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("FROM --platform=$BUILDPLATFORM x/base:1", "FROM --platform=$BUILDPLATFORM base AS child"),
        ("FROM --platform=linux/$TARGETARCH base", "FROM --platform=linux/$TARGETARCH base AS child"),
        ("ARG P=linux/arm64\nFROM --platform=$P base", "FROM --platform=linux/arm64 base AS child"),
        ("ARG TARGETARCH=arm64\nFROM --platform=linux/$TARGETARCH base", "FROM --platform=linux/arm64 base AS child"),
    ],
)
def test_the_platform_of_a_stage(source: str, after: str) -> None:
    assert child(f"{source}\n") == f"{after}\n"


def test_a_parent_empties_its_args_for_its_children() -> None:
    found = fused(
        "child",
        {
            "base": "FROM x AS s\nARG S=1\nFROM s\nARG A=1 E=2\nARG NOTHING\nENV E=$E\nARG E=3\n",
            "child": "FROM base\nARG C=1\n",
        },
    )
    assert found.text == dedent(
        """\
        # base: images/base/Dockerfile
        FROM x AS base.s
        ARG S=1
        FROM base.s AS base
        ARG A=1 E=2
        ARG NOTHING
        ENV E=$E
        ARG E=3
        ARG A= S=
        # child: images/child/Dockerfile
        FROM base AS child
        ARG C=1
        """
    )
