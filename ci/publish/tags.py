"""The layout of a stack in a registry: a repository for each image, and the tags of builds in it."""

import msgspec

from ci.oci.reference import Reference, Repository
from ci.registry_format import CACHE_TAG_PREFIX, STAGING_TAG_PREFIX

_KEY_SHOWN = 16


class TagLayout(msgspec.Struct, frozen=True, kw_only=True):
    """The repositories below one registry, `docker.io/ucsdets`, one for each image.

    Raises RequestError for names that no registry accepts.
    """

    registry: str

    def repository(self, image: str) -> Repository:
        """Return the repository of an image."""
        return Repository.parse(f"{self.registry.rstrip('/')}/{image}")

    def cache_tag(self, image: str, key: str) -> Reference:
        """Return the tag of the image that was built for a cache key and passed its tests."""
        return self.repository(image).tagged(f"{CACHE_TAG_PREFIX}{key[:_KEY_SHOWN]}")

    def staging_tag(self, image: str, key: str) -> Reference:
        """Return the tag that an image is uploaded under while its tests run. It promises nothing."""
        return self.repository(image).tagged(f"{STAGING_TAG_PREFIX}{key}")
