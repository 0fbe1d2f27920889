"""A registry in memory where every request about a tag may go wrong."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from ci.oci.reference import Reference
from ci.oci.registry import Manifest, ServerFaultError
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry


class Fault(StrEnum):
    """What goes wrong with a request."""

    NONE = "nothing goes wrong"
    BEFORE = "fails before anything is done"
    AFTER = "is done, and fails"
    RIVAL = "is done after another process wrote the tag"


class FlakyRegistry(MemoryRegistry):
    """Each request about a tag has the next of the faults; when they are used up, none. `rival` writes a tag."""

    def __init__(self, contents: Contents, faults: Sequence[Fault], rival: Callable[[Reference], object]) -> None:
        super().__init__(contents)
        self._faults = list(reversed(faults))
        self._rival = rival

    async def head(self, reference: Reference) -> str | None:
        fault = self._begin(reference)
        found = await super().head(reference)
        self._end(fault, reference)
        return found

    async def get(self, reference: Reference) -> Manifest | None:
        fault = self._begin(reference)
        found = await super().get(reference)
        self._end(fault, reference)
        return found

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        fault = self._begin(reference)
        digest = await super().put(reference, manifest)
        self._end(fault, reference)
        return digest

    def _begin(self, reference: Reference) -> Fault:
        fault = self._faults.pop() if self._faults and reference.tag else Fault.NONE
        if fault is Fault.RIVAL:
            self._rival(reference)
        if fault is Fault.BEFORE:
            self._end(Fault.AFTER, reference)
        return fault

    def _end(self, fault: Fault, reference: Reference) -> None:
        if fault is Fault.AFTER:
            raise ServerFaultError(f"memory failed with {reference}.")
