"""The requests of the OCI distribution protocol, as far as they are used."""

import re

import httpx
import msgspec

from ci.adapters.oci.errors import unexpected_response
from ci.adapters.oci.http import Request, Response
from ci.oci.reference import Reference, Repository
from ci.oci.registry import MANIFEST_TYPES, MOST_BLOB_BYTES, Descriptor, Manifest

OK = 200
NOT_FOUND = 404

_MAYBE = frozenset({OK, NOT_FOUND})
_WRITTEN = frozenset({OK, 201})
# Registries without a list of referrers answer with any of these; one of them redirects to where nobody answers.
_NO_REFERRERS = frozenset({301, 302, 303, 307, 308, 400, NOT_FOUND, 405, 501})
_PAGE = 1000
_NEXT = re.compile(r'<(?P<url>[^>]*)>[^,]*;\s*rel="?next"?', re.IGNORECASE)


def read_manifest(method: str, reference: Reference) -> Request:
    """Ask for a manifest, or (HEAD) what is known of it."""
    return Request(
        method=method,
        url=_path(reference.repository, "manifests", reference.target),
        about=reference,
        expects=_MAYBE,
        # Of what is not named here, registries say that it is not there.
        headers={"Accept": ", ".join(MANIFEST_TYPES)},
        follows=True,
    )


def write_manifest(reference: Reference, manifest: Manifest) -> Request:
    """Write a manifest under its tag, or its digest if it has none."""
    return Request(
        method="PUT",
        url=_path(reference.repository, "manifests", reference.tag or reference.digest),
        about=reference,
        expects=_WRITTEN,
        writes=True,
        headers={"Content-Type": manifest.media_type},
        content=manifest.content,
    )


def delete_manifest(reference: Reference) -> Request:
    """Delete a manifest. One that is gone is what was asked for, by a try before whose answer was lost."""
    return Request(
        method="DELETE",
        url=_path(reference.repository, "manifests", reference.target),
        about=reference,
        expects=frozenset({OK, 202, 204, NOT_FOUND}),
        deletes=True,
    )


def find_blob(name: Reference) -> Request:
    """Ask whether a blob is there."""
    return Request(
        method="HEAD", url=_path(name.repository, "blobs", name.digest), about=name, expects=_MAYBE, follows=True
    )


def read_blob(repository: Repository, descriptor: Descriptor) -> Request:
    """Ask for a blob. Registries send most of those who ask to a store elsewhere."""
    return Request(
        method="GET",
        url=_path(repository, "blobs", descriptor.digest),
        about=repository.pinned(descriptor.digest),
        expects=_MAYBE,
        follows=True,
        most=min(descriptor.size, MOST_BLOB_BYTES),
    )


def start_upload(repository: Repository) -> Request:
    """Ask for a place to upload a blob to."""
    return Request(
        method="POST",
        url=_path(repository, "blobs", "uploads/"),
        about=repository,
        expects=frozenset({OK, 202}),
        writes=True,
    )


def finish_upload(location: str, name: Reference, content: bytes) -> Request:
    """Upload a blob in one piece."""
    return Request(
        method="PUT",
        url=f"{location}{'&' if '?' in location else '?'}digest={name.digest}",
        about=name,
        expects=_WRITTEN,
        writes=True,
        headers={"Content-Type": "application/octet-stream"},
        content=content,
    )


def cancel_upload(location: str, repository: Repository) -> Request:
    """Give the place back."""
    return Request(method="DELETE", url=location, about=repository, expects=frozenset({OK, 202, 204}), writes=True)


def list_referrers(subject: Reference) -> Request:
    """Ask for what refers to a digest."""
    url = _path(subject.repository, "referrers", subject.digest)
    return Request(method="GET", url=url, about=subject, expects=_NO_REFERRERS | {OK})


def list_tags(repository: Repository) -> Request:
    """Ask for the first page of tags."""
    url = f"{_path(repository, 'tags', 'list')}?n={_PAGE}"
    return Request(method="GET", url=url, about=repository, expects=_MAYBE)


def next_page(answer: Response, question: Request) -> Request | None:
    """Return the question for what follows a page, None after the last."""
    match = _NEXT.search(answer.header("link"))
    return msgspec.structs.replace(question, url=_join(answer, match["url"], question)) if match else None


def upload_location(answer: Response, question: Request) -> str:
    """Return the place that an upload was given."""
    return _join(answer, answer.header("location"), question)


def _join(answer: Response, url: str, question: Request) -> str:
    try:
        joined = answer.url.join(url) if url else httpx.URL()
    except httpx.InvalidURL:
        joined = httpx.URL()
    if joined.scheme not in {"http", "https"} or not joined.host:
        raise unexpected_response(answer, question)
    return str(joined)


def _path(repository: Repository, kind: str, name: str) -> str:
    return f"/v2/{repository.path}/{kind}/{name}"
