"""Kinds of attestations: what is stated about an image, as JSON attached to it.

Each kind is one value, declared beside the struct it holds: `TEST_ATTESTATIONS` and `RUN_RECORDS` in
`ci.publish.attestations`, `DESCRIPTIONS` in `ci.publish.descriptions`, `GPU_VERDICTS` in `ci.gpu_gate.verdict`,
`PROMOTION_RECORDS` in `ci.promotion.records`.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Generic

import msgspec

from ci.oci.reference import Repository
from ci.oci.referrers import Artifact, DocumentType, list_all_referrers, read_document, referrers_by_source
from ci.oci.registry import Descriptor, IntegrityError, Registry

_JSON = "application/json"


class AttestationType(msgspec.Struct, Generic[DocumentType], frozen=True, kw_only=True):
    """One kind of attestation: its artifact type, the struct of its JSON, and what its annotations say."""

    artifact_type: str
    document: type[DocumentType]
    annotations: Callable[[DocumentType], Mapping[str, str]]
    subject: Callable[[DocumentType], str] | None = None
    """The digest that the document itself says it is about, if it says so."""
    title: Callable[[DocumentType], str] | None = None
    """The name of its file for those who pull it. Without one, as in all kinds from before titles, it has none."""
    newest_schema: int | None = None
    """The highest `schema` of the document that can be read, if it has that field."""

    def content(self, document: DocumentType) -> bytes:
        """Return the JSON of a document. The same document always has the same bytes."""
        return msgspec.json.encode(document, order="deterministic")

    def artifact(self, document: DocumentType) -> Artifact:
        """Return a document as it is attached to an image."""
        return Artifact(
            type=self.artifact_type,
            media_type=_JSON,
            content=self.content(document),
            annotations=self.annotations(document),
            title=self.title(document) if self.title else "",
        )

    async def find(
        self, registry: Registry, repository: Repository, digest: str, annotations: Mapping[str, str] | None = None
    ) -> tuple[DocumentType, ...]:
        """Return all documents of this kind attached to a digest, those with these annotations if any are given."""
        listed = await self._list(registry, repository, digest, annotations or {})
        found = [await self.read(registry, repository, digest, one) for one in listed]
        return tuple(document for document in found if document is not None)

    async def find_any(
        self,
        registry: Registry,
        repository: Repository,
        digest: str,
        annotations: Mapping[str, str],
        *,
        prefer: Callable[[DocumentType], bool] = lambda _document: True,
    ) -> DocumentType | None:
        """Return one of the documents that `find` returns, None if there is none: the first that is preferred, if any.

        Those behind it are not read, and neither is the index if the registry itself lists one that is preferred.
        """
        first: DocumentType | None = None
        async with aclosing(referrers_by_source(registry, repository, digest)) as sources:
            async for source in sources:
                for one in self._those_with(source, annotations):
                    document = await self.read(registry, repository, digest, one)
                    if document is not None and prefer(document):
                        return document
                    first = first or document
        return first

    async def read(
        self, registry: Registry, repository: Repository, digest: str, referrer: Descriptor
    ) -> DocumentType | None:
        """Read a listed document; None if it is gone. Raises a RegistryError unless it is valid and about this digest.

        A registry's clean-up may delete what is attached and leave the list of it: see `ci.oci.referrers`.
        """
        document = await read_document(
            registry, repository, digest, referrer, self.document, newest_schema=self.newest_schema
        )
        if document is None:
            return None
        about = self.subject(document) if self.subject else digest
        if about != digest:
            raise IntegrityError(
                f"{repository.pinned(referrer.digest)} is attached to {digest} as {self.artifact_type}, but its "
                f"content is about {about}: do not trust it. Find out who wrote it, and delete it from the registry."
            )
        return document

    async def _list(
        self, registry: Registry, repository: Repository, digest: str, annotations: Mapping[str, str]
    ) -> tuple[Descriptor, ...]:
        return self._those_with(await list_all_referrers(registry, repository, digest), annotations)

    def _those_with(self, listed: Iterable[Descriptor], annotations: Mapping[str, str]) -> tuple[Descriptor, ...]:
        own = (one for one in listed if one.artifact_type == self.artifact_type)
        return tuple(one for one in own if annotations.items() <= one.annotations.items())
