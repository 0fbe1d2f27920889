"""The pages, as files and as a reader of GitHub's Markdown sees them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest
from markdown_it import MarkdownIt

from ci.contents.described_stack import DescribedStack
from ci.contents.model import ImageConfig, System
from ci.errors import RequestError
from ci.promotion.records import GateApproval, Kind
from ci.promotion.timeline import read_timeline
from ci.publish.tags import TagLayout
from ci.wiki.model import RecordedStack, StableStack, Version, WikiInput
from ci.wiki.names import folded
from ci.wiki.pages import BEGIN, END, MARK, SHARED, render_pages
from tests.unit.contents.samples import contents, kernel, layer, package
from tests.unit.reports.markdown_shapes import HOSTILE, shape
from tests.unit.wiki.wikis import PARENTS, STABLE, TAGS, described, digest, image, promotion, run, sample

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_PAGES = (
    "Home", "_Sidebar", "Packages", "Packages-apt", f"Changes-{STABLE}", f"r-notebook-{STABLE}", "Dependencies"
)  # fmt: skip
EMPTY = WikiInput(versions=(), tags=TagLayout(registry="docker.io/ucsdets"))


def links(text: str) -> Iterator[str]:
    for block in MarkdownIt("gfm-like").parse(text):
        yield from (str(token.attrs["href"]) for token in block.children or () if token.type == "link_open")


def tables(text: str) -> list[tuple[int, set[int]]]:
    """Return of each table the number of its rows, and the numbers of cells that rows have."""
    found: list[list[int]] = []
    for token in MarkdownIt("gfm-like").parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append(0)
        elif token.type in {"td_open", "th_open"}:
            found[-1][-1] += 1
    return [(len(rows) - 1, set(rows)) for rows in found]


def with_stable(wiki: WikiInput, **changes: object) -> WikiInput:
    (version,) = wiki.versions
    assert version.stable
    stable = msgspec.structs.replace(version.stable, **changes)
    return msgspec.structs.replace(wiki, versions=(msgspec.structs.replace(version, stable=stable),))


def one_image(word: str) -> WikiInput:
    """Return a wiki of one image in which every text of the image, a test or an operator is one word."""
    image = contents(
        "base",
        package(f"pip:{word}=1.0", location=word, license=word, owner=word, version=word),
        package(f"apt:{word}=1.0", version=word),
        system=System(os_name=word, versions={"Python": word, word: word}), kernels=(kernel(word, word, word),),
        config=ImageConfig(user=word, environment={word: word}), layers=(layer(word, 1, word, word),),
        unread=(word,), problems=(word,), digest=digest("base"),
    )  # fmt: skip
    stack = DescribedStack(
        name=STABLE, images={"base": image}, parents={"base": None}, missing={"lost": f"It is gone: {word}"}
    )
    record = promotion(1, word, None, TAGS[0], commit=word, source=word, proof=GateApproval(override_reason=word))
    back = msgspec.structs.replace(record, number=2, kind=Kind.ROLLBACK, restores=1, proof=None)
    ran = run(TAGS[0], word, ("base", "lost"))
    tests = msgspec.structs.replace(ran.images[0].tests, ran=(word,))
    ran = msgspec.structs.replace(
        ran, commit=word, images=tuple(msgspec.structs.replace(one, tests=tests) for one in ran.images)
    )
    stable = StableStack(timeline=read_timeline([record, back], STABLE, record.new(STABLE)), contents=stack, run=ran)
    published = (RecordedStack(run=ran, contents=msgspec.structs.replace(stack, name=TAGS[0])),)
    return msgspec.structs.replace(EMPTY, versions=(Version(name="2026.4", stable=stable, published=published),))


@pytest.fixture(scope="module")
def pages() -> Mapping[str, str]:
    return render_pages(sample())


@pytest.mark.parametrize("name", GOLDEN_PAGES)
def test_the_page_is_as_it_was(pages: Mapping[str, str], name: str) -> None:
    assert pages[name] == (GOLDEN / f"{name}.md").read_text()


def test_every_image_has_a_page_under_each_tag(pages: Mapping[str, str]) -> None:
    expected = {f"{image}-{tag}" for image in PARENTS for tag in (STABLE, *TAGS)}
    assert {name for name in pages if name not in GOLDEN_PAGES} == expected - {f"r-notebook-{STABLE}"}


def test_twice_is_the_same(pages: Mapping[str, str]) -> None:
    assert render_pages(sample()) == pages


def test_every_page_but_the_shared_ones_has_the_mark(pages: Mapping[str, str]) -> None:
    for name, text in pages.items():
        if name in SHARED:
            assert text.startswith(f"{BEGIN}\n")
            assert text.endswith(f"{END}\n")
        assert text.startswith(f"{MARK}\n\n") == (name not in SHARED)


@pytest.mark.parametrize("wiki", [sample(), EMPTY, one_image("x")], ids=["sample", "nothing", "one image"])
def test_every_link_leads_to_a_page(wiki: WikiInput) -> None:
    pages = render_pages(wiki)
    followed = [unquote(one) for text in pages.values() for one in links(text)]
    assert len(followed) >= 5
    assert set(followed) <= set(pages)
    # And everything can be reached from the first page.
    reached, new = {"Home"}, {"Home"}
    while new:
        new = {unquote(one) for name in new for one in links(pages[name])} - reached
        reached |= new
    assert reached == set(pages) - {"_Sidebar"}


def test_links_may_have_a_prefix(pages: Mapping[str, str]) -> None:
    """Relative links of Home and the sidebar would lead out of the wiki, where GitHub shows Home."""
    prefix = "https://github.com/ucsd-ets/stack/wiki/"
    for name, text in render_pages(msgspec.structs.replace(sample(), prefix=prefix)).items():
        assert list(links(text)) == [prefix + one for one in links(pages[name])]


def test_every_table_has_its_rows(pages: Mapping[str, str]) -> None:
    sizes = {name: [rows for rows, _ in tables(text)] for name, text in pages.items()}
    assert sizes["Home"] == [4, 3]
    assert sizes["Packages"] == [2, 4]
    assert sizes["Packages-apt"] == [3]
    assert sizes["Dependencies"] == [4]
    assert all(len(cells) == 1 for text in pages.values() for _, cells in tables(text))


@pytest.mark.parametrize("word", [*HOSTILE, MARK, BEGIN, END, "2026-11-25T10:00<img src=x>"])
def test_nothing_of_others_becomes_a_link_a_picture_or_html(word: str) -> None:
    hostile, plain = render_pages(one_image(word)), render_pages(one_image("x"))
    assert list(hostile) == list(plain)
    for name, text in hostile.items():
        assert shape(text) == shape(plain[name]), name
        assert [cells for _, cells in tables(text)] == [cells for _, cells in tables(plain[name])]
    assert hostile["Home"].count(BEGIN) == hostile["Home"].count(END) == 1


def test_no_credential_is_shown(pages: Mapping[str, str]) -> None:
    assert not [name for name, text in pages.items() if "hunter2" in text]


def test_an_image_without_a_description_says_so_with_its_remedy() -> None:
    pages = render_pages(one_image("x"))
    assert "**What is in it is not known:** `It is gone: x`" in pages[f"lost-{STABLE}"]
    assert f"Not known of [`lost`](lost-{STABLE}): see there." in pages["Packages"]


def test_a_tag_that_was_published_again_was_not_stable_with_these_images() -> None:
    (version,) = sample().versions
    index = [stack.tag for stack in version.published].index(TAGS[0])
    published = list(version.published)
    run = published[index].run
    other = msgspec.structs.replace(run.images[0], digest=digest("published again"))
    published[index] = msgspec.structs.replace(
        published[index], run=msgspec.structs.replace(run, images=(other, *run.images[1:]))
    )
    again = msgspec.structs.replace(version, published=tuple(published))
    home = render_pages(msgspec.structs.replace(sample(), versions=(again,)))["Home"]
    assert "**now**" in render_pages(sample())["Home"]
    assert "**now**" not in home


def test_highlights_are_among_the_key_versions() -> None:
    pages = render_pages(msgspec.structs.replace(sample(), highlights=("pip:numpy",)))
    (added,) = set(pages[f"r-notebook-{STABLE}"].splitlines()) - set(
        render_pages(sample())[f"r-notebook-{STABLE}"].splitlines()
    )
    assert added.startswith("| `numpy` | ")


def test_a_tag_that_points_to_nothing_keeps_its_changes() -> None:
    pages = render_pages(with_stable(sample(), contents=None, run=None))
    assert f"`{STABLE}` points to nothing now: [what changed](Changes-{STABLE})." in pages["Home"]
    assert f"Changes-{STABLE}" in pages
    assert f"One row a package, one column an image of `{TAGS[2]}`: search" in pages["Packages"]


def test_a_stack_that_no_record_describes() -> None:
    (version,) = sample().versions
    assert version.stable
    drifted = msgspec.structs.replace(version.stable.timeline, entries=())
    pages = render_pages(with_stable(sample(), timeline=drifted, run=None))
    assert f"**`{STABLE}` points to images of which no publication is recorded**: [what changed]" in pages["Home"]
    assert "There is no promotion record." in pages[f"Changes-{STABLE}"]


def test_changes_that_are_not_known_end_what_is_known_of_packages() -> None:
    (version,) = sample().versions
    assert version.stable
    newest = version.stable.timeline.entries[0].record.id
    pages = render_pages(with_stable(sample(), differences={newest: version.stable.differences[newest]}))
    assert "What it changed is not known" in pages[f"Changes-{STABLE}"]
    rows = {line.split("`")[1]: line for line in pages["Packages"].splitlines() if line.startswith("| `")}
    assert rows["numpy"].endswith("| 2026-11-25 |")
    assert rows["torch"].endswith("|  |")


def test_a_record_that_never_took_effect_has_no_difference() -> None:
    a, b, _ = TAGS
    first = promotion(1, "2026-11-20T09:00:00+00:00", None, a)
    undone = promotion(2, "2026-11-24T09:30:00+00:00", a, b)
    timeline = read_timeline([first, undone], STABLE, first.new(STABLE))
    text = render_pages(with_stable(sample(), timeline=timeline))[f"Changes-{STABLE}"]
    assert "It never took effect, or was undone." in text
    assert "### From" not in text


def test_images_with_names_of_pages_have_pages_of_their_own() -> None:
    """An image `changes` has the page that the changes of the stable tag have."""
    stack = described(STABLE, "2.1.0")
    images = {"changes": msgspec.structs.replace(stack.images["base-notebook"], image="changes")}
    wiki = with_stable(sample(), contents=DescribedStack(name=STABLE, images=images, parents={"changes": None}))
    pages = render_pages(wiki)
    assert "each promotion and rollback" in pages[f"Changes-{STABLE}"]
    assert "## How to run it" in pages[f"changes-{STABLE}-2"]
    assert len({folded(name) for name in pages}) == len(pages)


def test_many_links_of_one_stack_are_folded() -> None:
    names = [f"image-{number}" for number in range(7)]
    stack = DescribedStack(name=TAGS[0], images={one: image(one, "") for one in names}, parents=dict.fromkeys(names))
    published = (RecordedStack(run=run(TAGS[0], "2026-11-20T09:00:00+00:00", names), contents=stack),)
    wiki = msgspec.structs.replace(EMPTY, versions=(Version(name="2026.4", published=published),))
    home = render_pages(wiki)["Home"]
    assert "<details><summary>7 images</summary>[`image-0`](image-0-2026.4-a1239ab), " in home
    assert "No stack of this version is stable yet." in home


def test_long_pages_are_in_parts() -> None:
    venv = "/opt/venv/lib/python3.11/site-packages"
    long = "a-long-name-" * 5
    many = [package(f"pip:{long}{number}=1.{number}", location=venv) for number in range(2500)]
    wiki = sample(*many)
    stable = wiki.versions[0].published[0].contents
    pages = render_pages(with_stable(wiki, contents=stable))
    parts = [name for name in pages if name.startswith("Packages") and name != "Packages-apt"]
    assert len(parts) > 1
    assert max(len(text.encode()) for text in pages.values()) < 310_000
    shown = [line.split("`")[1] for name in parts for line in pages[name].splitlines() if line.startswith("| `")]
    assert sorted(shown) == sorted(
        [*(one.name for one in many), "dplyr", "ggplot2", "jupyterlab", "numpy", "pandas", "torch"]
    )
    assert all(len(cells) == 1 for name in parts for _, cells in tables(pages[name]))
    assert {unquote(one) for text in pages.values() for one in links(text)} <= set(pages)


def test_too_many_pages_are_refused_with_a_sentence() -> None:
    names = [f"image-{number}" for number in range(101)]
    stack = DescribedStack(name="", images={one: image(one, "") for one in names}, parents=dict.fromkeys(names))
    tags = [f"2026.4-{number:07x}" for number in range(20)]
    published = tuple(RecordedStack(run=run(tag, "2026-11-20T09:00:00+00:00", names), contents=stack) for tag in tags)
    wiki = msgspec.structs.replace(EMPTY, versions=(Version(name="2026.4", published=published),))
    with pytest.raises(RequestError, match="The wiki would have 2025 pages"):
        render_pages(wiki)
