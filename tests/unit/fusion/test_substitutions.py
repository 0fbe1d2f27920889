from itertools import pairwise

import pytest

from ci.fusion.fused import Context, layering, leaked_args
from ci.fusion.substitutions import Substitutions
from tests.unit.fusion.sample_stacks import DIGEST, PUBLISHED, fused, runs, written

FILES = {
    "ground": "FROM debian\nRUN ground\n",
    "base": "FROM ground\nENV E=x\nARG A=1\nRUN base\n",
    "mid": "FROM base AS build\nRUN build\nFROM base\nCOPY $E ../y /c/\nCOPY --from=build / /\n"
    "RUN --mount=from=base,target=/m mid\n",
    "leaf": "FROM debian AS other\nRUN other\nFROM mid\nCOPY . /leaf\nCOPY --from=other / /\nCOPY --from=uv:1 /uv /\n",
}
PUBLISHED_BASE = Substitutions(published={"base": PUBLISHED})


def test_a_published_image_and_its_own_dependencies_are_not_built() -> None:
    found = fused("leaf", FILES, substitutions=PUBLISHED_BASE)
    assert written(found) == (
        "FROM docker.io/x/base@DIGEST AS mid.build\nRUN build\n"
        "FROM docker.io/x/base@DIGEST AS mid\nCOPY mid/$E mid/y /c/\nCOPY --from=mid.build / /\n"
        "RUN --mount=from=docker.io/x/base@DIGEST,target=/m mid\n"
        "FROM debian AS leaf.other\nRUN other\n"
        "FROM mid AS leaf\nCOPY leaf/ /leaf\nCOPY --from=leaf.other / /\nCOPY --from=uv:1 /uv /\n"
    )
    assert [context.path for context in found.contexts] == ["images/mid", "images/leaf"]
    assert {stage.name: (stage.base, stage.needs) for stage in found.stages} == {
        "mid.build": (PUBLISHED, ()),
        "mid": (PUBLISHED, ("mid.build",)),
        "leaf.other": ("debian", ()),
        "leaf": ("mid", ("mid", "leaf.other")),
    }
    assert [step.command for step in runs(found)] == [
        "RUN build",
        "RUN --mount=from=base,target=/m mid",
        "RUN other",
    ]
    assert layering(found).base == PUBLISHED


def test_a_parent_that_is_built_may_need_an_image_that_is_published() -> None:
    found = fused("leaf", FILES, substitutions=Substitutions(published={"ground": PUBLISHED}))
    assert written(found).startswith("FROM docker.io/x/base@DIGEST AS base\nENV E=x\nARG A=1\nRUN base\nARG A=\n")


def test_the_text_of_a_published_image_is_one_from() -> None:
    substitutions = Substitutions(published={"base": PUBLISHED}, epochs={"base": "1"}, digests={"debian": DIGEST})
    found = fused("base", FILES, substitutions=substitutions)
    assert found.text == f"FROM {PUBLISHED}\n"
    assert (found.contexts, found.steps) == ((), ())
    assert [(stage.name, stage.image, stage.base, stage.needs, stage.begin) for stage in found.stages] == [
        ("base", "base", PUBLISHED, (), 1)
    ]
    assert (layering(found).base, leaked_args(found)) == (PUBLISHED, ())


def test_an_image_with_onbuild_is_built_for_its_children() -> None:
    """The engine would run it with the whole context as source, and pass it on to the children of the children."""
    files = {
        "base": "FROM x\nRUN base\nONBUILD COPY . /w\n",
        "mid": "FROM base\nRUN mid\n",
        "leaf": "FROM mid\nRUN leaf\n",
    }
    mid = PUBLISHED.replace("base", "mid")
    text = "FROM x AS base\nRUN base\nFROM base AS mid\nCOPY mid/ /w\nRUN mid\n"
    assert written(fused("mid", files, substitutions=PUBLISHED_BASE)) == text
    assert written(fused("leaf", files, substitutions=PUBLISHED_BASE)) == f"{text}FROM mid AS leaf\nRUN leaf\n"
    both = Substitutions(published={"base": PUBLISHED, "mid": mid})
    assert fused("leaf", files, substitutions=both).text == f"FROM {mid}\nRUN leaf\n"
    assert fused("base", files, substitutions=both).text == f"FROM {PUBLISHED}\n"


def test_an_onbuild_of_an_earlier_stage_does_not_matter() -> None:
    files = {"base": "FROM x AS a\nONBUILD RUN b\nFROM a\n", "leaf": "FROM base\n"}
    assert fused("leaf", files, substitutions=PUBLISHED_BASE).text == f"FROM {PUBLISHED}\n"


def test_foreign_images_are_pinned_to_their_digests() -> None:
    pinned = Substitutions(digests={"debian": DIGEST, "uv:1": DIGEST})
    assert written(fused("leaf", FILES, substitutions=pinned)) == written(fused("leaf", FILES)).replace(
        "FROM debian", "FROM debian@DIGEST"
    ).replace("--from=uv:1", "--from=uv:1@DIGEST")
    found = fused("leaf", FILES, substitutions=pinned)
    assert layering(found).base == f"debian@{DIGEST}"
    assert [stage.base for stage in found.stages if not stage.needs] == [f"debian@{DIGEST}"] * 2


@pytest.mark.parametrize(
    ("reference", "pinned"),
    [
        pytest.param("debian:12", f"debian:12@{DIGEST}", id="a tag stays"),
        pytest.param("debian", "debian", id="no digest"),
        pytest.param(f"uv@{DIGEST}", f"uv@{DIGEST}", id="its own digest"),
    ],
)
def test_a_reference_gets_its_digest(reference: str, pinned: str) -> None:
    assert Substitutions(digests={"debian:12": DIGEST, f"uv@{DIGEST}": DIGEST}).pinned(reference) == pinned


def test_a_pinned_image_is_not_taken_for_the_stage_of_its_name() -> None:
    files = {"python": "FROM python AS python\nFROM python\nRUN a\n", "b": "FROM python:3\nRUN b\n"}
    assert written(fused("b", files, substitutions=Substitutions(digests={"python": DIGEST}))) == (
        "FROM python@DIGEST AS python.python\nFROM python.python AS python-2\nRUN a\nFROM python-2 AS b\nRUN b\n"
    )


def test_each_stage_of_an_image_has_its_epoch() -> None:
    substitutions = Substitutions(epochs={"mid": "1", "leaf": "2"})
    mid, leaf = substitutions.argument_line("mid"), substitutions.argument_line("leaf")
    lines = written(fused("leaf", FILES, substitutions=substitutions)).splitlines()
    after = {above: below for above, below in pairwise(lines) if above.startswith("FROM")}
    assert after == {
        "FROM debian AS ground": "RUN ground",
        "FROM ground AS base": "ENV E=x",
        "FROM base AS mid.build": mid,
        "FROM base AS mid": mid,
        "FROM debian AS leaf.other": leaf,
        "FROM mid AS leaf": leaf,
    }


def test_an_epoch_is_a_leaked_arg_of_every_image() -> None:
    for name in ("base", "leaf"):
        assert "DATAHUB_EPOCH" in leaked_args(fused(name, FILES, substitutions=Substitutions(epochs={"base": "1"})))
    assert leaked_args(fused("ground", FILES, substitutions=Substitutions(epochs={"ground": "1"}))) == (
        "DATAHUB_EPOCH",
    )


def test_an_epoch_may_be_any_text() -> None:
    first, second = (Substitutions(epochs={"a": epoch}).argument_line("a") for epoch in ('it\'s "1"\n$A \\', "2"))
    assert first != second
    assert {line.partition("=")[0] for line in (first, second)} == {"ARG DATAHUB_EPOCH"}
    assert first.partition("=")[2].isalnum()
    assert (Substitutions(epochs={"a": ""}).argument_line("a"), Substitutions().argument_line("a")) == ("", "")


def test_epochs_and_contexts_of_an_image_that_needs_no_other() -> None:
    substitutions = Substitutions(published={"base": PUBLISHED}, epochs={"mid": "1"}, digests={"debian": DIGEST})
    found = fused("mid", FILES, substitutions=substitutions)
    line = substitutions.argument_line("mid")
    assert found.text == (
        f"FROM {PUBLISHED} AS build\n{line}\nRUN build\nFROM {PUBLISHED}\n{line}\nCOPY $E ../y /c/\n"
        f"COPY --from=build / /\nRUN --mount=from={PUBLISHED},target=/m mid\n"
    )
    assert found.contexts == (Context(folder="", path="images/mid", ignore=()),)
    assert [step.line for step in found.steps] == [2, 4, 5, 6]


def test_a_disabled_image_that_cannot_be_parsed_is_ignored() -> None:
    substitutions = Substitutions(published={"b": PUBLISHED})
    off = "[images.b]\nenabled = false\nreason = 'old'\n"
    assert fused("a", {"a": "FROM x\n", "b": "NO DOCKERFILE\n"}, off, substitutions).text == "FROM x\n"


def test_every_run_sees_the_proxies_and_no_text_for_a_key_does() -> None:
    substitutions = Substitutions(proxies={"mid": {"HTTP_PROXY": "http://u:it's@p:1", "no_proxy": "a, b"}})
    line = substitutions.argument_line("mid")
    assert line == (
        "ARG HTTP_PROXY=\"http://u:it's@p:1\" http_proxy=\"http://u:it's@p:1\" NO_PROXY='a, b' no_proxy='a, b'"
    )
    lines = written(fused("leaf", FILES, substitutions=substitutions)).splitlines()
    assert [above for above, below in pairwise(lines) if below == line] == [
        "FROM base AS mid.build",
        "FROM base AS mid",
    ]
    # They are taken out of the image's configuration again.
    assert {"HTTP_PROXY", "no_proxy"} <= set(leaked_args(fused("mid", FILES, substitutions=substitutions)))
    assert "PROXY" not in fused("leaf", FILES).text
    both = Substitutions(epochs={"mid": "1"}, proxies={"mid": {"all_proxy": "x"}}).argument_line("mid")
    assert both.startswith("ARG DATAHUB_EPOCH=")
    assert both.endswith(" ALL_PROXY=x all_proxy=x")


def test_a_mirror_of_the_syntax_is_the_syntax_itself() -> None:
    text = "# syntax=mirror.gcr.io/docker/dockerfile:1.7\n# escape=\\\nFROM debian\n"
    assert fused("a", {"a": text}).text == "# syntax=docker/dockerfile:1.7\n# escape=\\\nFROM debian\n"
    for own in ("docker/dockerfile:1", "docker.io/docker/dockerfile-upstream", "index.docker.io/moby/dockerfile"):
        assert fused("a", {"a": f"# syntax={own}\nFROM debian\n"}).text == f"# syntax={own}\nFROM debian\n"
