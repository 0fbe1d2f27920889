"""Reads all that a registry has of a stack, images that the stack no longer has included. Writes nothing.

The repositories of such images are found from the records: each promotion and each published stack says where its
images are. Whatever cannot be read is an error, for what it refers to would not be known.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ci.cleanup.image_facts import read_attached, read_image
from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Reference, Repository
from ci.oci.registry import Registry
from ci.promotion.history import Histories, read_histories
from ci.publish.attestations import RunRecord
from ci.publish.record_list import Listed
from ci.publish.registry_state import REQUESTS_AT_ONCE, RegistrySession
from ci.publish.stack_list import read_listed, read_stack_lists
from ci.publish.tags import Place
from ci.retention.model import Attached, FoundImage, FoundRepository, FoundStack
from ci.retention.tag_kinds import TagKind, read_tag_name, subject_of

_OF_IMAGES = frozenset({TagKind.CACHE, TagKind.STAGING, TagKind.STACK})
Tags = Mapping[Repository, Mapping[str, str]]


class _Records(NamedTuple):
    """What the histories and the lists of published stacks say."""

    histories: Histories
    stacks: Sequence[Listed]
    runs: Sequence[RunRecord]

    @property
    def places(self) -> Iterator[Place]:
        """Where images are or were."""
        yield from (Place.parse(move.place) for record in self.histories.records for move in record.moves)
        yield from (image.place for run in self.runs for image in run.images)

    @property
    def stable(self) -> Mapping[Repository, frozenset[str]]:
        """The digests in records, and those that they are attached to, which are known of a record that is gone."""
        found: defaultdict[Repository, set[str]] = defaultdict(set)
        for record in self.histories.records:
            for move in record.moves:
                found[Place.parse(move.place).repository] |= {digest for digest in (move.old, move.new) if digest}
        for entry in self.histories.entries:
            found[entry.repository].add(entry.subject)
        return {repository: frozenset(digests) for repository, digests in found.items()}

    @property
    def listed(self) -> Mapping[Repository, frozenset[str]]:
        """The records that are listed."""
        found: defaultdict[Repository, set[str]] = defaultdict(set)
        for entry in (*self.histories.entries, *self.stacks):
            found[entry.repository].add(entry.descriptor.digest)
        return {repository: frozenset(digests) for repository, digests in found.items()}


async def read_found_stack(session: RegistrySession, places: Iterable[Place]) -> FoundStack:
    """Return what the registry has. `places` are those of the stack's images, disabled ones too.

    Raises a RegistryError if any of it cannot be read.
    """
    known = set(places)
    tags: dict[Repository, Mapping[str, str]] = {}
    records = _Records(Histories((), (), ()), (), ())
    while missing := {place.repository for place in known} - tags.keys():
        tags |= await read_tags(session.registry, missing)
        records = await _read_records(session.registry, tags)
        known |= {place for place in records.places if _is_below(place.repository, session.tags.registry)}
    reader = _ImageReader(session.registry, known, tags, records)
    return FoundStack(
        repositories=tuple([await reader.read(repository) for repository in sorted(tags)]),
        promoted=frozenset(record.source for record in records.histories.records if record.source),
    )


async def read_tags(registry: Registry, repositories: Iterable[Repository]) -> Tags:
    """Return what every tag of the repositories points to."""
    several = tuple(repositories)
    names = await gather_or_raise(registry.tags, several)
    references = [repository.tagged(tag) for repository, tags in zip(several, names, strict=True) for tag in tags]
    digests = await gather_or_raise(registry.head, references, REQUESTS_AT_ONCE)
    found: dict[Repository, dict[str, str]] = {repository: {} for repository in several}
    for reference, digest in zip(references, digests, strict=True):
        if digest is not None:
            found[reference.repository][reference.tag] = digest
    return found


async def _read_records(registry: Registry, tags: Tags) -> _Records:
    entries = await read_stack_lists(registry, _of_kind(tags, TagKind.STACK_LIST))
    return _Records(
        await read_histories(registry, _of_kind(tags, TagKind.HISTORY)), entries, await read_listed(registry, entries)
    )


def _of_kind(tags: Tags, kind: TagKind) -> Sequence[Reference]:
    return [
        repository.tagged(tag)
        for repository, several in tags.items()
        for tag in several
        if read_tag_name(tag).kind is kind
    ]


def _is_below(repository: Repository, registry: str) -> bool:
    """Return whether a repository is where this stack is published: records may be of another registry's images."""
    return str(repository).startswith(str(Repository.parse(f"{registry.rstrip('/')}/any")).removesuffix("any"))


class _ImageReader:
    def __init__(self, registry: Registry, places: Iterable[Place], tags: Tags, records: _Records) -> None:
        self._registry = registry
        self._tags = tags
        self._stable, self._listed = records.stable, records.listed
        self._prefixes: defaultdict[Repository, set[str]] = defaultdict(lambda: {""})
        for place in places:
            self._prefixes[place.repository].add(place.tag_prefix)

    async def read(self, repository: Repository) -> FoundRepository:
        tags, prefixes = self._tags[repository], tuple(sorted(self._prefixes[repository]))
        kinds = {tag: read_tag_name(tag, prefixes).kind for tag in tags}
        tagged = {tags[tag] for tag, kind in kinds.items() if kind in _OF_IMAGES}
        subjects = {subject_of(tag) for tag, kind in kinds.items() if kind is TagKind.REFERRERS}
        digests = sorted(tagged | subjects)

        async def read(digest: str) -> FoundImage | None:
            return await read_image(self._registry, repository.pinned(digest))

        async def orphans(subject: str) -> tuple[Attached, ...]:
            attached = await read_attached(self._registry, repository, subject)
            present = [await self._registry.head(repository.pinned(one.digest)) for one in attached]
            return tuple(
                msgspec.structs.replace(one, is_gone=digest is None)
                for one, digest in zip(attached, present, strict=True)
            )

        found = dict(zip(digests, await gather_or_raise(read, digests, REQUESTS_AT_ONCE), strict=True))
        gone = [digest for digest, image in found.items() if image is None]
        return FoundRepository(
            repository=repository,
            prefixes=prefixes,
            tags=tags,
            images={digest: image for digest, image in found.items() if image is not None},
            orphans=dict(zip(gone, await gather_or_raise(orphans, gone, REQUESTS_AT_ONCE), strict=True)),
            stable=self._stable.get(repository, frozenset()),
            listed=self._listed.get(repository, frozenset()),
        )
