"""What images cost when they were last built, tested and uploaded, from the records of published stacks."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing

from ci.publish.attestations import RecordedImage
from ci.publish.registry_state import RegistrySession
from ci.publish.stack_list import each_stack
from ci.sharing.model import Weight

# Every image of a stack lists the same stacks. The first may be new.
_LISTS_READ = 3


async def read_weights(session: RegistrySession, names: Sequence[str], version: str) -> Mapping[str, Weight]:
    """Return the weights of images, from the newest record that has each number; records are read until all are known.

    Raises a RegistryError.
    """
    found: dict[str, Weight] = {}
    places = [session.tags.place(name) for name in names[:_LISTS_READ]]
    async with aclosing(each_stack(session.registry, places, version)) as records:
        async for record in records:
            recorded = record.by_name
            found.update({name: _joined(found.get(name), recorded[name]) for name in names if name in recorded})
            if all(name in found and found[name].build for name in names):
                break
    return found


def _joined(known: Weight | None, image: RecordedImage) -> Weight:
    """Return what is known of an image with what an older record says: one that was reused took no time."""
    known = known or Weight()
    return Weight(
        build=known.build or image.seconds,
        test=known.test or image.test_seconds,
        upload=known.upload or image.upload_seconds,
        size=known.size or image.size,
    )
