from textwrap import dedent

import pytest

from ci.fusion.fused import Context, FusedStep
from tests.unit.fusion.sample_stacks import BASE, child, fused, runs


def test_a_chain_becomes_one_text_with_dependencies_first() -> None:
    found = fused(
        "ml",
        {
            "base": "ARG TAG=12\nFROM debian:$TAG\nCOPY a /a\nRUN base\n",
            "ds": "ARG BASE=ucsdets/base:stable\n\n# what follows\nFROM $BASE\nRUN ds\n",
            "ml": "FROM ds\nRUN ml-1 \\\n  && ml-2\nCOPY . /b\n",
            "other": "FROM base\n",
        },
    )
    assert found.text == dedent(
        """\
        # base: images/base/Dockerfile
        FROM debian:12 AS base
        COPY base/a /a
        RUN base
        # ds: images/ds/Dockerfile
        FROM base AS ds
        RUN ds
        # ml: images/ml/Dockerfile
        FROM ds AS ml
        RUN ml-1 \\
          && ml-2
        COPY ml/ /b
        """
    )
    assert found.contexts == tuple(
        Context(folder=name, path=f"images/{name}", ignore=()) for name in ("base", "ds", "ml")
    )
    assert [(stage.name, stage.image, stage.base, stage.needs) for stage in found.stages] == [
        ("base", "base", "debian:12", ()),
        ("ds", "ds", "base", ("base",)),
        ("ml", "ml", "ds", ("ds",)),
    ]
    assert found.steps == (
        FusedStep(image="base", stage="base", keyword="COPY", command="COPY a /a", line=3, end=3, layers=1),
        FusedStep(image="base", stage="base", keyword="RUN", command="RUN base", line=4, end=4, layers=1),
        FusedStep(image="ds", stage="ds", keyword="RUN", command="RUN ds", line=5, end=7, layers=1),
        FusedStep(image="ml", stage="ml", keyword="RUN", command="RUN ml-1 && ml-2", line=2, end=11, layers=1),
        FusedStep(image="ml", stage="ml", keyword="COPY", command="COPY . /b", line=4, end=12, layers=1),
    )


def test_the_text_is_cut_after_a_step() -> None:
    found = fused("b", {"a": BASE, "b": "FROM a\nRUN <<EOF\nx\nEOF\nRUN y\n"})
    first, second, _ = runs(found)
    assert found.cut(first).endswith("FROM debian AS a\nRUN base\n")
    assert found.cut(second).endswith("FROM a AS b\nRUN <<EOF\nx\nEOF\n")


@pytest.mark.parametrize(
    ("run", "command"),
    [
        pytest.param("RUN a \\\n # why\n\n   && b", "RUN a && b", id="continued"),
        pytest.param("run --network=none a", "run --network=none a", id="as it was written"),
        pytest.param("RUN <<EOF\n  a\n  b\nEOF", "RUN <<EOF ⏎ a ⏎ b", id="heredoc"),
        pytest.param("RUN <<A cat <<B\n1\n2\nA\n3\n4\nB", "RUN <<A cat <<B ⏎ 1 ⏎ 2 ⏎ 3 ⏎ …", id="long heredocs"),
        pytest.param('RUN ["a", "b"]', 'RUN ["a", "b"]', id="JSON"),
    ],
)
def test_a_step_is_shown_as_one_line(run: str, command: str) -> None:
    assert fused("a", {"a": f"FROM x\n{run}\n"}).steps[0].command == command


def test_stages_have_unique_names() -> None:
    found = fused(
        "child",
        {
            "base": "FROM debian AS build\nFROM alpine\nFROM scratch\nCOPY --from=build / /\nCOPY --from=1 / /\n",
            "child": """\
                FROM golang AS Build
                FROM base AS base
                FROM base AS build
                COPY --from=0 / /
                COPY --from=BASE / /
                FROM Base:1
                """.replace("Base:1", "x/base:1")
            + "COPY --from=build / /\n",
        },
    )
    assert [line for line in found.text.splitlines() if not line.startswith("#")] == [
        "FROM debian AS base.build",
        "FROM alpine AS base.1",
        "FROM scratch AS base",
        "COPY --from=base.build / /",
        "COPY --from=base.1 / /",
        "FROM golang AS child.build",
        "FROM base AS child.base",
        "FROM child.base AS child.build-2",
        "COPY --from=child.build / /",
        "COPY --from=child.base / /",
        "FROM base AS child",
        "COPY --from=child.build-2 / /",
    ]


def test_a_foreign_image_is_not_taken_for_a_stage() -> None:
    """`FROM python` in images/python is the official image, and a foreign image may have a stage's usual name."""
    found = fused(
        "app",
        {
            "python": "FROM python AS build\nFROM python\nCOPY --from=python / /\n",
            "app": "FROM python:3\nCOPY --from=python.build / /\n",
            "3d": "FROM x\n",
        },
    )
    assert [line for line in found.text.splitlines() if not line.startswith("#")] == [
        "FROM python AS python-2",
        "COPY --from=python / /",
        "FROM python-2 AS app",
        "COPY --from=python.build / /",
    ]


def test_a_name_that_is_invalid_for_a_stage_gets_a_prefix() -> None:
    assert "FROM x AS image-3d\n" in fused("a", {"3d": "FROM x\n", "a": "FROM 3d\n"}).text


def test_stages_that_are_not_needed_are_left_out() -> None:
    text = child("FROM base AS unused\nRUN a\nFROM base AS used\nRUN b\nFROM fonts\nCOPY --from=used x y\n")
    assert text == ("FROM base AS child.used\nRUN b\nFROM fonts AS child\nCOPY --from=child.used x y\n")


def test_onbuild_runs_in_every_stage_built_on_its_image() -> None:
    files = {
        "parent": "ARG V=1\nFROM scratch\nONBUILD ARG V\nONBUILD COPY --from=build . /a\nONBUILD COPY . \\\n  /b\n"
        "ONBUILD RUN <<EOF\nx\nEOF\nRUN y\n",
        "child": "ARG V=2\nFROM alpine AS build\nFROM parent AS a\nONBUILD RUN for-b\nFROM a AS b\nONBUILD RUN later\n"
        "FROM parent\nCOPY --from=b . /\nONBUILD COPY . /grandchild\nRUN z\n",
        "grandchild": "FROM child\nRUN g\n",
    }
    onbuild = "ARG V=2\nCOPY --from=child.build . /a\nCOPY child/ \\\n  /b\nRUN <<EOF\nx\nEOF\n"
    body = (
        "# parent: images/parent/Dockerfile\n"
        "FROM scratch AS parent\n"
        "RUN y\n"
        "# child: images/child/Dockerfile\n"
        "FROM alpine AS child.build\n"
        f"FROM parent AS child.a\n{onbuild}"
        "FROM child.a AS child.b\nRUN for-b\n"
        f"FROM parent AS child\n{onbuild}COPY --from=child.b . /\n"
    )
    found = fused("child", files)
    assert found.text == f"{body}ONBUILD COPY . /grandchild\nRUN z\n"
    assert [(step.command, step.line) for step in runs(found)] == [
        ("RUN y", 10),
        ("RUN <<EOF ⏎ x", 3),
        ("RUN for-b", 4),
        ("RUN <<EOF ⏎ x", 7),
        ("RUN z", 10),
    ]
    assert fused("grandchild", files).text == (
        f"{body}RUN z\nARG V=\n# grandchild: images/grandchild/Dockerfile\n"
        "FROM child AS grandchild\nCOPY grandchild/ /grandchild\nRUN g\n"
    )


def test_line_ends_byte_order_marks_and_directives_stay_in_their_part() -> None:
    found = fused(
        "b",
        {
            "a": "\ufeff# syntax=docker/dockerfile:1\r\n# escape=\\\r\nFROM x\r\n"
            "RUN <<EOF\r\ny\r\nEOF\r\nCOPY c \\\r\n d",
            "b": "# syntax=docker/dockerfile:1\nFROM a\nRUN z \\\n\n# the end",
        },
    )
    assert found.text == (
        "# a: images/a/Dockerfile\nFROM x AS a\nRUN <<EOF\r\ny\r\nEOF\r\nCOPY a/c \\\r\n d\n"
        "# b: images/b/Dockerfile\nFROM a AS b\nRUN z\n"
    )


def test_a_continuation_at_the_end_of_a_file_does_not_swallow_the_next() -> None:
    found = fused("b", {"a": "FROM x\nRUN y \\ \\", "b": "FROM a\n"})
    assert found.text == "# a: images/a/Dockerfile\nFROM x AS a\nRUN y\n# b: images/b/Dockerfile\nFROM a AS b\n"


def test_a_step_makes_a_layer_for_each_source() -> None:
    found = fused("a", {"a": "FROM x\nCOPY b c /d/\nCOPY <<E <<F e /d/\nE\nF\nADD f /g\nWORKDIR /h\nRUN i\nENV j=k\n"})
    assert [(step.keyword, step.layers) for step in found.steps] == [
        ("COPY", 2), ("COPY", 3), ("ADD", 1), ("WORKDIR", 1), ("RUN", 1),
    ]  # fmt: skip


def test_an_unknown_image_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        fused("missing", {"a": "FROM x\n"})
