"""When an image was last fetched anew from the network, remembered beside it: the tag `epoch` of its repository.

Without it, the first run after a refresh would find what was published before it, and take that again.
"""

from ci.pipeline.artifacts import note_of, put_note
from ci.pipeline.reference import Repository
from ci.pipeline.registry import Registry
from ci.pipeline.registry_errors import ProtocolError

_TAG = "epoch"
_TYPE = "application/vnd.datahub.epoch.v1"
_EPOCH = "edu.ucsd.datahub.epoch"


async def read_epoch(registry: Registry, repository: Repository) -> str:
    """Return the epoch of an image, empty if it was never refreshed."""
    manifest = await registry.get(repository.tagged(_TAG))
    if manifest is None:
        return ""
    epoch = (note_of(manifest, _TYPE) or {}).get(_EPOCH)
    if epoch is None:
        raise ProtocolError(
            f"{repository.tagged(_TAG)} is not the note of an epoch that it should be: something else wrote this tag. "
            "Remove it, or run with --refresh, which writes it anew."
        )
    return epoch


async def write_epoch(registry: Registry, repository: Repository, epoch: str) -> None:
    """Remember the epoch of an image."""
    await put_note(registry, repository.tagged(_TAG), _TYPE, {_EPOCH: epoch})
