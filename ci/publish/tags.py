"""Where the images of a stack lie in a registry, and what their tags mean there."""

import re

import msgspec

from ci.errors import RequestError
from ci.oci.reference import Reference, Repository

_VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]*")
_KEY_SHOWN = 16
_COMMIT_SHOWN = 7


class TagLayout(msgspec.Struct, frozen=True, kw_only=True):
    """The repositories below one registry, `docker.io/ucsdets`, one for each image.

    `k-<first 16 of key>` names an image that was built from this key and passed, `s-<key>` one that promises nothing:
    it is uploaded while its tests run. RequestError where no registry could have these names.
    """

    registry: str

    def repository(self, image: str) -> Repository:
        """Return where an image lies."""
        return Repository.parse(f"{self.registry.rstrip('/')}/{image}")

    def cache_tag(self, image: str, key: str) -> Reference:
        """Return the name of the image that was built from a key and passed."""
        return self.repository(image).tagged(f"k-{key[:_KEY_SHOWN]}")

    def staging_tag(self, image: str, key: str) -> Reference:
        """Return the name under which an image is uploaded before it has passed."""
        return self.repository(image).tagged(f"s-{key}")


def stack_tag(version: str, commit: str) -> str:
    """Return the tag of a whole stack: `2026.4-a1239ab`. RequestError for a version that cannot be part of one."""
    if not _VERSION.fullmatch(version):
        raise RequestError(
            f"stack.toml has {version!r} as stack.version: images are published as VERSION-COMMIT, so it needs one "
            "like '2026.4' (letters, digits, points and underscores)."
        )
    return f"{version}-{commit[:_COMMIT_SHOWN]}"


_TESTED = re.compile(r"(?P<quarter>[0-9]{4}\.[0-9]{1,2})-[0-9a-f]{6,40}")
_SUFFIX = "-stable"


def stable_tag(tag: str) -> str:
    """Return `2026.4-stable` for `2026.4-a1239ab`. Raises RequestError for what is no tag of a published stack."""
    match = _TESTED.fullmatch(tag)
    if match is None:
        raise RequestError(
            f"{tag!r} does not name a stack that could become stable: that takes YEAR.QUARTER-COMMIT, the commit with "
            "6 to 40 hexadecimal digits in small letters. For example 2023.2-a1239a becomes 2023.2-stable."
        )
    return f"{match['quarter']}{_SUFFIX}"
