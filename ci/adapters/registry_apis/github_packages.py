"""Deletes from GitHub's registry, ghcr.io, which has no deletion of its own: through GitHub's API of packages.

Each manifest is a version of a package there, with an id, and its tags. A deleted version can be restored for 30 days.
"""

from collections.abc import AsyncIterator, Collection
from typing import Self
from urllib.parse import quote

import msgspec

from ci.adapters.registry_apis.http import ApiClient, Reply
from ci.clock import Clock
from ci.oci.reference import Reference, Repository, is_digest
from ci.oci.registry import InUseError, Registry
from ci.oci.tombstone import write_tombstone

HOST = "ghcr.io"
ADDRESS = "https://api.github.com"
_PAGE = 100
_HELP = (
    "the token needs the scopes read:packages and delete:packages, or, in a workflow, `packages: write` and the role "
    "Admin of its repository in the settings of each package."
)


class _Owner(msgspec.Struct, frozen=True):
    type: str = ""


class _Container(msgspec.Struct, frozen=True):
    tags: tuple[str, ...] = ()


class _Metadata(msgspec.Struct, frozen=True):
    container: _Container = _Container()


class _Version(msgspec.Struct, frozen=True):
    id: int
    name: str
    """The digest."""
    metadata: _Metadata = _Metadata()


class GithubPackages:
    """Deletes versions by their ids, to be opened. `registry` writes the tombstones of single tags."""

    def __init__(self, registry: Registry, token: str, *, address: str = ADDRESS, clock: Clock | None = None) -> None:
        self._registry = registry
        self._client = ApiClient(address, help_on_access=_HELP, clock=clock)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._ids: dict[Reference, int] = {}
        self._owners: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.__aexit__(None, None, None)

    async def delete(self, manifest: Reference, tags: Collection[str]) -> None:
        """Delete a manifest. See Remover."""
        found = await self._find(manifest)
        if found is None:
            return
        address = f"{await self._versions(manifest.repository)}/{found}"
        reply = await self._send("GET", address, f"reading {manifest}")
        if not reply.is_found:
            return
        version = reply.decode(_Version, f"reading {manifest}")
        others = [tag for tag in version.metadata.container.tags if tag not in tags]
        if others:
            raise InUseError(f"{manifest} has the tag {', '.join(others)} by now, and stays.")
        await self._send("DELETE", address, f"deleting {manifest}")

    async def untag(self, tag: Reference) -> None:
        """Remove a tag. See Remover."""
        await write_tombstone(self._registry, tag)
        digest = await self._registry.head(tag)
        if digest is not None:
            await self.delete(tag.repository.pinned(digest), (tag.tag,))

    async def _find(self, manifest: Reference) -> int | None:
        """Return the id of a version; None if there is none."""
        if manifest not in self._ids:
            async for version in self._pages(manifest.repository):
                found = _pinned(manifest.repository, version)
                if found is not None:
                    self._ids[found] = version.id
                if found == manifest:
                    break
        return self._ids.get(manifest)

    async def _pages(self, repository: Repository) -> AsyncIterator[_Version]:
        """Yield all versions, the newest first."""
        address, action, page = await self._versions(repository), f"listing the versions of {repository}", 1
        while True:
            reply = await self._send("GET", f"{address}?per_page={_PAGE}&page={page}", action)
            versions = reply.decode(tuple[_Version, ...], action) if reply.is_found else ()
            for version in versions:
                yield version
            if len(versions) < _PAGE:
                return
            page += 1

    async def _versions(self, repository: Repository) -> str:
        """Return the path of the versions of a repository."""
        owner, _, name = repository.path.partition("/")
        if owner not in self._owners:
            action = f"reading who owns {repository}"
            reply = await self._send("GET", f"/users/{owner}", action)
            is_organization = reply.is_found and reply.decode(_Owner, action).type == "Organization"
            self._owners[owner] = f"/{'orgs' if is_organization else 'users'}/{owner}"
        return f"{self._owners[owner]}/packages/container/{quote(name, safe='')}/versions"

    async def _send(self, method: str, path: str, action: str) -> Reply:
        return await self._client.send(method, path, action=action, headers=self._headers)


def _pinned(repository: Repository, version: _Version) -> Reference | None:
    """Return the reference to a version; None if its name is not a digest."""
    return repository.pinned(version.name) if is_digest(version.name) else None
