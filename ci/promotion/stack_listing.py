"""The stacks of a version that were published, and what became of them."""

from collections.abc import Sequence

import msgspec

from ci.oci.registry import Registry
from ci.promotion.history import collect_history
from ci.promotion.timeline import RecordStatus, Timeline
from ci.publish.attestations import RunRecord
from ci.publish.stack_list import read_stacks
from ci.publish.tags import Place
from ci.stack.stack_tag import stable_tag_of

_EARLIER = frozenset({RecordStatus.EARLIER, RecordStatus.MOVED})


class ListedStack(msgspec.Struct, frozen=True, kw_only=True):
    """One published stack. `size` is the bytes of the compressed layers of all images; `status` is for people."""

    tag: str
    published: str
    commit: str
    images: int
    size: int
    status: str


class StackListing(msgspec.Struct, frozen=True, kw_only=True):
    """The stacks of a version that were published, the newest first."""

    version: str
    stacks: tuple[ListedStack, ...]


class StableTime(msgspec.Struct, frozen=True, kw_only=True):
    """A time in RFC 3339: since when a stack is stable, or from when it was."""

    is_now: bool
    at: str


async def read_stack_listing(registry: Registry, places: Sequence[Place], version: str) -> StackListing:
    """Read the list of published stacks and the history of the stable tag. Raises a RegistryError."""
    records = await read_stacks(registry, places, version)
    timeline = await collect_history(registry, places, stable_tag_of(version))
    return StackListing(version=version, stacks=tuple(_listed(record, timeline) for record in records))


def _listed(record: RunRecord, timeline: Timeline) -> ListedStack:
    return ListedStack(
        tag=record.tag,
        published=record.started,
        commit=record.commit,
        images=len(record.images),
        size=sum(image.size for image in record.images),
        status=_status(record, timeline),
    )


def _status(record: RunRecord, timeline: Timeline) -> str:
    """Return what became of the images of a stack, in words; nothing if they were never promoted."""
    found = stable_time(record, timeline)
    if found is None:
        return ""
    return f"{timeline.tag} since {found.at}" if found.is_now else f"was {timeline.tag} from {found.at}"


def stable_time(record: RunRecord, timeline: Timeline) -> StableTime | None:
    """Return since when just these images are stable, or when they first were; None if they never were."""
    digests = {str(image.place): image.digest for image in record.images}
    stable = [entry for entry in timeline.entries if digests.items() <= entry.record.new(timeline.tag).items()]
    now = next((entry.record for entry in stable if entry.status is RecordStatus.NOW), None)
    if now is not None:
        return StableTime(is_now=True, at=now.at)
    earlier = [entry.record for entry in stable if entry.status in _EARLIER]
    return StableTime(is_now=False, at=earlier[-1].at) if earlier else None
