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

_FOUND_OR_NOT = frozenset({OK, NOT_FOUND})
_WRITTEN = frozenset({OK, 201})
# Registries without the referrers API respond with any of these; one of them redirects to an address without a server.
_NO_REFERRERS = frozenset({301, 302, 303, 307, 308, 400, NOT_FOUND, 405, 501})
_PAGE_SIZE = 1000
_NEXT = re.compile(r'<(?P<url>[^>]*)>[^,]*;\s*rel="?next"?', re.IGNORECASE)


def read_manifest(method: str, reference: Reference) -> Request:
    """Get a manifest (GET) or its headers (HEAD)."""
    return Request(
        method=method,
        url=_path(reference.repository, "manifests", reference.target),
        resource=reference,
        expected=_FOUND_OR_NOT,
        # For a manifest of any type that is not listed here, registries respond 404.
        headers={"Accept": ", ".join(MANIFEST_TYPES)},
        follow_redirects=True,
    )


def write_manifest(reference: Reference, manifest: Manifest) -> Request:
    """Push a manifest to its tag, or by its digest if there is none."""
    return Request(
        method="PUT",
        url=_path(reference.repository, "manifests", reference.tag or reference.digest),
        resource=reference,
        expected=_WRITTEN,
        writes=True,
        headers={"Content-Type": manifest.media_type},
        content=manifest.content,
    )


def delete_manifest(reference: Reference) -> Request:
    """Delete a manifest. 404 is a success: an earlier attempt may have deleted it and lost the response."""
    return Request(
        method="DELETE",
        url=_path(reference.repository, "manifests", reference.target),
        resource=reference,
        expected=frozenset({OK, 202, 204, NOT_FOUND}),
        deletes=True,
    )


def find_blob(blob: Reference) -> Request:
    """Check whether a blob exists."""
    return Request(
        method="HEAD",
        url=_path(blob.repository, "blobs", blob.digest),
        resource=blob,
        expected=_FOUND_OR_NOT,
        follow_redirects=True,
    )


def read_blob(repository: Repository, descriptor: Descriptor) -> Request:
    """Get a blob. Many registries redirect to a separate blob store."""
    return Request(
        method="GET",
        url=_path(repository, "blobs", descriptor.digest),
        resource=repository.pinned(descriptor.digest),
        expected=_FOUND_OR_NOT,
        follow_redirects=True,
        max_bytes=min(descriptor.size, MOST_BLOB_BYTES),
    )


def start_upload(repository: Repository) -> Request:
    """Open an upload session for a blob."""
    return Request(
        method="POST",
        url=_path(repository, "blobs", "uploads/"),
        resource=repository,
        expected=frozenset({OK, 202}),
        writes=True,
    )


def finish_upload(location: str, blob: Reference, content: bytes) -> Request:
    """Upload a blob in one piece, which ends the session."""
    return Request(
        method="PUT",
        url=f"{location}{'&' if '?' in location else '?'}digest={blob.digest}",
        resource=blob,
        expected=_WRITTEN,
        writes=True,
        headers={"Content-Type": "application/octet-stream"},
        content=content,
    )


def cancel_upload(location: str, repository: Repository) -> Request:
    """End an upload session without a blob."""
    expected = frozenset({OK, 202, 204})
    return Request(method="DELETE", url=location, resource=repository, expected=expected, writes=True)


def list_referrers(subject: Reference) -> Request:
    """List the referrers of a digest."""
    url = _path(subject.repository, "referrers", subject.digest)
    return Request(method="GET", url=url, resource=subject, expected=_NO_REFERRERS | {OK})


def list_tags(repository: Repository) -> Request:
    """List the first page of tags."""
    url = f"{_path(repository, 'tags', 'list')}?n={_PAGE_SIZE}"
    return Request(method="GET", url=url, resource=repository, expected=_FOUND_OR_NOT)


def next_page(response: Response, request: Request) -> Request | None:
    """Return the request for the next page, None after the last."""
    match = _NEXT.search(response.header("link"))
    return msgspec.structs.replace(request, url=_join(response, match["url"], request)) if match else None


def upload_location(response: Response, request: Request) -> str:
    """Return the address of the upload session that was opened."""
    return _join(response, response.header("location"), request)


def _join(response: Response, url: str, request: Request) -> str:
    try:
        joined = response.url.join(url) if url else httpx.URL()
    except httpx.InvalidURL:
        joined = httpx.URL()
    if joined.scheme not in {"http", "https"} or not joined.host:
        raise unexpected_response(response, request)
    return str(joined)


def _path(repository: Repository, kind: str, name: str) -> str:
    return f"/v2/{repository.path}/{kind}/{name}"
