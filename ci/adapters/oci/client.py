"""The Registry port over HTTP."""

from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

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
from ci.adapters.oci.retry import Clock, TransientError, retry
from ci.oci.reference import Reference, Repository, is_digest
from ci.oci.registry import MANIFEST_TYPES, Descriptor, IntegrityError, Manifest, RegistryError, digest_of

DocumentType = TypeVar("DocumentType", bound=msgspec.Struct)


class _TagList(msgspec.Struct):
    tags: tuple[str, ...] | None = None


class _ReferrerList(msgspec.Struct):
    manifests: tuple[Descriptor, ...] | None = None


class HttpRegistry:
    """All registries, while it is open; those that take more than their name to be reached are given as `accesses`."""

    def __init__(self, *accesses: Endpoint, clock: Clock | None = None, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._accesses = {access.host: access for access in accesses}
        self._clock = clock or Clock()
        self._timeout = timeout
        self._connections: dict[str, Connection] = {}
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def head(self, reference: Reference) -> str | None:
        """Return the digest of a manifest, None if there is none."""
        answer = await self._ask(read_manifest("HEAD", reference))
        if answer.status == NOT_FOUND:
            return None
        if digest := _digest(answer):
            return digest
        manifest = await self.get(reference)
        return manifest.digest if manifest else None

    async def get(self, reference: Reference) -> Manifest | None:
        """Return a manifest, its bytes proved by its digest, or None if there is none."""
        question = read_manifest("GET", reference)
        answer = await self._ask(question)
        if answer.status == NOT_FOUND and answer.media_type != "text/html":
            return None
        if answer.media_type not in MANIFEST_TYPES:
            raise unexpected_response(answer, question)
        manifest = Manifest(content=answer.content, media_type=answer.media_type)
        for promised in (reference.digest, _digest(answer)):
            if promised and promised != manifest.digest:
                raise IntegrityError(
                    f"{reference} should be {promised}, and the registry sends {manifest.digest}: it is damaged there "
                    "or on the way. Run this again; if that does not help, push the image again."
                )
        return manifest

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        """Write a manifest under its tag, or its digest if it has none; return the digest."""
        answer = await self._ask(write_manifest(reference, manifest))
        written = _digest(answer) or manifest.digest
        if written != manifest.digest:
            raise IntegrityError(
                f"{reference} was sent as {manifest.digest}, and the registry wrote {written}: something on the way "
                "changes what it is given. Use another registry, or find what stands before it."
            )
        return manifest.digest

    async def delete(self, reference: Reference) -> None:
        """Delete the manifest with a digest, and with it every tag that names it; no error if there is none."""
        await self._ask(delete_manifest(reference))

    async def has_blob(self, repository: Repository, digest: str) -> bool:
        """LogLine whether a repository holds a blob."""
        answer = await self._ask(find_blob(repository.pinned(digest)))
        return answer.status == OK

    async def get_blob(self, repository: Repository, descriptor: Descriptor) -> bytes | None:
        """Return a small blob, proved by its digest, or None if there is none."""
        question = read_blob(repository, descriptor)
        answer = await self._ask(question)
        if answer.status == NOT_FOUND:
            return None
        if digest_of(answer.content) != descriptor.digest:
            raise IntegrityError(
                f"What the registry sends for {question.about} has another digest: it is damaged there or on the way. "
                "Run this again."
            )
        return answer.content

    async def put_blob(self, repository: Repository, content: bytes) -> str:
        """Upload a small blob unless it is there; return its digest."""
        name = repository.pinned(digest_of(content))
        if not await self.has_blob(repository, name.digest):
            # An upload that broke off cannot be gone on with, so both of its halves are tried again together.
            await retry(lambda: self._upload(name, content), self._clock)
        return name.digest

    async def referrers(self, subject: Reference) -> tuple[Descriptor, ...] | None:
        """Return what refers to a digest, or None if the registry keeps no such list."""
        question = list_referrers(subject)
        pages = await self._pages(question)
        if any(page.status != OK for page in pages):
            return None
        lists = [_decode(page, question, _ReferrerList) for page in pages]
        return tuple(descriptor for page in lists for descriptor in page.manifests or ())

    async def tags(self, repository: Repository) -> tuple[str, ...]:
        """Return all tags, in the registry's order; none if there is no such repository."""
        question = list_tags(repository)
        lists = [_decode(page, question, _TagList) for page in await self._pages(question) if page.status == OK]
        return tuple(tag for page in lists for tag in page.tags or ())

    async def preflight(self, repository: Repository) -> None:
        """Prove that a repository can be written to, without leaving anything there."""
        question = start_upload(repository)
        location = upload_location(await self._ask(question), question)
        # What cannot be given back is a place with nothing in it, which registries clear away by themselves.
        with suppress(RegistryError, TransientError):
            await self._connection(repository).ask_once(cancel_upload(location, repository))

    async def _upload(self, name: Reference, content: bytes) -> None:
        connection = self._connection(name.repository)
        question = start_upload(name.repository)
        location = upload_location(await connection.ask_once(question), question)
        await connection.ask_once(finish_upload(location, name, content))

    async def _pages(self, question: Request) -> list[Response]:
        pages: list[Response] = []
        asked: set[str] = set()
        following: Request | None = question
        while following:
            asked.add(following.url)
            pages.append(await self._ask(following))
            following = next_page(pages[-1], following)
            if following and following.url in asked:  # in circles
                raise unexpected_response(pages[-1], question)
        return pages

    async def _ask(self, question: Request) -> Response:
        connection = self._connection(question.repository)
        return await retry(lambda: connection.ask_once(question), self._clock)

    def _connection(self, repository: Repository) -> Connection:
        host = repository.host
        if host not in self._connections:
            connection = Connection(self._accesses.get(host) or Endpoint(host=host), self._clock, self._timeout)
            self._exit.push_async_callback(connection.close)
            self._connections[host] = connection
        return self._connections[host]


def _digest(answer: Response) -> str:
    """Return the digest that an answer promises, empty if it promises none that can be compared."""
    digest = answer.header("docker-content-digest")
    return digest if is_digest(digest) else ""


def _decode(answer: Response, question: Request, kind: type[DocumentType]) -> DocumentType:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise unexpected_response(answer, question) from error
