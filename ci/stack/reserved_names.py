"""The words of this project that share a name space with the users' names, and that a user therefore cannot use.

Where a word can give way to a user's name, it is not reserved: see `common_suites`, and `--rebuild all`.
"""

from collections.abc import Iterable, Iterator, Mapping

from ci.dockerfile.arguments import EPOCH_ARGUMENT, pairs
from ci.dockerfile.parser import Dockerfile
from ci.errors import RequestError
from ci.registry_format import (
    CACHE_TAG_PREFIX,
    HISTORY_SUFFIX,
    REFERRERS_TAG_PREFIX,
    REFRESH_MARKER_TAG,
    STACKS_SUFFIX,
    STAGING_TAG_PREFIX,
)
from ci.stack.stack_tag import MAX_VERSION
from ci.stack.suites import COMMON_TESTS

_IMAGES = {
    "scratch": "FROM scratch means the empty image",
    COMMON_TESTS: "this folder has the suites of all images",
}
_TAGS = {
    CACHE_TAG_PREFIX: "images by their cache key",
    STAGING_TAG_PREFIX: "images whose tests are running",
    REFERRERS_TAG_PREFIX: "what is attached to an image",
}
# What `ci.adapters.dagger_engine.tester` sets for a suite and its server. Runs with an equal SUITE share one server.
_VARIABLES = ("SUITE", "IMAGE_NAME", "IMAGE_SIZE_BUDGET", "IMAGE_URL", "PYTHONPATH")


def image_name_problem(name: str) -> str:
    """Return why an image cannot have a name, as a sentence; empty if it can."""
    return f"an image cannot be called {name!r}: {_IMAGES[name]}. Rename it." if name in _IMAGES else ""


def version_problems(version: str) -> Iterator[str]:
    """Return a sentence if the tags VERSION-COMMIT of a version would look like other tags."""
    meaning = _TAGS.get(f"{version}-")
    if meaning:
        yield (
            f"stack.version: {version!r} is reserved: tags that begin with '{version}-' are {meaning}. Use another "
            "version, for example '2026.4'."
        )


def prefix_problems(prefixes: Mapping[str, str], version: str) -> Iterator[str]:
    """Return a sentence for each image whose tags, with their prefix, would look like other tags, or be too long."""
    for image, prefix in prefixes.items():
        meaning = next((what for reserved, what in _TAGS.items() if prefix.startswith(reserved)), "")
        if meaning:
            yield f"{image}: its tags cannot begin with {prefix!r}: such tags are {meaning}. Rename the variant."
        elif prefix and version and f"{version}-".startswith(prefix):
            yield (
                f"{image}: its tags begin with {prefix!r}, and so do those of stack.version {version!r}: they would be "
                "mistaken for each other. Rename the variant, or use another version."
            )
        elif version and len(prefix) + len(version) > MAX_VERSION:
            yield (
                f"{image}: its tags would be too long: {prefix!r} and stack.version {version!r} have more than "
                f"{MAX_VERSION} characters together. Shorten one of them."
            )


def variable_problems(variables: Iterable[str]) -> Iterator[str]:
    """Return a sentence for each variable of servers that suites set themselves."""
    for name in variables:
        if name in _VARIABLES:
            yield (
                f"tests.server-environment.{name}: this variable is reserved: a run of a suite sets it. Rename it, or "
                "set it in the Dockerfile."
            )


def dockerfile_problems(dockerfile: Dockerfile) -> Iterator[str]:
    """Return a sentence for each ARG or ENV that would hide the cache epoch."""
    for instruction in dockerfile.instructions:
        names: Iterable[str] = ()
        if instruction.keyword == "ARG":
            names = (name for name, _ in pairs(instruction))
        elif instruction.keyword == "ENV":
            names = instruction.words[::2]
        if EPOCH_ARGUMENT in names:
            yield (
                f"{instruction.location}: {EPOCH_ARGUMENT} is reserved: it is what makes --refresh run every RUN "
                "again. Rename it."
            )


def check_tags(tags: Iterable[str]) -> None:
    """Raise RequestError for tags that an operator wants to write, and that mean something else here."""
    reserved = {tag: meaning for tag in tags if (meaning := _meaning(tag))}
    if reserved:
        raise RequestError("\n".join(f"The tag {tag!r} is reserved: {meaning}." for tag, meaning in reserved.items()))


def _meaning(tag: str) -> str:
    if tag == REFRESH_MARKER_TAG:
        return "it is the refresh marker of an image"
    if tag.endswith(HISTORY_SUFFIX):
        return f"tags that end with {HISTORY_SUFFIX!r} are histories of stable tags"
    if tag.endswith(STACKS_SUFFIX):
        return f"tags that end with {STACKS_SUFFIX!r} are lists of published stacks"
    return next(
        (f"tags that begin with {prefix!r} are {what}" for prefix, what in _TAGS.items() if tag.startswith(prefix)), ""
    )
