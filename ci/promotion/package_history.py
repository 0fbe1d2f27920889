"""`history --package`: in which stable stack a package came, changed and went."""

from collections.abc import Mapping, Sequence

import msgspec

from ci.contents.finding import FoundPackage, find_packages
from ci.contents.model import Contents
from ci.oci.concurrency import gather_or_raise
from ci.promotion.history import collect_history
from ci.promotion.records import PromotionRecord
from ci.publish.descriptions import find_description
from ci.publish.registry_state import REQUESTS_AT_ONCE, RegistrySession
from ci.publish.tags import Place
from ci.stack.model import Stack


class PackageVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A package in one image as of one record; `version` is empty if the image does not have it any more."""

    image: str
    ecosystem: str
    name: str
    location: str
    version: str


class PackageEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What changed with one record of a stable tag: only the images in which the version is another than before."""

    record: int
    at: str
    source: str
    """The stack that was promoted, or that a rollback made stable again; empty if it was none that is known."""
    changed: tuple[PackageVersion, ...]
    unknown: tuple[str, ...] = ()
    """Images that were published without a description."""


class PackageHistory(msgspec.Struct, frozen=True, kw_only=True):
    """When packages that match a pattern came, changed and went under a stable tag, the newest first."""

    tag: str
    pattern: str
    events: tuple[PackageEvent, ...]


async def package_history(stack: Stack, session: RegistrySession, tag: str, pattern: str) -> PackageHistory:
    """Read the descriptions of all stacks that a tag ever pointed to. Raises a RegistryError."""
    places = {str(session.tags.place(image.name)): image.name for image in stack.images}
    timeline = await collect_history(session.registry, [Place.parse(place) for place in places], tag)
    records = timeline.effective
    states = {record.number: timeline.after(record) for record in records}
    wanted = {(place, digest) for state in states.values() for place, digest in state.items() if digest}
    known = await _descriptions(session, sorted(wanted), places)
    events: list[PackageEvent] = []
    before: Mapping[tuple[str, ...], str] = {}
    for record in reversed(records):
        state = states[record.number]
        contents = {
            _name(place, places): found
            for place, digest in state.items()
            if digest and (found := known.get((place, digest)))
        }
        unknown = tuple(
            sorted(_name(place, places) for place, digest in state.items() if digest and (place, digest) not in known)
        )
        # What is unknown counts as unchanged, until it is known again.
        last_known = {key: version for key, version in before.items() if key[0] in unknown}
        after = {**_versions(find_packages(pattern, contents)), **last_known}
        events.append(_event(record, before, after, unknown))
        before = after
    return PackageHistory(
        tag=tag, pattern=pattern, events=tuple(event for event in reversed(events) if event.changed or event.unknown)
    )


async def _descriptions(
    session: RegistrySession, wanted: Sequence[tuple[str, str]], names: Mapping[str, str]
) -> Mapping[tuple[str, str], Contents]:
    async def read(one: tuple[str, str]) -> Contents | None:
        place, digest = one
        repository = Place.parse(place).repository
        return await find_description(session.registry, repository, digest, _name(place, names))

    found = await gather_or_raise(read, wanted, REQUESTS_AT_ONCE)
    return {one: contents for one, contents in zip(wanted, found, strict=True) if contents is not None}


def _name(place: str, names: Mapping[str, str]) -> str:
    return names.get(place, place.rpartition("/")[2])


def _versions(found: Sequence[FoundPackage]) -> Mapping[tuple[str, ...], str]:
    return {
        (image, one.ecosystem, one.name, one.location): version
        for one in found
        for image, version in one.versions.items()
    }


def _event(
    record: PromotionRecord,
    before: Mapping[tuple[str, ...], str],
    after: Mapping[tuple[str, ...], str],
    unknown: tuple[str, ...],
) -> PackageEvent:
    changed = [
        PackageVersion(image=key[0], ecosystem=key[1], name=key[2], location=key[3], version=after.get(key, ""))
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]
    return PackageEvent(
        record=record.number, at=record.at, source=record.source, changed=tuple(changed), unknown=unknown
    )
