"""Container images of one layer, as the OCI image format describes them: values, and their way into a content store."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engine import recipes

MEDIA = "application/vnd.oci.image"


class Blob(NamedTuple):
    """A piece of an image, known by its digest."""

    digest: str
    size: int

    def descriptor(self, media_type: str) -> dict[str, object]:
        """Describe the blob as manifests do."""
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}


def blob_of(data: bytes) -> Blob:
    """Describe bytes."""
    return Blob(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))


def blob_of_file(path: Path) -> Blob:
    """Describe a file without holding it in memory."""
    with path.open("rb") as file:
        return Blob(f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}", path.stat().st_size)


def image_config(layer_contents: Blob, environment: Mapping[str, str], command: Sequence[str]) -> bytes:
    """Write the configuration of an image whose one layer unpacks to LAYER_CONTENTS."""
    settings = {"Env": [f"{name}={value}" for name, value in environment.items()], "Cmd": list(command)}
    rootfs = {"type": "layers", "diff_ids": [layer_contents.digest]}
    config = {"architecture": recipes.ARCHITECTURE, "os": "linux", "config": settings, "rootfs": rootfs}
    return json.dumps(config).encode()


def manifest(config: Blob, layer: Blob, layer_format: str) -> bytes:
    """Write the manifest; LAYER_FORMAT is "tar" or "tar+gzip"."""
    parts = {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}.manifest.v1+json",
        "config": config.descriptor(f"{MEDIA}.config.v1+json"),
        "layers": [layer.descriptor(f"{MEDIA}.layer.v1.{layer_format}")],
    }
    return json.dumps(parts).encode()


def store_image(layer_tar: Path, store: Path) -> str:
    """Move a tar file into the content store STORE as an image of one plain layer; return the manifest's digest."""
    blobs = store / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> Blob:
        blob = blob_of(data)
        (blobs / blob.digest.removeprefix("sha256:")).write_bytes(data)
        return blob

    layer = blob_of_file(layer_tar)
    layer_tar.rename(blobs / layer.digest.removeprefix("sha256:"))
    return put(manifest(put(image_config(layer, {}, [])), layer, "tar")).digest
