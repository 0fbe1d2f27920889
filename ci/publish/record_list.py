"""Lists of records under a tag of their own, beside the images that the records are attached to.

Attached records are found only by who knows the digest of an image. So they are listed, too: in the repository of each
image, under a tag such as `2026.4-stable.history` or `2026.4.stacks`, as an OCI index whose manifests are the records
attached to images of that repository. An annotation of each entry is the digest of the image that it is attached to.

Clean-ups that delete untagged manifests may delete the records and leave the list (`docker-registry garbage-collect -m`
does). What the list says of a record that is gone is kept, until a registry refuses to store a list with its entry.
"""

from typing import NamedTuple

import msgspec

from ci.oci.index import add_to_index, decode_index
from ci.oci.reference import Reference, Repository
from ci.oci.registry import Descriptor, ProtocolError, Registry
from ci.registry_format import SUBJECT


class Listed(NamedTuple):
    """An entry of a list, and the repository in which the list and the record are."""

    repository: Repository
    descriptor: Descriptor

    @property
    def subject(self) -> str:
        """The digest of the image that the record is attached to."""
        return self.descriptor.annotations.get(SUBJECT, "")


class RecordList(NamedTuple):
    """A kind of list. `called` is how messages name one."""

    artifact_type: str
    called: str
    most: int | None = None
    """How many entries are kept, the newest; None for all."""

    async def read(self, registry: Registry, tag: Reference) -> tuple[Listed, ...]:
        """Return the entries of a list, the oldest first; none if it does not exist."""
        return tuple(Listed(tag.repository, entry) for entry in await self._entries(registry, tag))

    async def add(self, registry: Registry, tag: Reference, subject: str, record: Descriptor) -> None:
        """Add a record that is attached to a subject, unless it is listed already.

        Raises IntegrityError if other processes keep overwriting the list.
        """
        entry = msgspec.structs.replace(record, annotations={**record.annotations, SUBJECT: subject})
        await add_to_index(
            registry, tag, entry, lambda: self._entries(registry, tag), self.artifact_type, most=self.most
        )

    async def _entries(self, registry: Registry, tag: Reference) -> tuple[Descriptor, ...]:
        manifest = await registry.get(tag)
        if manifest is None:
            return ()
        try:
            index = decode_index(manifest, tag)
        except ProtocolError as error:
            raise self._overwritten(tag, str(error)) from error
        if index.artifact_type != self.artifact_type:
            raise self._overwritten(tag, f"Its artifact type is {index.artifact_type!r}.")
        return index.manifests

    def _overwritten(self, tag: Reference, problem: str) -> ProtocolError:
        return ProtocolError(
            f"{tag} is not a {self.called}. {problem} Another program overwrote this tag: find out which, then restore "
            "the list or delete the tag."
        )
