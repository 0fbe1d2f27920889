"""Published stacks, and when packages came and went, as text."""

from collections.abc import Iterator

from tabulate import tabulate

from ci import units
from ci.promotion.package_history import PackageEvent, PackageHistory
from ci.promotion.stack_listing import StackListing
from ci.texts import printable


def render_stacks(listing: StackListing) -> str:
    """Return the table of the published stacks of a version, the newest first."""
    if not listing.stacks:
        return f"No published stack of {listing.version} is listed. build-stack --publish lists what it publishes."
    rows = [
        (one.tag, one.published, one.commit[:12], str(one.images), units.size(one.size), one.status)
        for one in listing.stacks
    ]
    return tabulate(rows, ("tag", "published", "commit", "images", "download", "became"), disable_numparse=True)


def render_package_history(history: PackageHistory) -> str:
    """Return the table of when packages came, changed and went."""
    rows = [row for event in history.events for row in _rows(event)]
    if not rows:
        return printable(f"No stack that {history.tag} pointed to has a package {history.pattern!r}.")
    table = tabulate(rows, ("record", "at", "stack", "image", "package", "version"), disable_numparse=True)
    return f"{history.pattern} in {history.tag}\n\n{printable(table)}"


def _rows(event: PackageEvent) -> Iterator[tuple[str, ...]]:
    head = (str(event.record), event.at, event.source or "rollback")
    for one in event.changed:
        yield (*head, one.image, f"{one.ecosystem} {one.name}", one.version or "gone")
    for image in event.unknown:
        yield (*head, image, "", "published without a description")
