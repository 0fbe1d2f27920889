"""What was done with the wiki, as text for a terminal."""

from collections.abc import Iterator

from ci import units
from ci.reports.lines import one_line
from ci.wiki.repository import WikiChange

SAME = "the wiki says all this already"
_SENTENCE = 2000


def render_change(change: WikiChange, pages: int, *, dry_run: bool = False) -> str:
    """Return what was written to the wiki, a line for each page, and what was refused. `pages` is how many it has."""
    return "\n".join(
        [*_lines(change, pages, dry_run=dry_run), *(one_line(sentence, _SENTENCE) for sentence in change.refused), ""]
    )


def _lines(change: WikiChange, pages: int, *, dry_run: bool) -> Iterator[str]:
    if change.is_empty:
        same = "there is nothing else to write" if change.refused else SAME
        yield f"{units.number(pages, 'page')}: {same}."
        return
    would = "would be " if dry_run else ""
    removed = f", {units.number(len(change.removed), 'page')} {would}removed" if change.removed else ""
    yield f"{len(change.written)} of {units.number(pages, 'page')} {would}written{removed}:"
    yield from (f"  write   {one_line(path)}" for path in sorted(change.written))
    yield from (f"  remove  {one_line(path)}" for path in change.removed)
