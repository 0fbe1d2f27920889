"""What a text draws on in place of what its Dockerfiles say: published images, exact digests, epochs."""

import hashlib
from collections.abc import Mapping

import msgspec

_EPOCH_SHOWN = 16


class Substitutions(msgspec.Struct, frozen=True, kw_only=True):
    """With nothing in it, everything is built as its Dockerfile says."""

    published: Mapping[str, str] = {}
    """References, by digest, to what stands in for images of the stack that are not built."""
    digests: Mapping[str, str] = {}
    """Digests of foreign references, as written. What was looked at when it was decided is then what is built on."""
    epochs: Mapping[str, str] = {}
    """Texts by image: with another one, every RUN of the image is done anew. A remote ADD asks the network anyway."""

    def pinned(self, reference: str) -> str:
        """Return a foreign reference with its digest, if there is one for it."""
        digest = "" if "@" in reference else self.digests.get(reference, "")
        return f"{reference}@{digest}" if digest else reference

    def epoch_line(self, image: str) -> str:
        """Return the instruction that has every RUN below it done anew, or nothing.

        An ARG is part of what the engine knows a RUN by, used or not:
        https://docs.docker.com/reference/dockerfile/#impact-on-build-caching
        """
        epoch = self.epochs.get(image, "")
        # A hash of it needs no quotes, whatever the Dockerfile's escape character is.
        return f"ARG DATAHUB_EPOCH={hashlib.sha256(epoch.encode()).hexdigest()[:_EPOCH_SHOWN]}" if epoch else ""
