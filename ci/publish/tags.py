"""The layout of a stack in a registry: where each image is, and its tags there. Nothing else knows of prefixes.

Most images have a repository of their own. Where several share one, their tags begin with a prefix of each image:
`cuda12-2026.4-stable`. The tag of a stack, as an operator gives it, has no such prefix: each image has it with its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from ci.errors import RequestError
from ci.oci.reference import Reference, Repository
from ci.registry_format import CACHE_TAG_PREFIX, REFERRERS_TAG_PREFIX, STAGING_TAG_PREFIX
from ci.stack.model import Stack

_KEY_SHOWN = 16
# In a repository that images share, nothing shows whose these are.
_OF_NO_IMAGE = (CACHE_TAG_PREFIX, STAGING_TAG_PREFIX, REFERRERS_TAG_PREFIX)


class Place(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Where the versions of one image are: a repository, and what its tags there begin with.

    As text, `docker.io/ucsdets/r-notebook`, or `docker.io/ucsdets/pytorch-notebook:cuda12-`. That is what it is called
    in the values of a promotion.
    """

    repository: Repository
    tag_prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read the text of a place."""
        parents, slash, last = text.rpartition("/")
        name, _, prefix = last.partition(":")
        return cls(repository=Repository.parse(f"{parents}{slash}{name}"), tag_prefix=prefix)

    def __str__(self) -> str:
        return place_text(str(self.repository), self.tag_prefix)

    def tagged(self, tag: str) -> Reference:
        """Return the reference that an image has under a tag of the stack."""
        return self.repository.tagged(f"{self.tag_prefix}{tag}")

    def pinned(self, digest: str) -> Reference:
        """Return the reference to the image with this digest."""
        return self.repository.pinned(digest)


def place_text(repository: str, tag_prefix: str) -> str:
    """Return the text of a place."""
    return f"{repository}:{tag_prefix}" if tag_prefix else repository


class RelativePlace(NamedTuple):
    """A place below a registry that is not known yet."""

    repository: str
    tag_prefix: str = ""


class TagLayout(msgspec.Struct, frozen=True, kw_only=True):
    """The places of a stack's images below one registry, `docker.io/ucsdets`.

    Raises RequestError for names that no registry accepts.
    """

    registry: str
    places: Mapping[str, RelativePlace] = {}
    """By image. Any other, such as one of an old record, is in the repository of its name, without a prefix."""

    @classmethod
    def of_stack(cls, registry: str, stack: Stack) -> "TagLayout":
        """Return the layout of a stack."""
        places = {image.name: RelativePlace(image.repository, image.tag_prefix) for image in stack.images}
        return cls(registry=registry, places=places)

    def place(self, image: str) -> Place:
        """Return where an image is."""
        name, prefix = self._relative(image)
        return Place(repository=Repository.parse(f"{self.registry.rstrip('/')}/{name}"), tag_prefix=prefix)

    def repository(self, image: str) -> Repository:
        """Return the repository of an image, which others may share."""
        return self.place(image).repository

    def tag(self, image: str, tag: str) -> Reference:
        """Return the reference that an image has under a tag of the stack."""
        return self.place(image).tagged(tag)

    def variants(self, images: Iterable[str], tag: str) -> Mapping[str, str]:
        """Return the references that images have under a tag of the stack, of those where it is not `IMAGE:tag`."""
        elsewhere = [image for image in images if self._relative(image) != RelativePlace(image)]
        return {image: str(self.tag(image, tag)) for image in elsewhere}

    def cache_tag(self, image: str, key: str) -> Reference:
        """Return the tag of the image that was built for a cache key and passed its tests."""
        return self.repository(image).tagged(f"{CACHE_TAG_PREFIX}{key[:_KEY_SHOWN]}")

    def staging_tag(self, image: str, key: str) -> Reference:
        """Return the tag that an image is uploaded under while its tests run. It promises nothing."""
        return self.repository(image).tagged(f"{STAGING_TAG_PREFIX}{key}")

    def has_tag(self, image: str, tags: Iterable[str]) -> bool:
        """Return whether any of the tags of its repository is one of an image, not of another that shares it."""
        repository, prefix = self._relative(image)
        others = [one.tag_prefix for one in self.places.values() if one.repository == repository]
        longer = tuple(other for other in others if other != prefix and other.startswith(prefix))
        foreign = (*longer, *_OF_NO_IMAGE) if prefix or longer else ()
        return any(tag.startswith(prefix) and not tag.startswith(foreign) for tag in tags)

    def check_stack_tags(self, tags: Iterable[str]) -> None:
        """Raise RequestError for tags of a stack that are, or with a prefix would be, those of a single image."""
        problems = tuple(dict.fromkeys(problem for tag in tags for problem in self._tag_problems(tag)))
        if problems:
            raise RequestError("\n".join(problems))

    def _tag_problems(self, tag: str) -> Iterator[str]:
        for image, (repository, prefix) in self.places.items():
            if prefix and tag.startswith(prefix):
                yield (
                    f"The tag {tag!r} begins with {prefix!r}, as the tags of {image} do. Give the tag of the whole "
                    f"stack, {tag.removeprefix(prefix)!r}: each image has it with its own prefix."
                )
                return
            for other, (shared, shorter) in self.places.items():
                longer_by = prefix.removeprefix(shorter) if shared == repository and prefix != shorter else ""
                if longer_by != prefix and longer_by and tag.startswith(longer_by):
                    yield (
                        f"The tag {tag!r} of {other} would be {repository}:{shorter}{tag}, which is the tag "
                        f"{tag.removeprefix(longer_by)!r} of {image}. Use another tag."
                    )
                    return

    def _relative(self, image: str) -> RelativePlace:
        return self.places.get(image, RelativePlace(image))
