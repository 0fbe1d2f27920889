"""What a tag stands for: the whole stack that one run published under it, or the reasons why it is none."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ci.errors import PromotionDeniedError
from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Repository
from ci.oci.registry import Registry
from ci.oci.tombstone import read_digest
from ci.publish.attestations import RunRecord, find_run_records


class _Found(NamedTuple):
    """What a tag names for an image, None for nothing."""

    name: str
    repository: Repository
    digest: str | None


async def find_published_run(registry: Registry, repositories: Mapping[str, Repository], tag: str) -> RunRecord:
    """Return the record of the run whose images are exactly what the tag names now.

    `repositories` are those of the stack's images as it is now, by name; any of them that has the tag leads to the
    record, which tells of all. Raises PromotionDeniedError with everything that is missing or does not belong together.
    """
    entries = await _read(registry, repositories.items(), tag)
    entry = next((one for one in entries if one.digest), None)
    if entry is None or entry.digest is None:
        listed = ", ".join(str(one.repository) for one in entries)
        raise _refused(tag, [f"No image has this tag, of {listed}. Publish the stack first, or correct the tag."])
    records = await find_run_records(registry, entry.repository, entry.digest, tag)
    if not records:
        problem = (
            f"{entry.repository.tagged(tag)} is {entry.digest}, and no run says that it published that under this tag: "
            "it was put there by hand, or its record was deleted. Publish the stack again."
        )
        raise _refused(tag, [problem])
    known = {one.name: one for one in entries}
    for record in records:
        found = await _complete(registry, record, known, tag)
        if not _differing(record, found):
            return record
    newest = records[0]
    found = await _complete(registry, newest, known, tag)
    raise _refused(tag, [await _explain(registry, newest, one, tag) for one in _differing(newest, found)])


def _refused(tag: str, problems: Sequence[str]) -> PromotionDeniedError:
    return PromotionDeniedError(f"{tag} cannot become stable", problems)


async def _read(registry: Registry, places: Iterable[tuple[str, Repository]], tag: str) -> tuple[_Found, ...]:
    async def read(place: tuple[str, Repository]) -> _Found:
        name, repository = place
        return _Found(name, repository, await read_digest(registry, repository.tagged(tag), ()))

    return await gather_or_raise(read, places)


async def _complete(registry: Registry, record: RunRecord, known: Mapping[str, _Found], tag: str) -> tuple[_Found, ...]:
    """Return what the tag names for all images of a record, and for the known ones."""
    places = [(image.name, Repository.parse(image.repository)) for image in record.images]
    others = [(name, where) for name, where in places if name not in known or known[name].repository != where]
    read = {one.name: one for one in await _read(registry, others, tag)}
    return tuple({**known, **read}.values())


def _differing(record: RunRecord, found: Iterable[_Found]) -> tuple[_Found, ...]:
    """Return what is not as the record says. An image that it does not know may only be absent."""
    return tuple(one for one in found if one.digest != _recorded(record, one.name))


def _recorded(record: RunRecord, name: str) -> str | None:
    return record.by_name[name].digest if name in record.by_name else None


async def _explain(registry: Registry, record: RunRecord, one: _Found, tag: str) -> str:
    name = one.repository.tagged(tag)
    run = f"the run of {record.started} that published {tag}"
    recorded = _recorded(record, one.name)
    if one.digest is None:
        return (
            f"{one.name} is missing: {name} does not exist, and {run} wrote it as {recorded}. Publish the stack again."
        )
    others = await find_run_records(registry, one.repository, one.digest, tag)
    origin = f"It is of another run, that of {others[0].started}." if others else "No run says that it published that."
    said = f"{run} published {recorded}" if recorded else f"{run} knows no image of this name"
    return f"{one.name}: {name} is {one.digest}, but {said}. {origin} Publish the stack again, whole."
