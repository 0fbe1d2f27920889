"""The promotion record: which tags were moved from what to what, on which proof, written down where the images are.

It is an OCI artifact of the type `application/vnd.datahub.promotion.v1+json` whose one layer is the JSON of a
`PromotionRecord`, attached to every image that a tag was to name (to the one that it named, where it was to name
nothing). All copies have the same bytes, and the digest of these is the record's name, its `id`.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ci.oci.referrers import Artifact
from ci.oci.registry import digest_of

PROMOTION = "application/vnd.datahub.promotion.v1+json"
ID_ANNOTATION = "edu.ucsd.datahub.promotion"
_CREATED = "org.opencontainers.image.created"
_DESCRIPTION = "org.opencontainers.image.description"

Names = Mapping[str, str | None]
"""What a tag names in each repository, by digest; None for nothing."""


class Kind(StrEnum):
    """Why tags were moved."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"


class RecordedUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """One tag. `old` and `new` are digests, None for nothing. A tag that named the new image already is here, too."""

    image: str
    repository: str
    tag: str
    old: str | None
    new: str | None


class GateApproval(msgspec.Struct, frozen=True, kw_only=True):
    """What stands for a promotion: a passed verdict of the GPU gate, or a person's reason to do without."""

    image: str = ""
    """Which image of the stack was tried for all; empty if none can be."""
    digest: str = ""
    verdict: str = ""
    """The digest of the verdict's JSON, which is attached to that image. Empty if there is none."""
    outcome: str = ""
    """The verdict's: `passed`; or another, or empty for no verdict, if it was accepted all the same."""
    tried: str = ""
    """When, RFC 3339, UTC."""
    accepted: str = ""
    """The reason to do without a passed verdict."""


class PromotionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One promotion or rollback of a stack, as it was about to be done."""

    kind: Kind
    number: int
    """Counts the records of a stable tag from 1. Two that were begun at the same moment may have the same."""
    at: str
    """RFC 3339, UTC."""
    source: str = ""
    """Of a promotion, the tag of the stack: `2026.4-a1239ab`."""
    commit: str = ""
    run: str = ""
    """When the run began that published the stack."""
    restores: int = 0
    """Of a rollback, the number of the promotion whose images are stable again; 0 for what was before the first."""
    moves: tuple[RecordedUpdate, ...]
    proof: GateApproval | None = None
    """Of a promotion."""

    @property
    def content(self) -> bytes:
        """The JSON of the record. The same record always has the same bytes."""
        return msgspec.json.encode(self, order="deterministic")

    @property
    def id(self) -> str:
        """The record's name."""
        return digest_of(self.content)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that it moves, each once."""
        return tuple(dict.fromkeys(move.tag for move in self.moves))

    def old(self, tag: str) -> Names:
        """Return what a tag named before."""
        return {move.repository: move.old for move in self.moves if move.tag == tag}

    def new(self, tag: str) -> Names:
        """Return what a tag names after it."""
        return {move.repository: move.new for move in self.moves if move.tag == tag}


def promotion_artifact(record: PromotionRecord) -> Artifact:
    """Return the record as it is attached to images."""
    return Artifact(
        type=PROMOTION,
        media_type="application/json",
        content=record.content,
        annotations={
            ID_ANNOTATION: record.id,
            _CREATED: record.at,
            _DESCRIPTION: f"{record.kind} {record.number} of {', '.join(record.tags)}",
        },
    )
