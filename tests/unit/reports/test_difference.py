import re
from pathlib import Path

import msgspec
import pytest
from markdown_it import MarkdownIt

from ci.contents.comparing import compare_stacks
from ci.contents.difference import StackDifference
from ci.contents.model import ImageConfig
from ci.reports.difference import MARKER, render_difference, render_difference_markdown
from tests.unit.contents.samples import NEW, OLD, contents, layer, package, packages, stack
from tests.unit.reports.differences import everything
from tests.unit.reports.markdown_shapes import HOSTILE, rows_of, shape

GOLDEN = Path(__file__).parent / "golden"


def test_the_text_is_as_it_was() -> None:
    assert f"{render_difference(everything())}\n" == (GOLDEN / "diff.txt").read_text()


def test_the_markdown_is_as_it_was() -> None:
    assert render_difference_markdown(everything()) == (GOLDEN / "diff.md").read_text()


def test_stacks_that_do_not_differ_are_one_sentence() -> None:
    one = stack(OLD, contents("base", package("pip:numpy=2.1")))
    difference = compare_stacks(one, msgspec.structs.replace(one, name=NEW))
    assert (
        render_difference(difference) == "2026.4-stable and the source tree have the same contents: 1 image compared."
    )
    assert render_difference_markdown(difference).splitlines() == [
        MARKER, "### `2026.4-stable` and `the source tree` have the same contents",
    ]  # fmt: skip


def test_layers_that_were_built_again_cost_a_download_of_the_same() -> None:
    old = stack(OLD, contents("base", layers=(layer("sha256:1", 30_000_000, "FROM debian"),)))
    new = stack(NEW, contents("base", layers=(layer("sha256:2", 31_000_000, "FROM debian"),)))
    sentence = "Layers were built again all the same: who has 2026.4-stable downloads 31 MB for base."
    difference = compare_stacks(old, new)
    assert render_difference(difference).endswith(f"compared. {sentence}")
    assert render_difference_markdown(difference).splitlines()[-1] == f"`{sentence}`"


def test_a_change_of_the_base_is_one_row() -> None:
    old, new = packages("pip:numpy=2.0", size=10), packages("pip:numpy=2.1", size=20)
    names = ("base", "ds", "ml", "r")
    difference = compare_stacks(
        stack(OLD, *(contents(name, *old) for name in names)), stack(NEW, *(contents(name, *new) for name in names))
    )
    text = render_difference(difference)
    assert re.findall(r".*numpy.*", text) == ["    pip  numpy    2.0  2.1    also in 3 images"]
    assert text.endswith("No changes of their own: ds, ml, r.")


def test_no_credential_is_shown() -> None:
    assert "hunter" not in render_difference(everything()) + render_difference_markdown(everything())


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_an_image_becomes_a_link_a_picture_or_html(name: str) -> None:
    hostile = packages(f"npm:{name}=1.0.0", location=name, source=name)
    changed = (package("apt:x=1", size=1), *hostile)
    harmless = (package("apt:x=1", size=1), package("npm:a=1.0.0", location="a"))
    pair = [
        compare_stacks(stack(OLD, contents("base")), stack(NEW, contents("base", *found)))
        for found in (changed, harmless)
    ]
    text, plain = (render_difference_markdown(difference) for difference in pair)
    assert shape(text) == shape(plain)
    assert len(render_difference(pair[0]).splitlines()) == len(render_difference(pair[1]).splitlines())


def many(number: int) -> StackDifference:
    found = [package(f"pip:package-number-{one}=1.0", location="/opt/venv") for one in range(number)]
    rebuilt = [package(f"apt:rebuilt-{one}=1.0-1") for one in range(number)]
    built = [package(f"apt:rebuilt-{one}=1.0-2") for one in range(number)]
    return compare_stacks(stack(OLD, contents("base", *rebuilt)), stack(NEW, contents("base", *found, *built)))


@pytest.mark.parametrize("number", [800, 2000])
def test_a_comment_is_cut_at_a_row_and_says_how_many_are_missing(number: int) -> None:
    difference = many(number)
    text, whole = render_difference_markdown(difference), render_difference_markdown(difference, 10**9)
    assert len(text) <= len(text.encode()) <= 60_000 < len(whole)
    missing = re.search(r"\n\n… and (\d+) more: report/diff\.md\n$", text)
    assert missing is not None
    assert rows_of(whole) - rows_of(text) == int(missing[1])
    assert text.startswith(f"{MARKER}\n")
    assert text.count("<details>") == text.count("</details>") == (1 if number == 800 else 0)
    # The last line is a paragraph of its own, not a row of the table above it.
    assert MarkdownIt("gfm-like").parse(text)[-3].type == "paragraph_open"


def test_what_fits_is_whole() -> None:
    text = render_difference_markdown(many(10))
    assert rows_of(text) == 1 + 10 + 10
    assert "more: report/diff.md" not in text


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (122_000_000, 122_100_000, "changed RUN x 122 MB"),
        (122_000_000, 130_000_000, "grew RUN x 122 MB -> 130 MB"),
        (122_000_000, 100_000_000, "shrank RUN x 122 MB -> 100 MB"),
    ],
)
def test_a_layer_grew_if_its_size_is_shown_to(old: int, new: int, shown: str) -> None:
    before, after = (
        contents("base", package(f"pip:x={size}"), layers=(layer(str(size), size, "RUN x"),)) for size in (old, new)
    )
    text = render_difference(compare_stacks(stack(OLD, before), stack(NEW, after)))
    assert " ".join(text.splitlines()[-1].split()) == shown


def test_a_setting_that_is_gone_is_said_to_be() -> None:
    old = stack("old", contents("base", config=ImageConfig(environment={"A": "1", "B": "1"})))
    new = stack("new", contents("base", config=ImageConfig(environment={"B": "2", "C": "3"})))
    text = render_difference(compare_stacks(old, new))
    assert [" ".join(line.split()) for line in text.splitlines()[-3:]] == [
        "environment A 1 removed",
        "environment B 1 2",
        "environment C 3 added",
    ]
