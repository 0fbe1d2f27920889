"""All pages of the wiki, from what is in the registry: equal inputs give equal pages."""

from collections.abc import Iterator, Mapping, Sequence

from ci.errors import RequestError
from ci.reports.dependencies import render_dependencies
from ci.reports.markdown import cut
from ci.wiki.changes import changes_page
from ci.wiki.home import home_page
from ci.wiki.image_page import image_pages
from ci.wiki.model import WikiInput, stacks
from ci.wiki.names import DEPENDENCIES, HOME, PACKAGES, SIDEBAR, PageIndex, PageNames, name_pages
from ci.wiki.packages import packages_pages
from ci.wiki.sidebar import sidebar
from ci.wiki.splitting import MOST_BYTES, split

MOST_PAGES = 2000
"""GitHub renders the first 5,000 files of a wiki, in the order of their names."""
MARK = "<!-- written by datahub wiki: changes here are lost -->"
"""The first line of every page that is ours as a whole."""
BEGIN, END = "<!-- datahub:begin -->", "<!-- datahub:end -->"
"""Around our part of a page that is people's."""
SHARED = (HOME, SIDEBAR)
"""The pages that are people's but for the part between the marks."""


def render_pages(wiki: WikiInput) -> Mapping[str, str]:
    """Return the text of each page by its name. Of the shared ones, it is the part with the marks around it.

    Raises RequestError for more pages than a wiki should have.
    """
    names = PageNames()
    index = name_pages(wiki.versions, names, wiki.prefix)
    _check(len(names))
    pages = {HOME: _region(home_page(wiki, index)), SIDEBAR: _region(sidebar(wiki.versions, index))}
    for name, lines in _whole_pages(wiki, index):
        pages |= _parts(name, lines, names, index)
    _check(len(pages))
    return dict(sorted(pages.items()))


def _whole_pages(wiki: WikiInput, index: PageIndex) -> Iterator[tuple[str, list[str]]]:
    yield from packages_pages(wiki.versions, index)
    yield DEPENDENCIES, _dependencies(wiki, index)
    for version in wiki.versions:
        if version.stable:
            yield index.changes[version.stable.tag], list(changes_page(version.stable, index))
        for stack in stacks(version):
            yield from image_pages(stack, index, wiki)


def _dependencies(wiki: WikiInput, index: PageIndex) -> list[str]:
    if wiki.dependencies is None:
        return ["What the images depend on is not known."]
    # GitHub shows the name of a page as its heading.
    text = render_dependencies(wiki.dependencies, wiki.bases).removeprefix(f"# {DEPENDENCIES}\n\n")
    return [
        " · ".join([index.link("All stacks", HOME), index.link("Which image has which package", PACKAGES)]),
        "",
        *text.splitlines(),
    ]


def _region(lines: Iterator[str]) -> str:
    text = cut(lines, MOST_BYTES, "see the list of all pages")
    # Another mark in a text of others would move the end of our part.
    text = text.replace("<!-- datahub:", "<!--datahub:")
    return f"{BEGIN}\n{text}{END}\n"


def _parts(name: str, lines: Sequence[str], names: PageNames, index: PageIndex) -> Mapping[str, str]:
    """Return a page, or its parts with links to each other."""
    parts = split(lines)
    every = [name, *(names.take(f"{name}-{number}") for number in range(2, len(parts) + 1))]
    if len(parts) == 1:
        return {name: _text(parts[0])}
    listed = " · ".join(["Parts of this page:", *(index.link(str(number), one) for number, one in enumerate(every, 1))])
    return {
        one: _text([f"Part {number} of {len(parts)}. {listed}", "", *part])
        for number, (one, part) in enumerate(zip(every, parts, strict=True), 1)
    }


def _text(lines: Sequence[str]) -> str:
    return "\n".join([MARK, "", *lines, ""])


def _check(number: int) -> None:
    if number > MOST_PAGES:
        raise RequestError(
            f"The wiki would have {number} pages, and GitHub shows no more than a few thousand: {MOST_PAGES} are the "
            "most that are written. Nothing was written. Lower wiki.published in stack.toml: how many stacks of each "
            "version have pages."
        )
