import pytest

from ci.fusion.fused import Context, layering
from ci.fusion.substitutions import Substitutions
from tests.unit.fusion.sample_stacks import DIGEST, PUBLISHED, fused, runs, written

UNUSUAL = (
    "\ufeff# syntax=docker/dockerfile:1\r\nARG A=1\r\nFROM x:$A AS Y\r\n\r\n"
    "ONBUILD COPY . /\r\nFROM y\r\nCOPY a ../b /c"
)
PINNED = Substitutions(digests={"x": DIGEST, "x:1": DIGEST, "y": DIGEST, "z": DIGEST})
EPOCH = Substitutions(epochs={"a": "1"})
LINE = EPOCH.argument_line("a")


def test_an_image_that_needs_no_other_keeps_its_text() -> None:
    found = fused("a", {"a": UNUSUAL, "b": "FROM a\n"})
    assert found.text == UNUSUAL
    assert found.contexts == (Context(folder="", path="images/a", ignore=()),)
    assert [(stage.name, stage.begin, stage.base, stage.needs) for stage in found.stages] == [
        ("y", 3, "x:1", ()),
        ("a", 6, "y", ("y",)),
    ]


def test_only_args_with_a_build_arg_change() -> None:
    text = '\ufeffARG A="1\\\n2" B=3\nFROM x\nARG A\nRUN one\nARG C=$A A=4 # no comment\nONBUILD ARG A\nRUN two\n'
    found = fused("a", {"a": text}, "[images.a]\nbuild-args = {A = \"it's\", C = ''}")
    assert found.text == (
        '\ufeffARG A="it\'s" B=3\n\nFROM x\nARG A="it\'s"\nRUN one\n'
        "ARG C='' A=\"it's\" # no comment\nONBUILD ARG A\nRUN two\n"
    )
    assert [found.cut(step).splitlines()[-1] for step in runs(found)] == ["RUN one", "RUN two"]


def test_steps_are_those_of_needed_stages() -> None:
    found = fused("a", {"a": "FROM x AS unused\nRUN a\nFROM x AS used\nRUN b\nFROM y\nCOPY --from=used / /\nRUN c\n"})
    assert [(step.stage, step.command, step.line, step.end) for step in runs(found)] == [
        ("used", "RUN b", 4, 4),
        ("a", "RUN c", 7, 7),
    ]
    assert [stage.begin for stage in found.stages] == [3, 5]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("FROM x", "FROM x@DIGEST\n", id="no line break at the end"),
        pytest.param("FROM x \\", "FROM x@DIGEST \\\n", id="continued, and nothing follows"),
        pytest.param("\ufeffFROM x\r\n", "\ufeffFROM x@DIGEST\n", id="byte order mark and line ends"),
        pytest.param("ARG X=x:1\nFROM $X AS B\n", "ARG X=x:1\nFROM x:1@DIGEST AS B\n", id="variables, and a name"),
        pytest.param(
            "from --platform=$TARGETPLATFORM \\\n  x \\\n  as B\nRUN b\n",
            "from --platform=$TARGETPLATFORM \\\n  x@DIGEST \\\n  as B\nRUN b\n",
            id="flags, and lines",
        ),
        pytest.param(
            "FROM x AS b\nFROM y AS b\nFROM b\nCOPY --from=b /c /d\n",
            "FROM x@DIGEST AS b\nFROM y@DIGEST AS b\nFROM b\nCOPY --from=b /c /d\n",
            id="one name twice",
        ),
        pytest.param("FROM x AS y\nFROM y AS z\n", "FROM x@DIGEST AS y\nFROM y AS z\n", id="a stage of that name"),
        pytest.param(
            "FROM w\nFROM w\nCOPY --from=z --link /a /b\nCOPY --from=0 /a /b\n",
            "FROM w\nFROM w\nCOPY --from=z@DIGEST --link /a /b\nCOPY --from=0 /a /b\n",
            id="copies",
        ),
        pytest.param(
            "FROM w AS z\nFROM w\nRUN --mount=from=x,target=/a --mount=target=/b --mount=from=z,target=/c d\n",
            "FROM w AS z\nFROM w\nRUN --mount=from=x@DIGEST,target=/a --mount=target=/b --mount=from=z,target=/c d\n",
            id="mounts",
        ),
        pytest.param(f"FROM x:1@sha256:{'b' * 64}\n", f"FROM x:1@sha256:{'b' * 64}\n", id="has a digest"),
        pytest.param("FROM scratch\nCOPY x /y\nADD z /\n", "FROM scratch\nCOPY x /y\nADD z /\n", id="nothing foreign"),
        pytest.param("FROM w\nRUN <<EOF\nFROM x\nEOF\n", "FROM w\nRUN <<EOF\nFROM x\nEOF\n", id="a heredoc"),
    ],
)
def test_foreign_images_are_pinned_to_their_digests(before: str, after: str) -> None:
    assert written(fused("a", {"a": before}, substitutions=PINNED)) == after


def test_published_images_are_replaced_by_their_references() -> None:
    """The context is not moved into a folder, so that the ONBUILDs of a foreign image find their sources."""
    text = "FROM base AS b\nCOPY x /x\nFROM u/base:1\nCOPY --from=base /y /z\nRUN --mount=from=b,target=/a c\n"
    found = fused("a", {"base": "FROM x\n", "a": text}, substitutions=Substitutions(published={"base": PUBLISHED}))
    assert found.text == (
        f"FROM {PUBLISHED} AS b\nCOPY x /x\nFROM {PUBLISHED}\n"
        f"COPY --from={PUBLISHED} /y /z\nRUN --mount=from=b,target=/a c\n"
    )
    assert found.contexts == (Context(folder="", path="images/a", ignore=()),)
    assert [(stage.name, stage.base, stage.needs) for stage in found.stages] == [
        ("b", PUBLISHED, ()),
        ("a", PUBLISHED, ("b",)),
    ]
    assert layering(found).base == PUBLISHED


def test_an_epoch_is_added_after_every_from_and_moves_only_line_numbers() -> None:
    text = "ARG G\nFROM x AS b\nRUN one\n\nFROM y \\\n  AS c\nFROM z\nRUN <<EOF\nFROM w\nEOF\nCOPY --from=b a \\\n b\n"
    found = fused("a", {"a": text}, substitutions=EPOCH)
    assert found.text == (
        f"ARG G\nFROM x AS b\n{LINE}\nRUN one\n\nFROM y \\\n  AS c\n{LINE}\n"
        f"FROM z\n{LINE}\nRUN <<EOF\nFROM w\nEOF\nCOPY --from=b a \\\n b\n"
    )
    assert [(stage.name, found.head(stage.begin).splitlines()[-1]) for stage in found.stages] == [
        ("b", "FROM x AS b"),
        ("a", "FROM z"),
    ]
    assert [(step.line, found.cut(step).splitlines()[-1]) for step in found.steps] == [
        (3, "RUN one"),
        (8, "EOF"),
        (11, " b"),
    ]


@pytest.mark.parametrize("text", ["FROM x", "FROM x \\", "FROM x \\\n", "FROM x \\\n\n# end"])
def test_an_epoch_is_added_after_a_from_that_the_file_cuts_off(text: str) -> None:
    assert written(fused("a", {"a": text}, substitutions=EPOCH)).split() == ["FROM", "x", *LINE.split()]
