"""The registry on localhost that answers for docker.io, so that `FROM debian:bookworm-slim` needs no other registry."""

import http.client
import urllib.request
from pathlib import Path
from typing import IO

from native_engine import recipes, versions
from native_engine.errors import EngineError
from native_engine.images import MEDIA, Blob, blob_of, blob_of_file, image_config, manifest
from native_engine.settings import Settings
from native_engine.steps import Workshop

ENVIRONMENT = {
    "PATH": recipes.SYSTEM_PATH,
    "SSL_CERT_FILE": recipes.CERTIFICATES,
    "PIP_CERT": recipes.CERTIFICATES,
    "REQUESTS_CA_BUNDLE": recipes.CERTIFICATES,
}
IMAGE_STEP = "base-image"
PATIENCE = 60.0  # seconds for one request


def mirror_config(settings: Settings) -> str:
    """Write the registry's configuration file."""
    return (
        "version: 0.1\n"
        "log: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {settings.prefix}/mirror}}, delete: {{enabled: true}}}}\n"
        f'http: {{addr: "127.0.0.1:{settings.mirror_port}", secret: native}}\n'
    )


def push_base_image(root: Path, settings: Settings, workshop: Workshop) -> None:
    """Push the folder ROOT as an image of one layer to the mirror."""
    repository, tag = versions.BASE_IMAGE
    plain = root.with_suffix(".tar")
    workshop.run(IMAGE_STEP, [*recipes.TAR, "-cf", plain, "-C", root, "."], env=ENVIRONMENT)
    contents = blob_of_file(plain)
    workshop.run(IMAGE_STEP, ["pigz", "-1", "-n", plain], env=ENVIRONMENT)
    packed = plain.with_suffix(".tar.gz")
    config = image_config([contents], ENVIRONMENT, ["bash"])
    layer = blob_of_file(packed)
    whole = manifest(blob_of(config), [layer], "tar+gzip")
    base = f"http://{settings.mirror}/v2/{repository}"
    try:
        _upload(base, layer, packed)
        _upload(base, blob_of(config), config)
        _send("PUT", f"{base}/manifests/{tag}", whole, f"{MEDIA}.manifest.v1+json")
    except (OSError, http.client.HTTPException) as error:
        log = settings.logs / "mirror.log"
        raise EngineError(
            f"step {IMAGE_STEP}: the mirror on {settings.mirror} took no image ({error}); see {log}."
        ) from error


def _upload(base: str, blob: Blob, content: bytes | Path) -> None:
    place: str = _send("POST", f"{base}/blobs/uploads/", b"", "application/octet-stream")["Location"]
    joined = "&" if "?" in place else "?"
    target = f"{place}{joined}digest={blob.digest}"
    if isinstance(content, bytes):
        _send("PUT", target, content, "application/octet-stream")
        return
    with content.open("rb") as file:
        _send("PUT", target, file, "application/octet-stream", blob.size)


def _send(
    method: str, url: str, body: bytes | IO[bytes], kind: str, size: int | None = None
) -> http.client.HTTPMessage:
    headers = {"Content-Type": kind} | ({} if size is None else {"Content-Length": str(size)})
    request = urllib.request.Request(url, data=body, method=method, headers=headers)  # noqa: S310 (our own localhost)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=PATIENCE) as answer:
        received: http.client.HTTPMessage = answer.headers
        return received
