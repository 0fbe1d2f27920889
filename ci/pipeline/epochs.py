"""When an image was last fetched anew from the network, remembered beside it: the tag `epoch` of its repository.

Without it, the first run after a refresh would find what was published before it, and take that again.
"""

import msgspec

from ci.pipeline.artifacts import EMPTY, EMPTY_TYPE, describe
from ci.pipeline.reference import Repository
from ci.pipeline.registry import OCI_MANIFEST, Descriptor, Manifest, Registry, put_verified
from ci.pipeline.registry_errors import ProtocolError

_TAG = "epoch"
_TYPE = "application/vnd.datahub.epoch.v1"
_EPOCH = "edu.ucsd.datahub.epoch"


class _Note(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    schema_version: int
    media_type: str
    artifact_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str]


async def read_epoch(registry: Registry, repository: Repository) -> str:
    """Return the epoch of an image, empty if it was never refreshed."""
    manifest = await registry.get(repository.tagged(_TAG))
    if manifest is None:
        return ""
    try:
        return msgspec.json.decode(manifest.content, type=_Note).annotations[_EPOCH]
    except (msgspec.MsgspecError, KeyError) as error:
        raise ProtocolError(
            f"{repository.tagged(_TAG)} is not the note of an epoch that it should be: something else wrote this tag. "
            "Remove it, or run with --refresh, which writes it anew."
        ) from error


async def write_epoch(registry: Registry, repository: Repository, epoch: str) -> None:
    """Remember the epoch of an image."""
    await registry.put_blob(repository, EMPTY)
    empty = describe(EMPTY_TYPE, EMPTY)
    note = _Note(
        schema_version=2,
        media_type=OCI_MANIFEST,
        artifact_type=_TYPE,
        config=empty,
        layers=(empty,),
        annotations={_EPOCH: epoch},
    )
    manifest = Manifest(content=msgspec.json.encode(note), media_type=OCI_MANIFEST)
    await put_verified(registry, repository.tagged(_TAG), manifest)
