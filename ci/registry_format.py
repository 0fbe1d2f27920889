"""What this project writes into registries: the one table of its tags, artifact types and annotations.

The labels of images are in `ci.image_labels`.

Images that were published years ago carry these strings. A changed one makes what was written before unreadable, so
each needs a migration, not an edit.
"""

# Tags in the repository of each image. Where images share a repository, each has a prefix before the tags of the stack,
# of histories and of refreshes: `cuda12-2026.4-stable`, `cuda12-epoch`.
CACHE_TAG_PREFIX = "k-"
"""`k-<first 16 of the cache key>`: an image that passed its tests."""
STAGING_TAG_PREFIX = "s-"
"""`s-<cache key>`: an image that was uploaded and promises nothing yet."""
REFERRERS_TAG_PREFIX = "sha256-"
"""`sha256-<digest>`: what is attached to an image, by the OCI distribution spec, in registries without such a list."""
STABLE_SUFFIX = "-stable"
"""`<version>-stable`: the promoted stack of a version."""
HISTORY_SUFFIX = ".history"
"""`<stable tag>.history`: an OCI index of the promotion records of a stable tag."""
STACKS_SUFFIX = ".stacks"
"""`<version>.stacks`: an OCI index of the run records of the stacks that were published, the newest 50."""
REFRESH_MARKER_TAG = "epoch"
"""A marker that says for which refresh the image was last built."""
BEGUN_REFRESH_TAG = "epoch.begun"
"""In the repository of the stack's first image: which refresh was begun last, and whether it finished."""

# Artifact types: attestations, which are JSON attached to an image as its referrers (`ci.oci.attestation`).
TEST_ATTESTATION = "application/vnd.datahub.tests.v1+json"
"""All suites of this image passed."""
RUN_RECORD = "application/vnd.datahub.run.v1+json"
"""The run that published this image, and the whole stack with it."""
GPU_VERDICT = "application/vnd.datahub.gpu-verdict.v1+json"
"""How the tests of this image ended on a real GPU."""
PROMOTION_RECORD = "application/vnd.datahub.promotion.v1+json"
"""Which tags a promotion or a rollback was about to change, and on which approval."""
CONTENTS = "application/vnd.datahub.contents.v1+json"
"""What is in this image: packages, kernels, versions, configuration, layers."""
CYCLONEDX = "application/vnd.cyclonedx+json"
"""The same as a bill of materials. Not our name: scanners look for it as artifact type and media type of the layer."""

# Artifact types: what is under a tag of its own.
PROMOTION_HISTORY = "application/vnd.datahub.promotion-history.v1+json"
"""The index under `<stable tag>.history`."""
PUBLISHED_STACKS = "application/vnd.datahub.stacks.v1+json"
"""The index under `<version>.stacks`."""
REFRESH_MARKER = "application/vnd.datahub.epoch.v1"
"""The manifest under `epoch`."""
BEGUN_REFRESH = "application/vnd.datahub.refresh.v1"
"""The manifest under `epoch.begun`."""
TOMBSTONE = "application/vnd.datahub.withdrawn.v1+json"
"""A tag that was removed, in a registry that cannot delete tags."""

# Annotations of this project, on artifacts and markers.
SUITES = "edu.ucsd.datahub.suites"
"""On a test attestation: the hash of suites, settings and tools."""
STACK_TAG = "edu.ucsd.datahub.tag"
"""On a run record: the tag of the stack, `2026.4-a1239ab`."""
GPU_OUTCOME = "edu.ucsd.datahub.gpu-outcome"
"""On a GPU verdict."""
PROMOTION_ID = "edu.ucsd.datahub.promotion"
"""On a promotion record: the digest of its JSON, its id."""
SUBJECT = "edu.ucsd.datahub.subject"
"""On an entry of a list of records: the digest of the image that the record is attached to."""
EPOCH = "edu.ucsd.datahub.epoch"
"""On a refresh marker: the value of --epoch."""
FINISHED = "edu.ucsd.datahub.finished"
"""On the marker of a refresh that was begun: `true` once the stack has its tag."""
NONCE = "edu.ucsd.datahub.nonce"
"""On a tombstone: random, so that no other tag has the same manifest."""

# Properties of components of a bill of materials.
ECOSYSTEM_PROPERTY = "edu.ucsd.datahub:ecosystem"
"""What installed it; two of ours may have one type of package URL."""
LOCATION_PROPERTY = "edu.ucsd.datahub:location"
"""The environment or library that it is in."""
