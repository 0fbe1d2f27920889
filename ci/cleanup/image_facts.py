"""What says how old an image is, what it was built on, and what is attached to it: its manifest and its referrers."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from ci.errors import RequestError
from ci.image_labels import BASE_DIGEST, BASE_NAME, CACHE_KEY, CREATED
from ci.oci.reference import Reference, Repository
from ci.oci.referrers import list_all_referrers
from ci.oci.registry import Descriptor, Manifest, Registry
from ci.oci.tombstone import is_tombstone
from ci.publish.sizes import layer_blobs
from ci.registry_format import RUN_RECORD, STACK_TAG
from ci.retention.model import Attached, FoundImage

_Decoded = TypeVar("_Decoded", bound=msgspec.Struct)


class _Image(msgspec.Struct, frozen=True):
    config: Descriptor | None = None
    annotations: Mapping[str, str] = {}


class _Settings(msgspec.Struct, frozen=True, rename="pascal"):
    labels: Mapping[str, str] | None = None


class _Configuration(msgspec.Struct, frozen=True):
    config: _Settings = _Settings()


async def read_image(registry: Registry, reference: Reference) -> FoundImage | None:
    """Return what is known of an image, given by its digest; None if it is gone. Raises a RegistryError."""
    manifest = await registry.get(reference)
    if manifest is None:
        return None
    if is_tombstone(manifest):
        return FoundImage(digest=reference.digest, created=None, layers={}, is_tombstone=True)
    labels = await _labels(registry, reference.repository, manifest)
    return FoundImage(
        digest=reference.digest,
        # Base images from elsewhere have such a label, too: it counts only beside one of ours.
        created=unix_time(labels.get(CREATED, "")) if CACHE_KEY in labels else None,
        layers={blob.digest: blob.size for blob in layer_blobs(manifest)},
        base=_base(labels),
        attached=await read_attached(registry, reference.repository, reference.digest),
    )


async def read_attached(registry: Registry, repository: Repository, digest: str) -> tuple[Attached, ...]:
    """Return what is listed as attached to a digest."""
    return tuple(
        Attached(
            digest=one.digest,
            artifact_type=one.artifact_type,
            created=unix_time(one.annotations.get(CREATED, "")),
            stack_tag=one.annotations.get(STACK_TAG, "") if one.artifact_type == RUN_RECORD else "",
        )
        for one in await list_all_referrers(registry, repository, digest)
    )


def unix_time(text: str) -> float | None:
    """Return a time that is given as RFC 3339; None for anything else."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.timestamp() if time.tzinfo else None


async def _labels(registry: Registry, repository: Repository, manifest: Manifest) -> Mapping[str, str]:
    """Return the annotations of an image, or, if they do not say when it was made, its labels: both say the same."""
    read = _decode(manifest.content, _Image)
    if read is None or CREATED in read.annotations or read.config is None:
        return read.annotations if read else {}
    content = await registry.get_blob(repository, read.config)
    configuration = _decode(content or b"", _Configuration)
    return (configuration.config.labels or {}) if configuration else {}


def _decode(content: bytes, kind: type[_Decoded]) -> _Decoded | None:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _base(labels: Mapping[str, str]) -> tuple[Repository, str] | None:
    try:
        return Reference.parse(labels.get(BASE_NAME, "")).repository, labels.get(BASE_DIGEST, "")
    except RequestError:
        return None
