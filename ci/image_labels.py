"""The labels of images, which are their annotations too; artifacts have some of the same.

As with `ci.registry_format`, a changed string makes what was written before unreadable.
"""

CACHE_KEY = "edu.ucsd.datahub.key"
"""The cache key."""

# The OCI image specification's own annotations, as far as they are used.
TITLE = "org.opencontainers.image.title"
DESCRIPTION = "org.opencontainers.image.description"
VERSION = "org.opencontainers.image.version"
REVISION = "org.opencontainers.image.revision"
CREATED = "org.opencontainers.image.created"
SOURCE = "org.opencontainers.image.source"
BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
