"""What changed according to git (`ci.planning.git_history`), and which images that concerns.

It only words reasons and lists changed images. Cache keys decide what is built: git knows what a commit changed, not
what the last good build was made from.
"""

import posixpath
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ci.dockerfile.dockerignore import IgnorePatterns
from ci.stack.image import Image
from ci.stack.image_files import SETTINGS
from ci.stack.model import Stack


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """The files that differ between the commit `base` and the head. Sorted; deleted files included."""

    base: str
    paths: tuple[str, ...]


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """Anything may have changed. `why` is a sentence."""

    why: str


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What git knows of the source tree."""

    commit: str | None
    """The full name of the head's commit."""
    dirty: bool
    """The work tree differs from the head's commit. Ignored files do not count."""
    changes: Changed | Unknown
    uncommitted: tuple[str, ...] = ()
    """How it differs: changed, deleted and untracked files, and submodules with changes. Sorted."""
    filters: tuple[str, ...] = ()
    """Filters in the repository's configuration that were not run, so that their files may count as changed."""


def read_names(output: bytes) -> frozenset[str]:
    """Return the paths that `git … -z` printed. Bytes that are not UTF-8 become surrogates, as in a Tree."""
    return frozenset(output.decode("utf-8", "surrogateescape").split("\0")) - {""}


def changed_images(stack: Stack, changes: Changed | Unknown) -> tuple[str, ...]:
    """Return the images whose own files changed: all of them if that is unknown, or if the change concerns all."""
    enabled = tuple(image.name for image in stack.images if image.enabled)
    if isinstance(changes, Unknown) or changed_stack_files(stack, changes):
        return enabled
    files = changed_files(stack, changes)
    return tuple(name for name in enabled if name in files)


def changed_stack_files(stack: Stack, changes: Changed) -> tuple[str, ...]:
    """Return the changed files that cause all images to be rebuilt."""
    rules = IgnorePatterns(stack.rebuild_all)
    return tuple(path for path in changes.paths if rules.match(path))


def changed_settings(changes: Changed) -> tuple[str, ...]:
    """Return the changed files of settings. What of them goes into an image is part of its cache key."""
    return tuple(path for path in changes.paths if posixpath.basename(path) == SETTINGS)


def changed_files(stack: Stack, changes: Changed) -> Mapping[str, tuple[str, ...]]:
    """Return the changed files that go into images, by image. Tests do not."""
    found = {image.name: tuple(_files_of(image, changes.paths)) for image in stack.images if image.enabled}
    return {name: paths for name, paths in found.items() if paths}


def _files_of(image: Image, paths: Sequence[str]) -> Iterator[str]:
    """Return which of the sorted paths concern an image.

    They are its Dockerfile, what says which files are ignored, and files of its context. A folder that the context is
    or is inside of is among the paths only as a submodule, or when it was a file or link.
    """
    context = "" if image.context == "." else image.context
    prefix = f"{context}/" if context else ""
    single = {image.dockerfile_path, f"{image.dockerfile_path}.dockerignore", f"{prefix}.dockerignore"}
    while context:
        single.add(context)
        context = posixpath.dirname(context)
    yield from (path for path in sorted(single) if _is_in(path, paths))
    begin = bisect_left(paths, prefix)
    if begin < len(paths) and paths[begin].startswith(prefix):
        rules = IgnorePatterns(image.ignore)
        for place in range(begin, len(paths)):
            path = paths[place]
            if not path.startswith(prefix):
                break
            if path not in single and not rules.match(path.removeprefix(prefix)):
                yield path


def _is_in(path: str, paths: Sequence[str]) -> bool:
    place = bisect_left(paths, path)
    return place < len(paths) and paths[place] == path
