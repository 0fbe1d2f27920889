"""Whether what a registry has under a tag is one stack: read from labels and layers, not from our own attestations."""

from collections.abc import Iterator, Mapping

import msgspec

from ci.registry_format import BASE_DIGEST
from tests.integration.adapters.oci.contents import Contents

PARENTS: Mapping[str, str] = {"ds": "base", "ml": "ds", "r": "base"}


def mixed(contents: Contents, digests: Mapping[str, str], parents: Mapping[str, str] = PARENTS) -> list[str]:
    """Return what is wrong with the stack that `digests` make up, by image; nothing if it is whole."""
    return [problem for name, parent in parents.items() for problem in _problems(contents, digests, name, parent)]


def _problems(contents: Contents, digests: Mapping[str, str], name: str, parent: str) -> Iterator[str]:
    if name not in digests or parent not in digests:
        yield f"{name} or {parent} has no tag"
        return
    labels, layers = _read(contents, name, digests[name])
    if labels.get(BASE_DIGEST) != digests[parent]:
        yield f"{name} is built on {parent} {labels.get(BASE_DIGEST)}, the tag points to {digests[parent]}"
    _, base = _read(contents, parent, digests[parent])
    if layers[: len(base)] != base:
        yield f"{name} does not have the layers of {parent}"


def _read(contents: Contents, name: str, digest: str) -> tuple[Mapping[str, str], list[str]]:
    manifest = contents.find(f"stack/{name}", digest)
    assert manifest is not None, f"{name} {digest} is gone"
    config = msgspec.json.decode(
        contents.blobs[f"stack/{name}"][msgspec.json.decode(manifest.content)["config"]["digest"]]
    )
    return config["config"]["Labels"], config["rootfs"]["diff_ids"]
