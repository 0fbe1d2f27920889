"""The `.git` of the source tree is part of no build context: each commit would rebuild the image."""

import posixpath
from collections.abc import Iterator

from ci.dockerfile.dockerignore import IgnorePatterns
from ci.dockerfile.mounts import mounts
from ci.dockerfile.parser import Instruction
from ci.stack.image import Image
from ci.stack.suite_exclusions import copied_paths

_GIT = ".git"


def lacks_git_folder(image: Image) -> bool:
    """Return whether Docker would put the source tree's `.git` into the build context of an image."""
    return image.enabled and image.context == "." and not IgnorePatterns(image.ignore).match(_GIT)


def git_folder_problems(image: Image) -> Iterator[str]:
    """Return a sentence for each instruction that uses the source tree's `.git`."""
    if image.context != ".":
        return
    for instruction in image.dockerfile.instructions:
        for path in (*copied_paths(instruction), *_mounted_paths(instruction)):
            if f"{path}/".startswith(f"{_GIT}/"):
                yield (
                    f"{instruction.location}: {instruction.keyword} {path}: the .git of the source tree is part of no "
                    "build context, since each commit would rebuild the image. Put what is needed of it in a file, or "
                    "in build-args of stack.toml."
                )


def _mounted_paths(instruction: Instruction) -> Iterator[str]:
    if instruction.keyword == "RUN":
        for mount in mounts(instruction):
            if mount.kind == "bind" and not mount.origin and mount.source:
                yield posixpath.normpath(f"/{mount.source}").lstrip("/")
