"""Which image of the stack a reference in a Dockerfile means, and which references may mean one and do not.

The last part of the repository decides, whatever registry stands before it. Where several images of the stack are
variants of one, the tag decides, then the variant of the image that refers to it, then there is the plain image.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from ci.dockerfile.stages import ImageNames
from ci.oci.reference import repository_name, split_reference

# Tags that say when an image was published, not which variant it is.
_ANY_VARIANT = re.compile(r"latest|stable|.+-stable|\d{4}[.-]\d\d[.-]\d\d|[a-z0-9._]+-[0-9a-f]{6,40}", re.IGNORECASE)
_SHOWN = 6
_NO_OWNER = ("", "library", "docker.io/library")


class ImageName(msgspec.Struct, frozen=True, kw_only=True):
    """What an image is called in Dockerfiles."""

    name: str
    repository: str
    tag: str = ""
    """What tells it apart from the others in its repository."""
    family: str = ""
    """The repository without the labels, if these are part of it: what a FROM may also call it."""
    labels: frozenset[str] = frozenset()
    """Its variant; empty for a plain image."""


class ImageReferences(ImageNames):
    """Resolves references. `external` are names, or whole references, that mean no image of the stack."""

    def __init__(self, images: Iterable[ImageName], external: Iterable[str] = ()) -> None:
        self._images = {image.name: image for image in images}
        self._external = frozenset(external)
        self._by_repository: dict[str, list[ImageName]] = defaultdict(list)
        for image in self._images.values():
            for repository in dict.fromkeys((image.repository, image.family or image.repository)):
                self._by_repository[repository].append(image)

    def find(self, reference: str, image: str) -> str | None:
        """Return the image of the stack that a reference in the Dockerfile of `image` means; None for any other."""
        last, tag = repository_name(reference), split_reference(reference)[1]
        found = self._candidates(reference, image)
        own = self._images[image].labels if image in self._images else frozenset()
        chosen = (
            (_by_tag(found, tag) if tag else None)
            or next((one for one in found if one.labels and one.repository == last and not one.tag), None)
            or (_by_labels(found, own) if _says_no_variant(found, tag) else None)
            or next((one for one in found if not one.labels and not one.tag), None)
        )
        return chosen.name if chosen else None

    def doubt(self, reference: str, image: str) -> tuple[str, bool]:
        """Return why a reference that means no image of the stack may mean one, empty if not; and if it is an error."""
        last, tag = repository_name(reference), split_reference(reference)[1]
        found = self._candidates(reference, image)
        if not found:
            return "", False
        listed = ", ".join(f"{last}:{one.tag}" if one.tag else one.repository for one in found[:_SHOWN])
        more = f" +{len(found) - _SHOWN}" if found[_SHOWN:] else ""
        is_error = _says_no_variant(found, tag)
        does = f"no variant of {last} fits {image}" if is_error else f"the stack has {last}, but with other tags"
        return (
            f"{does}: {listed}{more}. Write one of these; or, for an image from elsewhere, stack.external = "
            f'["{reference}"].'
        ), is_error

    def ends_with_name(self, repository: str, image: str) -> bool:
        """Return whether a longer name ends with that of another image of the stack, as `onyxia-base` with `base`."""
        ends = (repository[place + 1 :] for place, char in enumerate(repository) if char in "-_")
        return any(one in self._by_repository and one != image for one in ends)

    def owners(self, references: Iterable[str]) -> frozenset[str]:
        """Return what stands before the names of images, in references that mean images of the stack."""
        return frozenset(split_reference(one)[0].rpartition("/")[0] for one in references) - frozenset(_NO_OWNER)

    def is_external(self, reference: str) -> bool:
        """Return whether a reference is declared to mean no image of the stack."""
        return reference in self._external or split_reference(reference)[0] in self._external

    def _candidates(self, reference: str, image: str) -> Sequence[ImageName]:
        if self.is_external(reference):
            return ()
        return [one for one in self._by_repository.get(repository_name(reference), ()) if one.name != image]


def _says_no_variant(found: Sequence[ImageName], tag: str | None) -> bool:
    return tag is None or _ANY_VARIANT.fullmatch(tag) is not None or not any(one.tag for one in found)


def _by_tag(found: Sequence[ImageName], tag: str) -> ImageName | None:
    ranked = sorted(((rank, one) for one in found if (rank := rank_tag(one.tag, tag))), key=lambda pair: pair[0])
    return ranked[-1][1] if ranked else None


def rank_tag(own: str, wanted: str) -> tuple[int, int] | None:
    """Return how well the tag of an image fits a wanted one, as a rank; None if it does not fit.

    `3.13-node` fits `3.13.15-node`, and `cuda12` fits `cuda12-2026.4-stable`: a version may have further parts, and
    what follows may say when an image was published.
    """
    parts, wanted_parts = own.split("-") if own else [], wanted.split("-")
    rest = "-".join(wanted_parts[len(parts) :])
    fits = [one == other or _is_version_of(one, other) for one, other in zip(parts, wanted_parts, strict=False)]
    if not parts or len(parts) > len(wanted_parts) or not all(fits) or (rest and not _ANY_VARIANT.fullmatch(rest)):
        return None
    return len(parts), sum(one == other for one, other in zip(parts, wanted_parts, strict=False))


def _is_version_of(version: str, longer: str) -> bool:
    return version[-1:].isdigit() and longer.startswith(f"{version}.")


def _by_labels(found: Sequence[ImageName], own: frozenset[str]) -> ImageName | None:
    fitting = [one for one in found if one.labels and one.labels <= own]
    most = max((len(one.labels) for one in fitting), default=0)
    best = [one for one in fitting if len(one.labels) == most]
    return best[0] if len(best) == 1 else None
