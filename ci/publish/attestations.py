"""The run record: what a run published, and from what, written down where the images are.

Later steps read it from the registry: what was published last, which images belong together, what their tests said.
"""

from collections.abc import Mapping

import msgspec

from ci.oci.reference import Repository
from ci.oci.referrers import Artifact, list_referrers, marker_annotations, push_marker, read_as
from ci.oci.registry import Manifest, ProtocolError, Registry
from ci.planning.cache_key import ImageKey
from ci.planning.decisions import Action
from ci.publish.tags import TagLayout
from ci.results import RunReport
from ci.stack.model import Stack

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
    found = await list_referrers(registry, repository, digest, RUN_RECORD)
    named = [one for one in found if one.annotations.get(TAG_ANNOTATION) == tag]
    records = [await read_as(registry, repository, digest, one, RunRecord) for one in named]
    return tuple(sorted(records, key=lambda record: record.started, reverse=True))


TESTS_RECORD = "application/vnd.datahub.tests.v1+json"
_SUITES = "edu.ucsd.datahub.suites"


class TestAttestation(msgspec.Struct, frozen=True, kw_only=True):
    """All suites of an image passed. `suites` is the hash of suites, settings and tools; the numbers are of tests."""

    key: str
    suites: str
    passed: int
    skipped: int
    flaky: int
    started: str
    """RFC 3339, UTC: of the run."""


def test_attestation_artifact(record: TestAttestation) -> Artifact:
    """Return the record as it is attached to an image."""
    content = msgspec.json.encode(record, order="deterministic")
    return Artifact(
        type=TESTS_RECORD, media_type="application/json", content=content, annotations={_SUITES: record.suites}
    )


async def find_test_attestation(
    registry: Registry, repository: Repository, digest: str, suites: str
) -> TestAttestation | None:
    """Return what shows that an image passed these suites, if there is such a record."""
    found = await list_referrers(registry, repository, digest, TESTS_RECORD)
    for one in found:
        if one.annotations.get(_SUITES) == suites:
            return await read_as(registry, repository, digest, one, TestAttestation)
    return None


class _Layer(msgspec.Struct):
    size: int


class _Layers(msgspec.Struct):
    layers: tuple[_Layer, ...] = ()


def compressed_size(manifest: Manifest) -> int:
    """Return the bytes of an image's layers as they lie in the registry; 0 for what is no single image."""
    try:
        return sum(layer.size for layer in msgspec.json.decode(manifest.content, type=_Layers).layers)
    except msgspec.MsgspecError:
        return 0


def make_record(  # noqa: PLR0913 (it is where all of it comes together)
    report: RunReport,
    stack: Stack,
    keys: Mapping[str, ImageKey],
    *,
    attestations: Mapping[str, TestAttestation],
    sizes: Mapping[str, int],
    tags: TagLayout,
    tag: str,
) -> RunRecord:
    """Write down a run of which every image passed, with what its tests said in this run or before."""
    reports, plans = report.by_name, {image.name: image for image in report.plan.images}
    images = [
        RecordedImage(
            name=name,
            repository=str(tags.repository(name)),
            digest=reports[name].digest or "",
            key=keys[name].key or "",
            action=plans[name].action,
            reason=plans[name].reason,
            size=sizes[name],
            seconds=reports[name].seconds,
            tests=RecordedTests(
                suites=attestations[name].suites,
                passed=attestations[name].passed,
                skipped=attestations[name].skipped,
                flaky=attestations[name].flaky,
            ),
            epoch=keys[name].epoch,
            build_args=stack.by_name[name].build_args,
            bases={reference: digest for reference, digest in keys[name].bases.items() if digest},
        )
        for name in report.plan.enabled
    ]
    return RunRecord(
        tag=tag, commit=report.commit or "", started=report.started, seconds=report.seconds, images=tuple(images)
    )


_TAG = "epoch"
_TYPE = "application/vnd.datahub.epoch.v1"
_EPOCH = "edu.ucsd.datahub.epoch"


async def read_refresh_marker(registry: Registry, repository: Repository) -> str:
    """Return the epoch of an image, empty if it was never refreshed."""
    manifest = await registry.get(repository.tagged(_TAG))
    if manifest is None:
        return ""
    epoch = (marker_annotations(manifest, _TYPE) or {}).get(_EPOCH)
    if epoch is None:
        raise ProtocolError(
            f"{repository.tagged(_TAG)} is not the note of an epoch that it should be: something else wrote this tag. "
            "Remove it, or run with --refresh, which writes it anew."
        )
    return epoch


async def write_refresh_marker(registry: Registry, repository: Repository, epoch: str) -> None:
    """Remember the epoch of an image."""
    await push_marker(registry, repository.tagged(_TAG), _TYPE, {_EPOCH: epoch})
