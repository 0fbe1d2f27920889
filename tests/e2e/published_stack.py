"""What a tag points to in a registry, read from the registry alone: is it a whole stack, with all its layers in order?

A child must be built on just the parent that has the same tag: its annotation and its label `base.digest` are the
parent's digest, and its layers begin with the parent's.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from http.client import HTTPSConnection
from typing import Any, NamedTuple

from tests.integration.adapters.oci.debian import PASSWORD, USER

_BASE_DIGEST = "org.opencontainers.image.base.digest"
_TOMBSTONE = "application/vnd.datahub.withdrawn.v1+json"
_ACCEPT = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
_LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class TagState(NamedTuple):
    """The digests of a stack's images under one tag, None for none; `mixed` are sentences about what does not fit."""

    digests: Mapping[str, str | None]
    mixed: tuple[str, ...] = ()

    @property
    def is_absent(self) -> bool:
        return not any(self.digests.values())

    @property
    def is_whole(self) -> bool:
        return all(self.digests.values()) and not self.mixed

    def __str__(self) -> str:
        if self.is_whole or self.is_absent:
            return "whole" if self.is_whole else "absent"
        missing = [image for image, digest in self.digests.items() if not digest]
        return "; ".join([*([f"missing: {', '.join(missing)}"] if missing else []), *self.mixed])


class StackReader:
    """Reads a stack, `parents` by image, from repositories below `name`. `connect` leads to the registry itself."""

    def __init__(self, connect: Callable[[], HTTPSConnection], name: str, parents: Mapping[str, str]) -> None:
        self._connect = connect
        self._name = name
        self._parents = parents

    def read(self, tag: str) -> TagState:
        """Return what a tag points to."""
        images = {image: self._image(image, tag) for image in self._parents}
        found = {image: read for image, read in images.items() if read is not None}
        misfits = (
            _misfit(image, parent, found[image], found[parent])
            for image, parent in self._parents.items()
            if image in found and parent in found
        )
        digests = {image: read.digest if read else None for image, read in images.items()}
        return TagState(digests, tuple(filter(None, misfits)))

    def _image(self, image: str, tag: str) -> "_Image | None":
        found = self._get(f"{image}/manifests/{tag}")
        if found is None:
            return None
        digest, manifest = found
        if manifest.get("artifactType") == _TOMBSTONE:
            return None
        config = self._get(f"{image}/blobs/{manifest['config']['digest']}")
        assert config is not None, f"{image}:{tag} has no configuration"
        bases = (manifest.get("annotations", {}), config[1]["config"].get("Labels", {}))
        for layer in manifest["layers"]:
            assert self._head(f"{image}/blobs/{layer['digest']}"), f"{image}:{tag} lacks the layer {layer['digest']}"
        layers = tuple(config[1]["rootfs"]["diff_ids"])
        return _Image(digest, tuple(base.get(_BASE_DIGEST) for base in bases), layers)

    def _get(self, path: str) -> tuple[str, dict[str, Any]] | None:
        status, content = self._request("GET", path)
        return (f"sha256:{hashlib.sha256(content).hexdigest()}", json.loads(content)) if status == 200 else None

    def _head(self, path: str) -> bool:
        return self._request("HEAD", path)[0] == 200

    def _request(self, method: str, path: str) -> tuple[int, bytes]:
        connection = self._connect()
        try:
            headers = {"Accept": _ACCEPT, "Authorization": f"Basic {_LOGIN}"}
            connection.request(method, f"/v2/{self._name}/{path}", headers=headers)
            response = connection.getresponse()
            assert response.status in {200, 404}, (path, response.status, response.read())
            return response.status, response.read()
        finally:
            connection.close()


class _Image(NamedTuple):
    digest: str
    bases: tuple[str | None, ...]
    layers: tuple[str, ...]


def _misfit(image: str, parent: str, child: _Image, base: _Image) -> str:
    """Return what shows that an image was built on another parent; nothing does if it was not."""
    signs = []
    if set(child.bases) != {base.digest}:
        signs.append("base.digest")
    if child.layers[: len(base.layers)] != base.layers:
        signs.append("layers")
    return f"{image} was built on another {parent} ({', '.join(signs)})" if signs else ""
