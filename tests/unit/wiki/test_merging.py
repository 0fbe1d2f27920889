"""Our pages among those of people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.wiki.merging import merge_pages
from ci.wiki.pages import BEGIN, END, MARK
from ci.wiki.repository import WikiChange
from ci.wiki.summary import render_change

REGION = f"{BEGIN}\nnew\n{END}\n"
PAGES = {"Home": REGION, "Packages": f"{MARK}\n\npackages\n"}
OURS = {"Home.md": REGION.encode(), "Packages.md": PAGES["Packages"].encode()}
TEXTS = st.binary(max_size=20).filter(lambda text: b"datahub" not in text)


def test_into_an_empty_wiki() -> None:
    assert merge_pages({}, PAGES) == WikiChange(written=OURS)


def test_the_second_time_there_is_nothing_to_do() -> None:
    assert merge_pages(OURS, PAGES).is_empty


@given(TEXTS, TEXTS, TEXTS)
def test_text_around_the_marks_stays(before: bytes, between: bytes, after: bytes) -> None:
    home = before + BEGIN.encode() + between + END.encode() + after
    expected = before + REGION.strip().encode() + after
    merged = {"Home.md": home, **merge_pages({"Home.md": home}, PAGES).written}
    assert merged["Home.md"] == expected
    assert merge_pages(merged, PAGES).is_empty


@given(TEXTS)
def test_a_page_without_marks_gets_our_part_at_its_end(text: bytes) -> None:
    written = merge_pages({"Home.md": text}, PAGES).written["Home.md"]
    assert written.startswith(text)
    assert written.endswith(REGION.encode())
    assert merge_pages({**OURS, "Home.md": written}, PAGES).is_empty


@pytest.mark.parametrize("text", [BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}", f"{BEGIN}{BEGIN}{END}"])
def test_marks_that_are_not_a_pair_are_refused(text: str) -> None:
    change = merge_pages({**OURS, "Home.md": text.encode()}, PAGES)
    assert change.is_empty
    (sentence,) = change.refused
    assert sentence == (
        f"Home.md was not written: it needs {BEGIN} once and {END} once behind it, with our part between them. Correct "
        "the marks, or remove them all."
    )


@pytest.mark.parametrize(
    "path",
    ["Packages.md", "packages.md", "PACKAGES.rst", "guides/Packages.md", "Packages.mediawiki", "Packages.md/x.png"],
)
def test_a_page_of_a_person_is_not_touched(path: str) -> None:
    change = merge_pages({path: b"mine"}, PAGES)
    assert change.written == {"Home.md": REGION.encode()}
    assert change.removed == ()
    assert change.refused == (f"Packages was not written, since people wrote {path}. Rename or remove what is there.",)


@pytest.mark.parametrize("path", ["Packages.png", "Packages", "packages-2.md", "Packages.md.txt"])
def test_what_has_another_name_is_not_in_the_way(path: str) -> None:
    change = merge_pages({path: b"mine"}, PAGES)
    assert change.written == OURS
    assert change.refused == change.removed == ()


@pytest.mark.parametrize("path", ["home.md", "guides/Home.md", "Home.MD"])
def test_our_part_goes_where_the_page_is(path: str) -> None:
    change = merge_pages({path: b"Hello\n"}, PAGES)
    assert set(change.written) == {path, "Packages.md"}
    assert change.written[path] == b"Hello\n\n" + REGION.encode()


@pytest.mark.parametrize("existing", [{"Home.rst": b"x"}, {"Home.md": b"x", "home.md": b"y"}])
def test_a_first_page_that_cannot_have_our_part_is_refused(existing: dict[str, bytes]) -> None:
    change = merge_pages(existing, PAGES)
    assert set(change.written) == {"Packages.md"}
    (sentence,) = change.refused
    assert sentence.startswith("Home was not written, since people wrote ")


def test_our_pages_that_are_no_longer_in_the_set_are_removed() -> None:
    gone = {"r-2026.4-a1239ab.md": f"{MARK}\n\nx".encode(), "packages.md": MARK.encode(), "Guide.md": b"mine"}
    change = merge_pages({**OURS, **gone}, PAGES)
    assert change == WikiChange(removed=("packages.md", "r-2026.4-a1239ab.md"))


def test_a_page_that_only_mentions_the_mark_is_of_a_person() -> None:
    assert merge_pages({**OURS, "Guide.md": f"Our pages begin with {MARK}".encode()}, PAGES).is_empty


def test_what_was_done_as_text() -> None:
    change = WikiChange(written={"B.md": b"", "A.md": b""}, removed=("C.md",), refused=("D was not written.",))
    text = "2 of 5 pages written, 1 page removed:\n  write   A.md\n  write   B.md\n  remove  C.md\nD was not written.\n"
    assert render_change(change, 5) == text
    would = render_change(change, 5, dry_run=True).splitlines()[0]
    assert would == "2 of 5 pages would be written, 1 page would be removed:"
    assert render_change(WikiChange(), 5) == "5 pages: the wiki says all this already.\n"
    refused = WikiChange(refused=("D was not written.",))
    assert render_change(refused, 5) == "5 pages: there is nothing else to write.\nD was not written.\n"
