"""What was done with the wiki, as text for a terminal."""

from collections.abc import Iterator

from ci.reports.contents import number
from ci.wiki.repository import WikiChange

SAME = "the wiki says all this already"


def render_change(change: WikiChange, pages: int, *, dry_run: bool = False) -> str:
    """Return what was written to the wiki, a line for each page, and what was refused. `pages` is how many it has."""
    return "\n".join([*_lines(change, pages, dry_run=dry_run), *change.refused, ""])


def _lines(change: WikiChange, pages: int, *, dry_run: bool) -> Iterator[str]:
    if change.is_empty:
        yield (
            f"{number(pages, 'page')}: {SAME}."
            if not change.refused
            else f"Nothing to write in {number(pages, 'page')}."
        )
        return
    would = "would be " if dry_run else ""
    removed = f", {number(len(change.removed), 'page')} {would}removed" if change.removed else ""
    yield f"{len(change.written)} of {number(pages, 'page')} {would}written{removed}:"
    yield from (f"  write   {path}" for path in sorted(change.written))
    yield from (f"  remove  {path}" for path in change.removed)
