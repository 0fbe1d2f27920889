"""The promotion record: which tags were updated from what to what, and on which approval, kept beside the images.

It is attached to every image that a tag was to point to (to the one that it pointed to, where it was to be removed).
All copies have the same bytes, and the digest of these is the record's `id`.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ci.image_labels import CREATED, DESCRIPTION
from ci.oci.attestation import AttestationType
from ci.oci.registry import digest_of
from ci.publish.tags import place_text
from ci.registry_format import PROMOTION_ID, PROMOTION_RECORD

# As `_annotations` writes it.
_NUMBER = re.compile(r"\w+ (\d+) of ")

Digests = Mapping[str, str | None]
"""What a tag of the stack points to for each image, by the text of its place; None where it does not exist."""


class Kind(StrEnum):
    """Why tags were updated."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"


class RecordedUpdate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tag. `old` and `new` are digests, None for no image. Tags that pointed to `new` already are recorded too."""

    image: str
    repository: str
    tag: str
    """As it is in the repository: `2026.4-stable`, `cuda12-2026.4-stable`."""
    tag_prefix: str = ""
    """What of the tag is the image's: `cuda12-`. Left out where there is none, as in records from before this field."""
    old: str | None
    new: str | None

    @property
    def place(self) -> str:
        """The text of the image's place."""
        return place_text(self.repository, self.tag_prefix)

    @property
    def stack_tag(self) -> str:
        """The tag of the whole stack."""
        return self.tag.removeprefix(self.tag_prefix)


class GateApproval(msgspec.Struct, frozen=True, kw_only=True):
    """Why a promotion is allowed: a passed verdict of the GPU gate, or a person's reason to override it."""

    image: str = ""
    """Which image of the stack was tested for all of them; empty if there is none."""
    digest: str = ""
    verdict: str = ""
    """The digest of the verdict's JSON, which is attached to that image. Empty if there is no verdict."""
    outcome: str = ""
    """The verdict's outcome: `passed`, or anything else, or empty, if the gate was overridden."""
    tried: str = ""
    """When the test ran, RFC 3339, UTC."""
    override_reason: str = msgspec.field(name="accepted", default="")
    """Why the stack was promoted without a passed verdict. Its name in JSON is `accepted`."""


class PromotionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One promotion or rollback of a stack, as it was about to be applied."""

    kind: Kind
    number: int
    """Counts the records of a stable tag from 1. Two that began at the same moment may have the same number."""
    at: str
    """RFC 3339, UTC."""
    source: str = ""
    """Of a promotion, the tag of the stack: `2026.4-a1239ab`."""
    commit: str = ""
    run: str = ""
    """When the run began that published the stack."""
    restores: int = 0
    """Of a rollback, the number of the promotion that is stable again; 0 for the state before the first."""
    # `moves`, not `updates`: records in registries have this name.
    moves: tuple[RecordedUpdate, ...]
    proof: GateApproval | None = None
    """Of a promotion."""

    @property
    def id(self) -> str:
        """The digest of the record's JSON."""
        return digest_of(PROMOTION_RECORDS.content(self))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the stack that are updated, each once."""
        return tuple(dict.fromkeys(update.stack_tag for update in self.moves))

    def old(self, tag: str) -> Digests:
        """Return what a tag of the stack pointed to before."""
        return {update.place: update.old for update in self.moves if update.stack_tag == tag}

    def new(self, tag: str) -> Digests:
        """Return what a tag of the stack points to afterwards."""
        return {update.place: update.new for update in self.moves if update.stack_tag == tag}


class GoneRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that the history still lists, but that was deleted from the registry: what its entry says of it."""

    id: str
    description: str
    """`promotion 3 of 2026.4-stable`."""
    at: str

    @property
    def number(self) -> int | None:
        """The number that the description has."""
        found = _NUMBER.match(self.description)
        return int(found[1]) if found else None

    def may_be_newer_than(self, record: PromotionRecord) -> bool:
        """Return whether it may have been written after a record."""
        return self.number is None or (self.number, self.at) > (record.number, record.at)

    @staticmethod
    def of(annotations: Mapping[str, str]) -> "GoneRecord":
        """Return the record whose entry in the history has these annotations."""
        return GoneRecord(
            id=annotations.get(PROMOTION_ID, ""),
            description=annotations.get(DESCRIPTION, ""),
            at=annotations.get(CREATED, ""),
        )


def _annotations(record: PromotionRecord) -> Mapping[str, str]:
    return {
        PROMOTION_ID: record.id,
        CREATED: record.at,
        DESCRIPTION: f"{record.kind} {record.number} of {', '.join(record.tags)}",
    }


PROMOTION_RECORDS = AttestationType(artifact_type=PROMOTION_RECORD, document=PromotionRecord, annotations=_annotations)
