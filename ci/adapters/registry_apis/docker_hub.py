"""Deletes from Docker Hub: tags through Hub's own API, manifests through its registry, once they have no tag.

Hub refuses to delete a manifest that has a tag. So what somebody tags in the same moment stays.
"""

from collections.abc import Collection
from typing import Self

import msgspec

from ci.adapters.registry_apis.http import ApiClient
from ci.clock import Clock
from ci.oci.reference import Reference
from ci.oci.registry import AccessError, InUseError, LoginError, Registry, put_verified

ADDRESS = "https://hub.docker.com"
_HELP = "the access token of --registry-password needs the permission to delete: Read, Write, Delete."


class _Token(msgspec.Struct):
    access_token: str


class DockerHub:
    """Deletes tags, and then manifests, to be opened. `registry` is Docker Hub's registry, logged in."""

    def __init__(
        self, registry: Registry, username: str, password: str, *, address: str = ADDRESS, clock: Clock | None = None
    ) -> None:
        self._registry = registry
        self._login = {"identifier": username, "secret": password}
        self._client = ApiClient(address, help_on_access=_HELP, clock=clock)
        self._token = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.__aexit__(None, None, None)

    async def delete(self, manifest: Reference, tags: Collection[str]) -> None:
        """Delete a manifest. See Remover."""
        await self._log_in()
        content = await self._registry.get(manifest)
        if content is None:
            return
        removed = [
            tag for tag in map(manifest.repository.tagged, tags) if await self._registry.head(tag) == manifest.digest
        ]
        for tag in removed:
            await self.untag(tag)
        try:
            await self._registry.delete(manifest)
        except AccessError as error:  # it has another tag
            for tag in removed:
                await put_verified(self._registry, tag, content)
            raise InUseError(f"{manifest} stays: it seems to have another tag by now. {error}") from error

    async def untag(self, tag: Reference) -> None:
        """Remove a tag. See Remover."""
        path = f"/v2/repositories/{tag.repository.path}/tags/{tag.tag}/"
        for attempt in range(2):
            token = await self._log_in()
            try:
                headers = {"Authorization": f"Bearer {token}"}
                await self._client.send("DELETE", path, action=f"removing {tag}", headers=headers)
            except LoginError:
                if attempt:
                    raise
                self._token = ""  # it lasts for some minutes
            else:
                return

    async def _log_in(self) -> str:
        if not self._token:
            action = f"logging in as {self._login['identifier']!r}"
            reply = await self._client.send("POST", "/v2/auth/token", action=action, headers={}, content=self._login)
            self._token = reply.decode(_Token, action).access_token
        return self._token
