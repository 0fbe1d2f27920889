"""What a fused text uses instead of what its Dockerfiles say: published images, exact digests, epochs, proxies."""

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from ci.dockerfile.arguments import EPOCH_ARGUMENT
from ci.dockerfile.lexer import quote
from ci.stack.image import Images

_EPOCH_LENGTH = 16


class Substitutions(msgspec.Struct, frozen=True, kw_only=True):
    """Without any, every image is built as its Dockerfile says."""

    published: Mapping[str, str] = {}
    """References, with a digest, to published images that replace images of the stack, by name."""
    digests: Mapping[str, str] = {}
    """Digests by foreign reference as written, so that a build uses the same base images as its plan."""
    epochs: Mapping[str, str] = {}
    """Any text by image: when it changes, every RUN of the image runs again. A remote ADD is always fetched."""

    proxies: Mapping[str, Mapping[str, str]] = {}
    """HTTP_PROXY and its like by image: every RUN of the image sees them, but nothing in the image depends on them."""

    def pinned(self, reference: str) -> str:
        """Return a foreign reference with its digest, if it is known."""
        digest = "" if "@" in reference else self.digests.get(reference, "")
        return f"{reference}@{digest}" if digest else reference

    def argument_line(self, image: str) -> str:
        """Return the ARG that stands below each FROM of an image, or the empty string.

        An epoch in it makes every RUN after it run again: the engine's cache key of a RUN includes every ARG before it,
        used or not: https://docs.docker.com/reference/dockerfile/#impact-on-build-caching
        """
        epoch = self.epochs.get(image, "")
        words: list[str] = []
        if epoch:
            # A hash needs no quotes, whatever the Dockerfile's escape character.
            words.append(f"{EPOCH_ARGUMENT}={hashlib.sha256(epoch.encode()).hexdigest()[:_EPOCH_LENGTH]}")
        proxies = _both_cases(self.proxies.get(image, {}))
        words.extend(f"{name}={quote(value)}" for name, value in proxies.items())
        return " ".join(("ARG", *words)) if words else ""


def substitutions_of(
    stack: Images,
    *,
    published: Mapping[str, str],
    bases: Iterable[Mapping[str, str | None]],
    epochs: Mapping[str, str],
) -> Substitutions:
    """Return what a plan substitutes. `bases` are the digests of each image's foreign bases, None if not known."""
    return Substitutions(
        published=published,
        digests={reference: digest for one in bases for reference, digest in one.items() if digest},
        epochs={name: epoch for name, epoch in epochs.items() if epoch},
        proxies=proxies_of(stack),
    )


def proxies_of(stack: Images) -> Mapping[str, Mapping[str, str]]:
    """Return the proxies of all images that have any."""
    return {image.name: image.proxies for image in stack.images if image.proxies}


def _both_cases(proxies: Mapping[str, str]) -> Mapping[str, str]:
    """Return variables in upper and lower case, as Docker sets both, whichever of them was given."""
    given = {name.lower(): value for name, value in proxies.items()}
    return {name: value for lower, value in given.items() for name in (lower.upper(), lower)}
