"""The Registry protocol over HTTP."""

from collections import defaultdict
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self, TypeVar

import anyio
import httpx
import msgspec
from typing_extensions import override

from ci.adapters.oci.connection import TIMEOUT, Connection
from ci.adapters.oci.endpoint import Endpoint
from ci.adapters.oci.errors import unexpected_response
from ci.adapters.oci.http import Request, Response
from ci.adapters.oci.requests import (
    NOT_FOUND,
    OK,
    cancel_upload,
    delete_manifest,
    find_blob,
    finish_upload,
    list_referrers,
    list_tags,
    next_page,
    read_blob,
    read_manifest,
    start_upload,
    upload_location,
    write_manifest,
)
from ci.adapters.oci.retry import TransientError, retry
from ci.clock import Clock
from ci.oci.reference import Reference, Repository, is_digest
from ci.oci.registry import MANIFEST_TYPES, Descriptor, IntegrityError, Manifest, Registry, RegistryError, digest_of

DocumentType = TypeVar("DocumentType", bound=msgspec.Struct)


class _TagList(msgspec.Struct):
    tags: tuple[str, ...] | None = None


class _ReferrerList(msgspec.Struct):
    manifests: tuple[Descriptor, ...] | None = None


class HttpRegistry(Registry):
    """All registries, while it is open. `endpoints` are for those that need more than their host name to be reached."""

    def __init__(self, *endpoints: Endpoint, clock: Clock | None = None, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._endpoints = {endpoint.host: endpoint for endpoint in endpoints}
        self._clock = clock or Clock()
        self._timeout = timeout
        self._connections: dict[str, Connection] = {}
        self._uploading: defaultdict[Reference, anyio.Lock] = defaultdict(anyio.Lock)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    @override
    async def head(self, reference: Reference) -> str | None:
        response = await self._send(read_manifest("HEAD", reference))
        if response.status == NOT_FOUND:
            return None
        if digest := _digest(response):
            return digest
        manifest = await self.get(reference)
        return manifest.digest if manifest else None

    @override
    async def get(self, reference: Reference) -> Manifest | None:
        request = read_manifest("GET", reference)
        response = await self._send(request)
        if response.status == NOT_FOUND and response.media_type != "text/html":
            return None
        if response.media_type not in MANIFEST_TYPES:
            raise unexpected_response(response, request)
        manifest = Manifest(content=response.content, media_type=response.media_type)
        for expected in (reference.digest, _digest(response)):
            if expected and expected != manifest.digest:
                raise IntegrityError(
                    f"{reference} should have the digest {expected}, but the registry sent {manifest.digest}: it was "
                    "damaged in storage or on the way. Run again; if that does not help, push the image again."
                )
        return manifest

    @override
    async def put(self, reference: Reference, manifest: Manifest) -> str:
        response = await self._send(write_manifest(reference, manifest))
        written = _digest(response) or manifest.digest
        if written != manifest.digest:
            raise IntegrityError(
                f"{reference} was pushed as {manifest.digest}, but the registry stored {written}: the registry or a "
                "proxy changes the content. Find which, or use another registry."
            )
        return manifest.digest

    @override
    async def delete(self, reference: Reference) -> None:
        await self._send(delete_manifest(reference))

    @override
    async def has_blob(self, repository: Repository, digest: str) -> bool:
        response = await self._send(find_blob(repository.pinned(digest)))
        return response.status == OK

    @override
    async def get_blob(self, repository: Repository, descriptor: Descriptor) -> bytes | None:
        request = read_blob(repository, descriptor)
        response = await self._send(request)
        if response.status == NOT_FOUND:
            return None
        received = digest_of(response.content)
        if received != descriptor.digest:
            raise IntegrityError(
                f"The registry sent content with the digest {received} for {request.resource}: it was damaged in "
                "storage or on the way. Run again."
            )
        return response.content

    @override
    async def put_blob(self, repository: Repository, content: bytes) -> str:
        blob = repository.pinned(digest_of(content))
        # In Docker's registry 2, a blob is unknown for a moment when a second upload of it to one repository ends. It
        # refused manifests that refer to it (MANIFEST_BLOB_UNKNOWN) in 2 of 10 runs that promoted three images there.
        async with self._uploading[blob]:
            if not await self.has_blob(repository, blob.digest):
                # An interrupted upload session cannot be resumed, so a retry opens a new one.
                await retry(lambda retries: self._upload(blob, content, retries), self._clock)
        return blob.digest

    @override
    async def referrers(self, subject: Reference) -> tuple[Descriptor, ...] | None:
        request = list_referrers(subject)
        pages = await self._pages(request)
        if any(page.status != OK for page in pages):
            return None
        lists = [_decode(page, request, _ReferrerList) for page in pages]
        return tuple(descriptor for page in lists for descriptor in page.manifests or ())

    @override
    async def tags(self, repository: Repository) -> tuple[str, ...]:
        request = list_tags(repository)
        lists = [_decode(page, request, _TagList) for page in await self._pages(request) if page.status == OK]
        return tuple(tag for page in lists for tag in page.tags or ())

    @override
    async def preflight(self, repository: Repository) -> None:
        request = start_upload(repository)
        location = upload_location(await self._send(request), request)
        # If cancelling fails, an empty upload session stays behind, which registries expire by themselves.
        with suppress(RegistryError, TransientError):
            await self._connection(repository).send_once(cancel_upload(location, repository))

    async def _upload(self, blob: Reference, content: bytes, retries: int) -> None:
        connection = self._connection(blob.repository)
        request = _retried(start_upload(blob.repository), retries)
        location = upload_location(await connection.send_once(request), request)
        await connection.send_once(_retried(finish_upload(location, blob, content), retries))

    async def _pages(self, request: Request) -> list[Response]:
        pages: list[Response] = []
        seen: set[str] = set()
        following: Request | None = request
        while following:
            seen.add(following.url)
            pages.append(await self._send(following))
            following = next_page(pages[-1], following)
            if following and following.url in seen:  # an endless circle of pages
                raise unexpected_response(pages[-1], request)
        return pages

    async def _send(self, request: Request) -> Response:
        connection = self._connection(request.repository)
        return await retry(lambda retries: connection.send_once(_retried(request, retries)), self._clock)

    def _connection(self, repository: Repository) -> Connection:
        host = repository.host
        if host not in self._connections:
            connection = Connection(self._endpoints.get(host) or Endpoint(host=host), self._clock, self._timeout)
            self._exit.push_async_callback(connection.close)
            self._connections[host] = connection
        return self._connections[host]


def _digest(response: Response) -> str:
    """Return the digest that a response announces; empty if there is none, or one that cannot be compared."""
    digest = response.header("docker-content-digest")
    return digest if is_digest(digest) else ""


def _retried(request: Request, retries: int) -> Request:
    return msgspec.structs.replace(request, retries=retries)


def _decode(response: Response, request: Request, kind: type[DocumentType]) -> DocumentType:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise unexpected_response(response, request) from error
