"""A registry in memory where anything may go wrong at any call about a tag."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from ci.oci.reference import Reference
from ci.oci.registry import Manifest, ServerFaultError
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry


class Fate(StrEnum):
    """What becomes of a call."""

    FINE = "fine"
    BEFORE = "fails before anything is done"
    AFTER = "is done, and fails"
    RIVAL = "comes after somebody else wrote the tag"


class ShakyRegistry(MemoryRegistry):
    """Each call about a tag meets the next of its fates; all is fine when they are used up."""

    def __init__(self, contents: Contents, fates: Sequence[Fate], rival: Callable[[Reference], object]) -> None:
        super().__init__(contents)
        self._fates = list(reversed(fates))
        self._rival = rival

    async def head(self, reference: Reference) -> str | None:
        fate = self._meet(reference)
        found = await super().head(reference)
        self._end(fate, reference)
        return found

    async def get(self, reference: Reference) -> Manifest | None:
        fate = self._meet(reference)
        found = await super().get(reference)
        self._end(fate, reference)
        return found

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        fate = self._meet(reference)
        digest = await super().put(reference, manifest)
        self._end(fate, reference)
        return digest

    def _meet(self, reference: Reference) -> Fate:
        fate = self._fates.pop() if self._fates and reference.tag else Fate.FINE
        if fate is Fate.RIVAL:
            self._rival(reference)
        if fate is Fate.BEFORE:
            self._end(Fate.AFTER, reference)
        return fate

    def _end(self, fate: Fate, reference: Reference) -> None:
        if fate is Fate.AFTER:
            raise ServerFaultError(f"memory failed with {reference}.")
