"""What is taken out of an image before any of it is understood."""

from collections.abc import Mapping

import msgspec

from ci.contents.model import ImageConfig


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """The files that `databases.py` has patterns for, and what only the whole image can say.

    Paths have no leading slash; bytes that are not UTF-8 are surrogates in them.
    """

    files: Mapping[str, bytes]
    refused: Mapping[str, int]
    """Files that are too large to be read, with their bytes."""
    noticed: tuple[str, ...]
    """Databases of kinds that are not read."""
    config: ImageConfig
    platform: str
    """Such as linux/amd64."""
    size: int
    """Bytes of all files; one with several names counts once.

    Folders do not count: an empty one was seen with 405,504 bytes where it was built, and 4,096 where it was pulled.
    """
    entries: int
    """Files, folders and links."""
