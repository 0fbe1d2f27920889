"""Reads all that the wiki is made from: the versions that a registry has, their stacks, histories and descriptions."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence

from ci.contents.comparing import compare_stacks
from ci.contents.described_stack import DescribedStack
from ci.contents.difference import StackDifference
from ci.contents.model import Contents
from ci.oci.concurrency import gather_or_raise
from ci.oci.tombstone import read_digest
from ci.planning.plan import Plan
from ci.promotion.history import collect_history
from ci.promotion.records import Digests, PromotionRecord
from ci.promotion.timeline import Timeline
from ci.publish.attestations import RecordedImage, RunRecord, find_needs
from ci.publish.described import TaggedImage, describe_images, finder, read_published_stack
from ci.publish.registry_state import REQUESTS_AT_ONCE, RegistrySession
from ci.publish.stack_list import read_stacks
from ci.publish.tags import Place
from ci.registry_format import HISTORY_SUFFIX, STABLE_SUFFIX, STACKS_SUFFIX
from ci.stack.model import Stack
from ci.stack.stack_tag import stable_tag_of
from ci.wiki.model import RecordedStack, StableStack, Version, WikiInput, recorded_dependencies

_VERSION = re.compile(
    rf"(?P<version>.+?)(?:{re.escape(STACKS_SUFFIX)}|{re.escape(STABLE_SUFFIX)}(?:{re.escape(HISTORY_SUFFIX)})?)"
)


class WikiReader:
    """Reads the registry anew each time it is asked, except for descriptions: those of a digest never change.

    `prefix` is what links to pages begin with.
    """

    def __init__(self, stack: Stack, session: RegistrySession, *, prefix: str = "") -> None:
        self._session = session
        self._names = [image.name for image in stack.images]
        self._places = [session.tags.place(image.name) for image in stack.images if image.enabled]
        self._most = stack.wiki.published
        self._highlights = stack.highlights
        self._prefix = prefix
        self._find_anew = finder(session)
        self._found: dict[TaggedImage, Contents | None] = {}

    async def read(self) -> WikiInput:
        """Return what the registry has at this moment. Raises a RegistryError if it does not say all of it."""
        # Those that have none may get one later.
        self._found = {image: contents for image, contents in self._found.items() if contents is not None}
        names = await self._versions()
        versions = tuple([await self._version(name) for name in names])
        newest = next((version.published[0] for version in versions if version.published), None)
        return WikiInput(
            versions=versions,
            tags=self._session.tags,
            dependencies=await self._dependencies(newest) if newest else None,
            bases=_bases(newest.run) if newest else {},
            highlights=self._highlights,
            prefix=self._prefix,
        )

    async def _versions(self) -> Sequence[str]:
        """Return the versions of which anything was published, the newest first."""
        tags, registry = self._session.tags, self._session.registry
        repositories = list(dict.fromkeys(tags.repository(name) for name in self._names))
        listed = dict(zip(repositories, await gather_or_raise(registry.tags, repositories), strict=True))
        found = {
            match["version"]
            for name in self._names
            for tag in listed[tags.repository(name)]
            if (match := _VERSION.fullmatch(tag.removeprefix(tags.place(name).tag_prefix)))
            if tags.has_tag(name, [tag])
        }
        return sorted(found, key=_natural, reverse=True)

    async def _version(self, name: str) -> Version:
        published = [
            RecordedStack(run=run, contents=await describe_images(_images(run), run.tag, self._find))
            for run in await self._runs(name)
        ]
        return Version(name=name, stable=await self._stable(stable_tag_of(name)), published=tuple(published))

    async def _runs(self, version: str) -> Sequence[RunRecord]:
        """Return the newest records of stacks that are still there, one of each tag."""
        records = await read_stacks(self._session.registry, self._places, version)
        newest = list(dict.fromkeys(record.tag for record in records))
        by_tag = {tag: [record for record in records if record.tag == tag] for tag in newest}
        found = await gather_or_raise(lambda tag: self._current(by_tag[tag]), newest, REQUESTS_AT_ONCE)
        return [record for record in found if record is not None][: self._most]

    async def _current(self, records: Sequence[RunRecord]) -> RunRecord | None:
        """Return which of the records of a tag is of what it points to now; None if it was removed."""
        first = records[0].images[0]
        known = [image.digest for record in records for image in record.images]
        digest = await read_digest(self._session.registry, first.place.tagged(records[0].tag), known)
        return next((one for one in records if one.by_name.get(first.name, first).digest == digest), None)

    async def _stable(self, tag: str) -> StableStack | None:
        timeline = await collect_history(self._session.registry, self._places, tag)
        stack = await read_published_stack(self._session, self._names, tag, self._find)
        if stack is None and not timeline.entries:
            return None
        return StableStack(
            timeline=timeline,
            contents=stack.stack if stack else None,
            run=stack.record if stack else None,
            differences=dict([one async for one in self._differences(timeline)]),
        )

    async def _differences(self, timeline: Timeline) -> AsyncIterator[tuple[str, StackDifference]]:
        for record in timeline.effective:
            old = await self._state(timeline, timeline.before(record), timeline.previous(record))
            new = await self._state(timeline, timeline.after(record), record)
            if old.images and new.images:
                yield record.id, compare_stacks(old, new)

    async def _state(self, timeline: Timeline, state: Digests, record: PromotionRecord | None) -> DescribedStack:
        """Return what was stable after a record."""
        names = {update.place: update.image for entry in timeline.entries for update in entry.record.moves}
        images = [TaggedImage(names[place], Place.parse(place), digest) for place, digest in state.items() if digest]
        promotion = timeline.promotion(record) if record else None
        return await describe_images(images, promotion.source if promotion else timeline.tag, self._find)

    async def _dependencies(self, stack: RecordedStack) -> Plan:
        registry = self._session.registry

        async def needs(image: RecordedImage) -> tuple[str, ...]:
            return tuple(await find_needs(registry, image.place.repository, image.digest, image.key))

        found = await gather_or_raise(needs, stack.run.images, REQUESTS_AT_ONCE)
        by_name = {image.name: names for image, names in zip(stack.run.images, found, strict=True)}
        return recorded_dependencies(stack.run, stack.contents.parents, by_name)

    async def _find(self, image: TaggedImage) -> Contents | None:
        if image not in self._found:
            self._found[image] = await self._find_anew(image)
        return self._found[image]


def _images(run: RunRecord) -> Sequence[TaggedImage]:
    return [TaggedImage(image.name, image.place, image.digest) for image in run.images]


def _bases(run: RunRecord) -> Mapping[str, str | None]:
    return {base: digest for image in run.images for base, digest in image.bases.items()}


def _natural(version: str) -> list[tuple[int, str]]:
    """Return a key by which 2026.10 is after 2026.4."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.findall(r"\d+|\D+", version)]
