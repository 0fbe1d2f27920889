"""The registry on localhost that mirrors docker.io, so that `FROM debian:bookworm-slim` needs no other registry."""

import http.client
import urllib.request
from pathlib import Path
from typing import IO

from native_engine import recipes, versions
from native_engine.errors import EngineError
from native_engine.images import MEDIA, Blob, blob_of, blob_of_file, image_config, manifest
from native_engine.settings import Settings
from native_engine.steps import BuildDir

ENVIRONMENT = {
    "PATH": recipes.SYSTEM_PATH,
    "SSL_CERT_FILE": recipes.CERTIFICATES,
    "PIP_CERT": recipes.CERTIFICATES,
    "REQUESTS_CA_BUNDLE": recipes.CERTIFICATES,
}
IMAGE_STEP = "base-image"
REQUEST_TIMEOUT = 60.0  # seconds


def mirror_config(settings: Settings) -> str:
    """Return the text of the registry's configuration file."""
    return (
        "version: 0.1\n"
        "log: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {settings.prefix}/mirror}}, delete: {{enabled: true}}}}\n"
        f'http: {{addr: "127.0.0.1:{settings.mirror_port}", secret: native}}\n'
    )


def push_base_image(root: Path, settings: Settings, build_dir: BuildDir) -> None:
    """Push the folder ROOT to the mirror as an image with one layer."""
    repository, tag = versions.BASE_IMAGE
    plain = root.with_suffix(".tar")
    build_dir.run(IMAGE_STEP, [*recipes.TAR, "-cf", plain, "-C", root, "."], env=ENVIRONMENT)
    contents = blob_of_file(plain)
    build_dir.run(IMAGE_STEP, ["pigz", "-1", "-n", plain], env=ENVIRONMENT)
    packed = plain.with_suffix(".tar.gz")
    config = image_config([contents], ENVIRONMENT, ["bash"])
    layer = blob_of_file(packed)
    image_manifest = manifest(blob_of(config), [layer], "tar+gzip")
    base = f"http://{settings.mirror}/v2/{repository}"
    try:
        _upload(base, layer, packed)
        _upload(base, blob_of(config), config)
        _send("PUT", f"{base}/manifests/{tag}", image_manifest, f"{MEDIA}.manifest.v1+json")
    except (OSError, http.client.HTTPException) as error:
        log_file = settings.logs / "mirror.log"
        raise EngineError(
            f"step {IMAGE_STEP}: cannot push to the mirror {settings.mirror} ({error}); see {log_file}."
        ) from error


def _upload(base: str, blob: Blob, content: bytes | Path) -> None:
    location: str = _send("POST", f"{base}/blobs/uploads/", b"", "application/octet-stream")["Location"]
    separator = "&" if "?" in location else "?"
    target = f"{location}{separator}digest={blob.digest}"
    if isinstance(content, bytes):
        _send("PUT", target, content, "application/octet-stream")
        return
    with content.open("rb") as file:
        _send("PUT", target, file, "application/octet-stream", blob.size)


def _send(
    method: str, url: str, body: bytes | IO[bytes], content_type: str, size: int | None = None
) -> http.client.HTTPMessage:
    headers = {"Content-Type": content_type} | ({} if size is None else {"Content-Length": str(size)})
    request = urllib.request.Request(url, data=body, method=method, headers=headers)  # noqa: S310 (our own localhost)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # localhost is not behind the proxy
    with opener.open(request, timeout=REQUEST_TIMEOUT) as response:
        response_headers: http.client.HTTPMessage = response.headers
        return response_headers
