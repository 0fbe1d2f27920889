"""What is told of a move that failed: what went wrong, what was written, and what every tag names now."""

from collections.abc import Iterable, Sequence

import msgspec

from ci.errors import ExternalError
from ci.oci.reference import Reference

NOTHING = "nothing"
UNKNOWN = "what nobody can read at the moment"


class UnrestoredTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag that does not name what it named before a move that failed. `was` and `names` are digests, or NOTHING.

    `names` may also be UNKNOWN.
    """

    image: str
    target: Reference
    was: str
    names: str
    why: str

    def __str__(self) -> str:
        return f"{self.target} names {self.names}; before it named {self.was}. {self.image}: {self.why}"


class TagUpdateError(ExternalError):
    """Tags were not moved. All name what they named before, but for those `astray`."""

    def __init__(self, text: str, astray: Sequence[UnrestoredTag] = ()) -> None:
        super().__init__(text)
        self.astray = tuple(astray)


def aborted(causes: Sequence[str]) -> TagUpdateError:
    """Return the error of a move that stopped before anything was written."""
    return TagUpdateError(f"No tag was moved, and nothing was written:\n{_listed(causes)}\nThen run the same again.")


def rolled_back(
    causes: Sequence[str], begun: Sequence[Reference], total: int, astray: Sequence[UnrestoredTag]
) -> TagUpdateError:
    """Return the error of a move of `total` tags of which some were `begun`, after what could be was put back."""
    lost = {one.target for one in astray}
    back = [str(target) for target in begun if target not in lost]
    written = f"{len(begun)} of {total} tags were written or may have been."
    restored = f"These name what they named before: {', '.join(back)}." if back else "None could be put back."
    if not astray:
        others = " So do the others." if len(begun) < total else ""
        told = f"{written} {restored}{others} Run the same again." if begun else "Run the same again."
        return TagUpdateError(f"The tags could not be moved:\n{_listed(causes)}\n{told}")
    return TagUpdateError(
        f"The tags could not be moved, and {len(astray)} could not be put back:\n{_listed(astray)}\n"
        f"It began with this:\n{_listed(causes)}\n{written} {restored} Mend the cause, then run the same again: it "
        "moves what is left to move, or tells what every tag names.",
        astray,
    )


def _listed(sentences: Iterable[object]) -> str:
    return "\n".join(f"  - {sentence}" for sentence in sentences)
