"""How large images are in the registry: the layers of what a run uploaded or reused, and of what is stable.

Read from manifests, which say the size of each layer: nothing is compressed again to be measured, and no layer is read.
"""

from collections.abc import Mapping, Sequence

import anyio
import msgspec

from ci.oci.concurrency import gather_results
from ci.oci.reference import Reference
from ci.oci.registry import Manifest, RegistryError
from ci.publish.registry_state import REQUESTS_AT_ONCE, RegistrySession
from ci.results import Baseline, Blob, ImageReport, Layer, RunReport
from ci.stack.model import Stack
from ci.stack.stack_tag import stable_tag_of

# Seconds, for all requests together: a silent registry must not keep a finished run waiting.
_LIMIT = 60.0


class _Layers(msgspec.Struct):
    layers: tuple[Blob, ...] = ()


def layer_blobs(manifest: Manifest) -> tuple[Blob, ...]:
    """Return an image's layers as they are stored in the registry; none for anything but a single image."""
    try:
        return msgspec.json.decode(manifest.content, type=_Layers).layers
    except msgspec.MsgspecError:
        return ()


def compressed_size(manifest: Manifest) -> int:
    """Return the bytes of an image's layers as they are stored in the registry."""
    return sum(blob.size for blob in layer_blobs(manifest))


async def with_registry_sizes(report: RunReport, stack: Stack, session: RegistrySession) -> RunReport:
    """Return a report with the sizes that the registry has. What it does not answer is left out."""
    digests = {image.name: image.digest for image in report.images if image.digest}
    own = {name: session.tags.repository(name).pinned(digest) for name, digest in digests.items()}
    found, _ = await _read(session, own)
    images = tuple(_with_blobs(image, found.get(image.name, ())) for image in report.images)
    return msgspec.structs.replace(report, images=images, baseline=await _baseline(report, stack, session))


async def _baseline(report: RunReport, stack: Stack, session: RegistrySession) -> Baseline | None:
    if not stack.version:
        return None
    tag = stable_tag_of(stack.version)
    names = report.plan.enabled
    found, problems = await _read(session, {name: session.tags.tag(name, tag) for name in names})
    if not found and not problems:
        return None
    return Baseline(tag=tag, images=found, problem="\n".join(problems))


async def _read(
    session: RegistrySession, references: Mapping[str, Reference]
) -> tuple[Mapping[str, tuple[Blob, ...]], Sequence[str]]:
    """Return the layers of each image that is there, and, each once, why others could not be read."""
    answers: Sequence[Manifest | RegistryError | None] = ()
    with anyio.move_on_after(_LIMIT):
        answers = await gather_results(session.registry.get, references.values(), REQUESTS_AT_ONCE)
    if len(answers) < len(references):
        return {}, [f"{session.tags.registry} did not answer within {_LIMIT:.0f} s."]
    found = {
        name: layer_blobs(answer)
        for name, answer in zip(references, answers, strict=True)
        if isinstance(answer, Manifest)
    }
    return found, list(dict.fromkeys(str(answer) for answer in answers if isinstance(answer, RegistryError)))


def _with_blobs(image: ImageReport, blobs: Sequence[Blob]) -> ImageReport:
    return msgspec.structs.replace(image, blobs=tuple(blobs), layers=assign_blobs(image.layers, blobs))


def assign_blobs(layers: Sequence[Layer], blobs: Sequence[Blob]) -> tuple[Layer, ...]:
    """Return the measured layers of an image with their digests and compressed sizes.

    `layers` begin with the foreign base, which has what is left of the `blobs` when each instruction has its number of
    them. If there are too few, none is assigned: a wrong size would be worse than a missing one.
    """
    foreign = len(blobs) - sum(layer.number for layer in layers)
    if foreign < 0 or not layers:
        return tuple(layers)
    result: list[Layer] = []
    left = list(blobs)
    for layer in layers:
        number = layer.number if layer.image else foreign
        own, left = left[:number], left[number:]
        digests = tuple(blob.digest for blob in own)
        result.append(msgspec.structs.replace(layer, digests=digests, compressed_size=sum(blob.size for blob in own)))
    return tuple(result)
