"""The error of a tag update that failed: the causes, what was written, and what every tag points to now."""

from collections.abc import Iterable, Sequence

import msgspec

from ci.errors import ExternalError
from ci.oci.reference import Reference

NOTHING = "nothing"
UNKNOWN = "unknown (the registry cannot be read)"


class UnrestoredTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag that does not point to what it pointed to before the failed update.

    Digests may be NOTHING; `current_digest` may also be UNKNOWN.
    """

    image: str
    target: Reference
    old_digest: str
    current_digest: str
    reason: str

    def __str__(self) -> str:
        points = f"{self.target} points to {self.current_digest} instead of {self.old_digest}"
        if self.current_digest == UNKNOWN:
            points = f"{self.target} pointed to {self.old_digest}, now {UNKNOWN}"
        return f"{points}. {self.image}: {self.reason}"


class TagUpdateError(ExternalError):
    """Tags were not updated. Every tag that may have been written is either in `restored` or in `unrestored`."""

    def __init__(self, text: str, restored: Sequence[Reference] = (), unrestored: Sequence[UnrestoredTag] = ()) -> None:
        super().__init__(text)
        self.restored = tuple(restored)
        self.unrestored = tuple(unrestored)


def aborted(causes: Sequence[str]) -> TagUpdateError:
    """Return the error of an update that stopped before anything was written."""
    return TagUpdateError(f"No tag was updated, and nothing was written:\n{_listed(causes)}\nThen run this again.")


def rolled_back(
    causes: Sequence[str], restored: Sequence[Reference], unrestored: Sequence[UnrestoredTag], *, total: int
) -> TagUpdateError:
    """Return the error of an update of `total` tags, after the tags that were written were restored where possible."""
    begun = len(restored) + len(unrestored)
    written = f"{begun} of {total} tags were or may have been written."
    back = f"Restored: {', '.join(str(target) for target in restored)}." if restored else "None could be restored."
    if not unrestored:
        others = " The others were not written." if begun < total else ""
        summary = f"{written} {back}{others} Run this again." if begun else "Nothing was written. Run this again."
        return TagUpdateError(f"The tags could not be updated:\n{_listed(causes)}\n{summary}", restored)
    return TagUpdateError(
        f"The tags could not be updated, and {len(unrestored)} could not be restored:\n{_listed(unrestored)}\n"
        f"First error:\n{_listed(causes)}\n{written} {back} Fix the cause and run the command again; tags that are in "
        "place already are skipped.",
        restored,
        unrestored,
    )


def _listed(sentences: Iterable[object]) -> str:
    return "\n".join(f"  - {sentence}" for sentence in sentences)
