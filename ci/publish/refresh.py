"""Refreshes: everything is built again with fresh downloads, under a new cache epoch.

A refresh that publishes is noted in the registry when it begins, and again when the stack has its tag. So the same
command, or a re-run of the same workflow, resumes an interrupted refresh: what was built for it is not built again.
"""

from datetime import datetime, timedelta

from ci.oci.referrers import marker_annotations, push_marker
from ci.oci.registry import ProtocolError, Registry
from ci.publish.tags import Place
from ci.registry_format import (
    BEGUN_REFRESH,
    BEGUN_REFRESH_TAG,
    EPOCH,
    FINISHED,
    REFRESH_MARKER,
    REFRESH_MARKER_TAG,
)

RESUMED_WITHIN = timedelta(days=3)
"""An older one is given up: a weekly refresh must not publish the packages of last week's that failed."""


async def read_refresh_marker(registry: Registry, place: Place) -> str:
    """Return the epoch that an image was last built for, empty if it was never refreshed."""
    manifest = await registry.get(place.tagged(REFRESH_MARKER_TAG))
    if manifest is None:
        return ""
    epoch = (marker_annotations(manifest, REFRESH_MARKER) or {}).get(EPOCH)
    if epoch is None:
        raise ProtocolError(
            f"{place.tagged(REFRESH_MARKER_TAG)} is not a refresh marker of this tool: the tag was overwritten. "
            "Delete it, or run with --refresh, which writes it again."
        )
    return epoch


async def write_refresh_marker(registry: Registry, place: Place, epoch: str) -> None:
    """Store the epoch of an image."""
    await push_marker(registry, place.tagged(REFRESH_MARKER_TAG), REFRESH_MARKER, {EPOCH: epoch})


async def refresh_epoch(registry: Registry, place: Place, now: str) -> str:
    """Return the epoch of a refresh: of one that was begun in the last days and did not finish, else `now` (RFC 3339).

    `place` is that of the stack's first image.
    """
    manifest = await registry.get(place.tagged(BEGUN_REFRESH_TAG))
    begun = (marker_annotations(manifest, BEGUN_REFRESH) or {}) if manifest else {}
    epoch = begun.get(EPOCH, "")
    if FINISHED in begun or not epoch:
        return now
    try:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(epoch)
    except (ValueError, TypeError):  # something else wrote the marker
        return now
    return epoch if timedelta() <= age <= RESUMED_WITHIN else now


async def note_refresh(registry: Registry, place: Place, epoch: str, *, finished: bool) -> None:
    """Note that a refresh begins, or that it has finished, at the place of the stack's first image."""
    note = {EPOCH: epoch, **({FINISHED: "true"} if finished else {})}
    await push_marker(registry, place.tagged(BEGUN_REFRESH_TAG), BEGUN_REFRESH, note)
