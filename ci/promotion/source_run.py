"""The run that published a stack under a tag, or why the tag is not one complete stack."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ci.oci.concurrency import gather_or_raise
from ci.oci.registry import Registry
from ci.oci.tombstone import read_digest
from ci.promotion.errors import PromotionDeniedError
from ci.publish.attestations import RunRecord, find_run_records
from ci.publish.tags import Place

_AGAIN = "If its publication was interrupted, run the same build-stack --publish again: it completes the stack."


class _Found(NamedTuple):
    """What a tag points to for an image, None if the image does not have it."""

    name: str
    place: Place
    digest: str | None


async def find_published_run(registry: Registry, places: Mapping[str, Place], tag: str) -> RunRecord:
    """Return the record of the run whose images are exactly those that the tag points to now.

    `places` are those of the stack's images as it is now, by name. Any image that has the tag leads to the
    record, which lists all of them. Raises PromotionDeniedError with everything that is missing or of another run.
    """
    tagged = await _read(registry, places.items(), tag)
    first = next((one for one in tagged if one.digest), None)
    if first is None or first.digest is None:
        searched = ", ".join(str(one.place) for one in tagged)
        raise _denied(tag, [f"No image has this tag; searched: {searched}. Publish the stack, or correct the tag."])
    records = await find_run_records(registry, first.place.repository, first.digest, tag)
    if not records:
        problem = (
            f"No run record found for {first.place.tagged(tag)} ({first.digest}): the tag was pushed manually, or "
            "the record was deleted, perhaps by a clean-up of the registry. Run the same build-stack --publish again: "
            "it writes the record."
        )
        raise _denied(tag, [problem])
    known = {one.name: one for one in tagged}
    for record in records:
        found = await _complete(registry, record, known, tag)
        if not _differing(record, found):
            return record
    newest = records[0]
    found = await _complete(registry, newest, known, tag)
    raise _denied(tag, [await _explain(registry, newest, one, tag) for one in _differing(newest, found)])


def _denied(tag: str, problems: Sequence[str]) -> PromotionDeniedError:
    return PromotionDeniedError(f"{tag} cannot become stable", problems)


async def _read(registry: Registry, images: Iterable[tuple[str, Place]], tag: str) -> tuple[_Found, ...]:
    async def read(image: tuple[str, Place]) -> _Found:
        name, place = image
        return _Found(name, place, await read_digest(registry, place.tagged(tag), ()))

    return await gather_or_raise(read, images)


async def _complete(registry: Registry, record: RunRecord, known: Mapping[str, _Found], tag: str) -> tuple[_Found, ...]:
    """Return what the tag points to for all images of a record, and for the known ones."""
    images = [(image.name, image.place) for image in record.images]
    others = [(name, where) for name, where in images if name not in known or known[name].place != where]
    read = {one.name: one for one in await _read(registry, others, tag)}
    return tuple({**known, **read}.values())


def _differing(record: RunRecord, found: Iterable[_Found]) -> tuple[_Found, ...]:
    """Return the images that differ from the record. An image that is not in the record must not have the tag."""
    return tuple(one for one in found if one.digest != _recorded(record, one.name))


def _recorded(record: RunRecord, name: str) -> str | None:
    return record.by_name[name].digest if name in record.by_name else None


async def _explain(registry: Registry, record: RunRecord, one: _Found, tag: str) -> str:
    reference = one.place.tagged(tag)
    run = f"the run of {record.started}, which published {tag},"
    recorded = _recorded(record, one.name)
    if one.digest is None:
        return f"{one.name} is missing: {reference} does not exist, but {run} wrote it as {recorded}. {_AGAIN}"
    others = await find_run_records(registry, one.place.repository, one.digest, tag)
    origin = _origin(others[0], one) if others else "No run record mentions this digest."
    expected = f"{run} published {recorded}" if recorded else f"{run} has no image of this name"
    return f"{one.name}: {reference} is {one.digest}, but {expected}. {origin} {_AGAIN}"


def _origin(run: RunRecord, one: _Found) -> str:
    """Return what a digest is in the run that has it: images that share a repository may be mistaken for another."""
    repository = one.place.repository
    names = [image.name for image in run.images if (image.digest, image.place.repository) == (one.digest, repository)]
    others = f", as {', '.join(names)}" if names and one.name not in names else ""
    return f"This digest is from the run of {run.started}{others}."
