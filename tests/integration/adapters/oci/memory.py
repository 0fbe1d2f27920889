"""A Registry in memory, for tests of the code that uses one. `test_contract.py` holds it to the protocol."""

from collections.abc import Callable

from ci.oci.reference import Reference, Repository
from ci.oci.registry import Descriptor, Manifest, RefusedError, digest_of
from tests.integration.adapters.oci.contents import Contents, RefusalError


class MemoryRegistry:
    """All registries at once. `before` gets each call ("put docker.io/a/b:c") and may raise or change the contents."""

    def __init__(self, contents: Contents | None = None, before: Callable[[str], None] | None = None) -> None:
        self.contents = contents or Contents()
        self.calls: list[str] = []
        self._before = before

    async def head(self, reference: Reference) -> str | None:
        self._called("head", reference)
        manifest = self.contents.find(str(reference.repository), reference.target)
        return manifest.digest if manifest else None

    async def get(self, reference: Reference) -> Manifest | None:
        self._called("get", reference)
        return self.contents.find(str(reference.repository), reference.target)

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        self._called("put", reference)
        try:
            self.contents.write(str(reference.repository), reference.tag or reference.digest, manifest)
        except RefusalError as refusal:
            raise RefusedError(f"memory refused to write {reference} ({refusal}).") from refusal
        return manifest.digest

    async def delete(self, reference: Reference) -> None:
        self._called("delete", reference)
        try:
            self.contents.delete(str(reference.repository), reference.target)
        except KeyError:
            return
        except RefusalError as refusal:
            raise RefusedError(f"memory refused to delete {reference} ({refusal}).") from refusal

    async def has_blob(self, repository: Repository, digest: str) -> bool:
        self._called("has_blob", repository.pinned(digest))
        return digest in self.contents.blobs[str(repository)]

    async def get_blob(self, repository: Repository, descriptor: Descriptor) -> bytes | None:
        self._called("get_blob", repository.pinned(descriptor.digest))
        return self.contents.blobs[str(repository)].get(descriptor.digest)

    async def put_blob(self, repository: Repository, content: bytes) -> str:
        digest = digest_of(content)
        self._called("put_blob", repository.pinned(digest))
        self.contents.blobs[str(repository)][digest] = content
        return digest

    async def referrers(self, subject: Reference) -> tuple[Descriptor, ...] | None:
        self._called("referrers", subject)
        if not self.contents.lists_referrers:
            return None
        return tuple(self.contents.referrers(str(subject.repository), subject.digest))

    async def tags(self, repository: Repository) -> tuple[str, ...]:
        self._called("tags", repository)
        return tuple(sorted(self.contents.tags[str(repository)]))

    async def preflight(self, repository: Repository) -> None:
        self._called("preflight", repository)

    def _called(self, verb: str, about: Reference | Repository) -> None:
        call = f"{verb} {about}"
        self.calls.append(call)
        if self._before:
            self._before(call)
