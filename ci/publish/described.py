"""A published stack with what is in its images, from the registry alone: kilobytes, and no layer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ci.contents.described_stack import DescribedStack
from ci.contents.model import Contents
from ci.image_labels import BASE_DIGEST
from ci.oci.concurrency import gather_or_raise, gather_results
from ci.oci.registry import RegistryError
from ci.oci.tombstone import read_digest
from ci.publish.attestations import RUN_RECORDS, RunRecord
from ci.publish.descriptions import find_description
from ci.publish.registry_state import REQUESTS_AT_ONCE, RegistrySession
from ci.publish.tags import Place


class TaggedImage(NamedTuple):
    """An image of a stack under a tag: its name, where it is, and its digest."""

    name: str
    place: Place
    digest: str


class PublishedStack(NamedTuple):
    """What a tag points to: the images, what is in them, and the run that published exactly these, if that is known."""

    tag: str
    images: tuple[TaggedImage, ...]
    stack: DescribedStack
    record: RunRecord | None


FindContents = Callable[[TaggedImage], Awaitable[Contents | None]]
"""Returns what is in an image; None if that was never described. Raises a RegistryError."""


async def read_published_stack(
    session: RegistrySession, names: Sequence[str], tag: str, find: FindContents | None = None
) -> PublishedStack | None:
    """Return what a tag points to; None if no image has it. `names` are the images of the stack as it is now.

    An image without a description is missing in it, and so is one that was published with the others and does not have
    the tag. Raises a RegistryError.
    """
    known = await _read(session, {name: session.tags.place(name) for name in names}, tag)
    if not known:
        return None
    # Each image has the records of all runs that published it; those of the first are enough.
    first = known[0]
    recorded = await RUN_RECORDS.find(session.registry, first.place.repository, first.digest)
    others = {
        image.name: image.place
        for record in _fitting(recorded, known)
        for image in record.images
        if image.name not in names
    }
    images = (*known, *await _read(session, others, tag))
    records = _fitting(recorded, images)
    # Another tag may have the same images, or the same and more.
    record = max(records, key=lambda one: (one.tag == tag, len(one.images) == len(images), one.started), default=None)
    tagged = {image.name for image in images}
    untagged = [image.name for image in record.images if image.name not in tagged] if record else []
    stack = await describe_images(images, tag, find or finder(session))
    missing = {**stack.missing, **dict.fromkeys(untagged, _NO_TAG.format(tag=tag))}
    stack = msgspec.structs.replace(stack, missing=missing)
    return PublishedStack(tag, images, stack, record)


async def describe_images(images: Sequence[TaggedImage], tag: str, find: FindContents) -> DescribedStack:
    """Return what is in the images of a stack that is called by its tag. Raises a RegistryError."""
    found = await gather_or_raise(find, images, REQUESTS_AT_ONCE)
    contents = {image.name: one for image, one in zip(images, found, strict=True) if one is not None}
    missing = {
        image.name: f"It was published without a description. `describe --tag {tag} --keep` makes one."
        for image in images
        if image.name not in contents
    }
    return DescribedStack(name=tag, images=contents, parents=parents_of(images, contents), missing=missing)


def finder(session: RegistrySession) -> FindContents:
    """Return what finds descriptions in a registry."""

    async def find(image: TaggedImage) -> Contents | None:
        return await find_description(session.registry, image.place.repository, image.digest, image.name)

    return find


async def find_contents(
    session: RegistrySession, digests: Mapping[str, str]
) -> Mapping[str, Contents | RegistryError | None]:
    """Return what is in published images, by their names and digests; None for those without a description."""
    tags = session.tags
    answers = await gather_results(
        lambda name: find_description(session.registry, tags.repository(name), digests[name], name),
        digests,
        REQUESTS_AT_ONCE,
    )
    return dict(zip(digests, answers, strict=True))


def parents_of(images: Sequence[TaggedImage], contents: Mapping[str, Contents]) -> Mapping[str, str | None]:
    """Return the parent of each image: the one with the digest that its label says it was built on."""
    by_digest = {image.digest: image.name for image in images}
    bases = {name: one.config.labels.get(BASE_DIGEST, "") for name, one in contents.items()}
    return {image.name: by_digest.get(bases.get(image.name, "")) for image in images}


async def _read(session: RegistrySession, places: Mapping[str, Place], tag: str) -> tuple[TaggedImage, ...]:
    digests = await gather_or_raise(
        lambda name: read_digest(session.registry, places[name].tagged(tag), ()), places, REQUESTS_AT_ONCE
    )
    return tuple(
        TaggedImage(name, places[name], digest) for name, digest in zip(places, digests, strict=True) if digest
    )


def _fitting(records: Sequence[RunRecord], images: Sequence[TaggedImage]) -> Sequence[RunRecord]:
    """Return the records of runs that published just these images, or these and more."""
    digests = {image.name: image.digest for image in images}
    return [
        record
        for record in records
        if all(image.digest == digests.get(image.name, image.digest) for image in record.images)
        if digests.keys() <= record.by_name.keys()
    ]


_NO_TAG = (
    "It was published together with the others, but does not have the tag {tag}: the tag was removed, or an update of "
    "the tags was interrupted. Publish or promote the stack again."
)
