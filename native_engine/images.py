"""Container images in the OCI image format, and how they are written into a content store."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from native_engine import recipes

MEDIA = "application/vnd.oci.image"


class Blob(NamedTuple):
    """Digest and size of one blob of an image."""

    digest: str
    size: int

    def descriptor(self, media_type: str) -> dict[str, object]:
        """Return the descriptor of the blob in a manifest."""
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}


def blob_of(data: bytes) -> Blob:
    """Return the digest and size of bytes."""
    return Blob(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))


def blob_of_file(path: Path) -> Blob:
    """Return the digest and size of a file without reading all of it into memory."""
    with path.open("rb") as file:
        return Blob(f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}", path.stat().st_size)


def image_config(contents: Sequence[Blob], environment: Mapping[str, str], command: Sequence[str]) -> bytes:
    """Return the configuration of an image; CONTENTS are its uncompressed layers."""
    settings = {"Env": [f"{name}={value}" for name, value in environment.items()], "Cmd": list(command)}
    rootfs = {"type": "layers", "diff_ids": [layer.digest for layer in contents]}
    config = {"architecture": recipes.ARCHITECTURE, "os": "linux", "config": settings, "rootfs": rootfs}
    return json.dumps(config).encode()


def manifest(config: Blob, layers: Sequence[Blob], layer_format: str) -> bytes:
    """Return the manifest of an image; LAYER_FORMAT is "tar" or "tar+gzip"."""
    parts = {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}.manifest.v1+json",
        "config": config.descriptor(f"{MEDIA}.config.v1+json"),
        "layers": [layer.descriptor(f"{MEDIA}.layer.v1.{layer_format}") for layer in layers],
    }
    return json.dumps(parts).encode()


def store_image(layer_tars: Sequence[Path], store: Path) -> str:
    """Create the content store STORE with an image whose layers are hard links to LAYER_TARS; return its digest."""
    blobs = store / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> Blob:
        blob = blob_of(data)
        (blobs / blob.digest.removeprefix("sha256:")).write_bytes(data)
        return blob

    layers = [blob_of_file(path) for path in layer_tars]
    for path, layer in zip(layer_tars, layers, strict=True):
        (blobs / layer.digest.removeprefix("sha256:")).hardlink_to(path)
    return put(manifest(put(image_config(layers, {}, [])), layers, "tar")).digest
