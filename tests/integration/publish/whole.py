"""Whether what a registry has under a tag is one stack: read from labels and layers, not from our own attestations."""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from ci.image_labels import BASE_DIGEST
from tests.integration.adapters.oci.contents import Contents

PARENTS: Mapping[str, str] = {"ds": "base", "ml": "ds", "r": "base"}


def mixed(
    contents: Contents,
    digests: Mapping[str, str],
    parents: Mapping[str, str] = PARENTS,
    repository: Callable[[str], str] = "stack/{}".format,
) -> list[str]:
    """Return what is wrong with the stack that `digests` make up, by image; nothing if it is whole.

    `repository` returns the one of an image.
    """
    images = {name: _read(contents, repository(name), digest) for name, digest in digests.items()}
    return [problem for name, parent in parents.items() for problem in _problems(images, digests, name, parent)]


Image = tuple[Mapping[str, str], list[str]]


def _problems(images: Mapping[str, Image], digests: Mapping[str, str], name: str, parent: str) -> Iterator[str]:
    if name not in images or parent not in images:
        yield f"{name} or {parent} has no tag"
        return
    labels, layers = images[name]
    if labels.get(BASE_DIGEST) != digests[parent]:
        yield f"{name} is built on {parent} {labels.get(BASE_DIGEST)}, the tag points to {digests[parent]}"
    base = images[parent][1]
    if layers[: len(base)] != base:
        yield f"{name} does not have the layers of {parent}"


def _read(contents: Contents, repository: str, digest: str) -> Image:
    """Return the labels of an image and the digests of its layers' files."""
    manifest = contents.find(repository, digest)
    assert manifest is not None, f"{repository}@{digest} is gone"
    config_digest = msgspec.json.decode(manifest.content)["config"]["digest"]
    config = msgspec.json.decode(contents.blobs[repository][config_digest])
    return config["config"]["Labels"], config["rootfs"]["diff_ids"]
