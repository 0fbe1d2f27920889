"""What a fused text uses instead of what its Dockerfiles say: published images, exact digests, epochs."""

import hashlib
from collections.abc import Mapping

import msgspec

from ci.stack.reserved_names import EPOCH_ARGUMENT

_EPOCH_LENGTH = 16


class Substitutions(msgspec.Struct, frozen=True, kw_only=True):
    """Without any, every image is built as its Dockerfile says."""

    published: Mapping[str, str] = {}
    """References, with a digest, to published images that replace images of the stack, by name."""
    digests: Mapping[str, str] = {}
    """Digests by foreign reference as written, so that a build uses the same base images as its plan."""
    epochs: Mapping[str, str] = {}
    """Any text by image: when it changes, every RUN of the image runs again. A remote ADD is always fetched."""

    def pinned(self, reference: str) -> str:
        """Return a foreign reference with its digest, if it is known."""
        digest = "" if "@" in reference else self.digests.get(reference, "")
        return f"{reference}@{digest}" if digest else reference

    def epoch_line(self, image: str) -> str:
        """Return the instruction that makes every RUN after it run again, or the empty string.

        The engine's cache key of a RUN includes every ARG before it, used or not:
        https://docs.docker.com/reference/dockerfile/#impact-on-build-caching
        """
        epoch = self.epochs.get(image, "")
        # A hash needs no quotes, whatever the Dockerfile's escape character.
        return f"ARG {EPOCH_ARGUMENT}={hashlib.sha256(epoch.encode()).hexdigest()[:_EPOCH_LENGTH]}" if epoch else ""
