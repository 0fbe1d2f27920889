"""The run record: what a run published, and from what, written down where the images are.

Later steps read it from the registry: what was published last, which images belong together, what their tests said.
"""

from collections.abc import Mapping

import msgspec

from ci.pipeline.artifacts import Artifact, find_attached, read_as
from ci.pipeline.reference import Repository
from ci.pipeline.registry import Registry
from ci.planning.reasons import Action

RUN_RECORD = "application/vnd.datahub.run.v1+json"
TAG_ANNOTATION = "edu.ucsd.datahub.tag"
_CREATED = "org.opencontainers.image.created"
_REVISION = "org.opencontainers.image.revision"


class RecordedTests(msgspec.Struct, frozen=True, kw_only=True):
    """How many tests of an image's suites ended how, and the hash of suites, settings and tools that they were."""

    suites: str
    passed: int
    skipped: int
    flaky: int


class RecordedImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image of the stack. `size` is the bytes of its compressed layers, `seconds` how long its stages took."""

    name: str
    repository: str
    """As in references, without a tag: `docker.io/ucsdets/datascience-notebook`."""
    digest: str
    key: str
    action: Action
    reason: str
    size: int
    seconds: float
    tests: RecordedTests
    epoch: str
    build_args: Mapping[str, str]
    bases: Mapping[str, str]
    """The digests of its foreign bases by reference."""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A whole stack that passed. `images` are all that were enabled, the needed before those that need them."""

    tag: str
    """What names the stack: `2026.4-a1239ab`."""
    commit: str
    started: str
    """RFC 3339, UTC."""
    seconds: float
    images: tuple[RecordedImage, ...]

    @property
    def by_name(self) -> Mapping[str, RecordedImage]:
        """The images by name."""
        return {image.name: image for image in self.images}


def run_artifact(record: RunRecord) -> Artifact:
    """Return the record as it is attached to each of its images. The same record always has the same bytes."""
    return Artifact(
        type=RUN_RECORD,
        media_type="application/json",
        content=msgspec.json.encode(record, order="deterministic"),
        annotations={TAG_ANNOTATION: record.tag, _CREATED: record.started, _REVISION: record.commit},
    )


async def find_run_records(registry: Registry, repository: Repository, digest: str, tag: str) -> tuple[RunRecord, ...]:
    """Return the records attached to an image of runs that published it under a tag, the newest first."""
    found = await find_attached(registry, repository, digest, RUN_RECORD)
    named = [one for one in found if one.annotations.get(TAG_ANNOTATION) == tag]
    records = [await read_as(registry, repository, digest, one, RunRecord) for one in named]
    return tuple(sorted(records, key=lambda record: record.started, reverse=True))
