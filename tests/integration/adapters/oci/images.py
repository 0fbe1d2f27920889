"""Images stored in our own registry server directly, without requests."""

from ci.oci.reference import Repository
from ci.oci.registry import Manifest, digest_of
from tests.integration.adapters.oci.contents import image_manifest
from tests.integration.adapters.oci.server import RegistryServer

PATH = "stack/base"
CONFIG = b'{"os":"linux"}'


def repository(server: RegistryServer, path: str = PATH) -> Repository:
    return Repository(host=server.host, path=path)


def stored(server: RegistryServer, tag: str, *, layer: bytes = b"layer", path: str = PATH) -> Manifest:
    """Store an image under a tag."""
    server.contents.blobs[path] |= {digest_of(blob): blob for blob in (CONFIG, layer)}
    manifest = image_manifest(CONFIG, layer)
    server.contents.write(path, tag, manifest)
    return manifest
