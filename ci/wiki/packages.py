"""The pages that say which image has which package, in which version, and since when."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from ci.contents.finding import FoundPackage, find_packages
from ci.contents.model import Ecosystem
from ci.contents.names import normalised
from ci.contents.package_changes import location_key
from ci.promotion.records import PromotionRecord
from ci.promotion.timeline import RecordStatus
from ci.reports.contents import ORDER
from ci.reports.markdown import code, table
from ci.wiki.changes import is_first
from ci.wiki.dates import day
from ci.wiki.model import StableStack, StackPage, Version, stacks
from ci.wiki.names import HOME, PACKAGES, SYSTEM_PACKAGES, PageIndex

_SYSTEM = (Ecosystem.APT, Ecosystem.APK)
_Named = tuple[Ecosystem, str]


def packages_pages(versions: Sequence[Version], index: PageIndex) -> Iterator[tuple[str, list[str]]]:
    """Yield both pages: of the newest version that is stable, or else of what was published last."""
    shown = _shown(versions)
    found = find_packages("*", shown.contents.images) if shown else ()
    others = [ecosystem for ecosystem in ORDER if ecosystem not in _SYSTEM]
    of_system = index.link("Packages of the operating system", SYSTEM_PACKAGES)
    rest = index.link("Packages of R, Python and others", PACKAGES)
    for page, ecosystems, other in ((PACKAGES, others, of_system), (SYSTEM_PACKAGES, _SYSTEM, rest)):
        yield page, [*_page(shown, found, ecosystems, index), "", " · ".join([other, index.link("All stacks", HOME)])]


def _shown(versions: Sequence[Version]) -> StackPage | None:
    every = [stack for version in versions for stack in stacks(version)]
    return next((stack for stack in every if stack.stable), next(iter(every), None))


def _page(
    stack: StackPage | None, found: Sequence[FoundPackage], ecosystems: Collection[Ecosystem], index: PageIndex
) -> Iterator[str]:
    if stack is None:
        yield "Nothing is published yet."
        return
    kept = sorted((one for one in found if one.ecosystem in ecosystems), key=lambda one: ORDER.index(one.ecosystem))
    stable = f", stable since {day(stack.stable.since)}" if stack.stable and stack.stable.since else ""
    yield f"One row a package, one column an image of {code(stack.tag)}{stable}: search with the browser (Ctrl+F)."
    if stack.stable:
        yield f"*Since* is when the row changed last in {code(stack.tag)}."
    missing = [name for name in stack.contents.names if name in stack.contents.missing]
    if missing:
        yield f"Not known of {', '.join(index.image(stack.tag, name) for name in missing)}: see there."
    if not kept:
        yield from ("", "No image has any.")
    since = _since(stack.stable) if stack.stable else None
    for ecosystem, several in groupby(kept, key=lambda one: one.ecosystem):
        yield from _table(stack, ecosystem, list(several), since, index)


def _table(
    stack: StackPage, ecosystem: Ecosystem, rows: Sequence[FoundPackage], since: "_Since | None", index: PageIndex
) -> Iterator[str]:
    """Yield the table of an ecosystem. Where there is one place only, it is not repeated in every row."""
    # All tables have the same columns, so that an empty one is an answer.
    images = [name for name in stack.contents.names if name in stack.contents.images]
    locations = {row.location for row in rows}
    several = len(locations) > 1
    yield from ("", f"## {ecosystem}: {len(rows)}", "")
    only = "" if several else locations.pop()
    if only:
        yield from (f"All in {code(only)}.", "")
    headers = [
        "package",
        *(["in"] if several else []),
        *(index.image(stack.tag, name) for name in images),
        *(["since"] if since else []),
    ]
    yield from table(
        headers,
        [
            [
                code(row.name),
                *([code(row.location)] if several else []),
                *(code(row.versions.get(name, "")) for name in images),
                *([since.of(row)] if since else []),
            ]
            for row in rows
        ],
    )


class _Since(msgspec.Struct, frozen=True, kw_only=True):
    """When packages changed last: by name and place, or by name if only that is known. `rest` is of all others."""

    places: Mapping[tuple[Ecosystem, str, str], str]
    names: Mapping[_Named, str]
    rest: str

    def of(self, found: FoundPackage) -> str:
        """Return the day, empty if it is not known."""
        name = normalised(found.ecosystem, found.name)
        place = self.places.get((found.ecosystem, name, location_key(found.location)), "")
        return max(place, self.names.get((found.ecosystem, name), "")) or self.rest


def _since(stable: StableStack) -> _Since:
    """Go back through what took effect, as far as its changes are known."""
    places: dict[tuple[Ecosystem, str, str], str] = {}
    names: dict[_Named, str] = {}
    for record in _effective(stable):
        at, difference = day(record.at), stable.differences.get(record.id)
        if difference is None or difference.unread:
            return _Since(places=places, names=names, rest=at if is_first(stable, record) else "")
        for change in (change for image in difference.images for change in image.packages):
            name = normalised(change.ecosystem, change.name)
            places.setdefault((change.ecosystem, name, location_key(change.location)), at)
            for moved in change.moved:
                ecosystem, _, word = moved.partition(":")
                names.setdefault((Ecosystem(ecosystem), normalised(Ecosystem(ecosystem), word)), at)
    return _Since(places=places, names=names, rest="")


def _effective(stable: StableStack) -> Iterator[PromotionRecord]:
    """Yield the records that took effect, the newest first; none if the tag was changed without one."""
    for entry in stable.timeline.entries:
        if entry.status in {RecordStatus.MOVED, RecordStatus.INTERRUPTED}:
            return
        if entry.status is not RecordStatus.UNDONE:
            yield entry.record
