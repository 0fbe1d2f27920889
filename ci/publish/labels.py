"""The labels of images that are published. They are part of an image, and of no cache key as values: most say of a run.

So this module counts as code that may alter images (`ci.adapters.pipeline_code`).
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ci.fusion.fused import Fused, layering
from ci.image_labels import BASE_DIGEST, BASE_NAME, CACHE_KEY, CREATED, REVISION, SOURCE, TITLE, VERSION


class ReleaseMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the labels of all images of a run say: the stack's tag, the commit, the time (RFC 3339, UTC), the sources.

    `epoch` is set if everything is fetched again; it is then written as each image's refresh marker. With `is_refresh`
    it was chosen by us, and is resumed if the run is interrupted.
    """

    tag: str
    commit: str
    created: str
    source: str = ""
    epoch: str = ""
    is_refresh: bool = False


class BaseImage(NamedTuple):
    """What an image is built on: a reference and a digest, empty if there is none."""

    name: str = ""
    digest: str = ""


def foreign_base(fused: Fused, digests: Mapping[str, str | None]) -> BaseImage:
    """Return the foreign base of an image without a parent. `digests` are those of its foreign bases by reference."""
    base = layering(fused).base.partition("@")[0]
    digest = digests.get(base)
    return BaseImage(base, digest) if digest else BaseImage()


def image_labels(name: str, key: str, base: BaseImage, metadata: ReleaseMetadata) -> Mapping[str, str]:
    """Return the labels of an image, including those that replace labels of its parent."""
    written = {
        TITLE: name,
        VERSION: metadata.tag,
        REVISION: metadata.commit,
        CREATED: metadata.created,
        SOURCE: metadata.source,
        BASE_NAME: base.name,
        BASE_DIGEST: base.digest,
        CACHE_KEY: key,
    }
    return {label: value for label, value in written.items() if value}
