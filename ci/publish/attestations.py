"""What is attached to published images: that their tests passed, and the record of the run that published them.

Later runs and promotions read it from the registry: what was published last, which images belong together, and how
their tests ended.
"""

from collections.abc import Mapping

import msgspec

from ci.image_labels import CREATED, REVISION
from ci.oci.attestation import AttestationType
from ci.oci.reference import Reference, Repository
from ci.oci.registry import Registry
from ci.planning.cache_key import ImageKey
from ci.planning.decisions import Action
from ci.publish.tags import Place, TagLayout
from ci.registry_format import RUN_RECORD, STACK_TAG, SUITES, TEST_ATTESTATION
from ci.results import RunReport
from ci.stack.model import Stack


class TestAttestation(msgspec.Struct, frozen=True, kw_only=True):
    """All suites of an image passed. `suites` is the hash of suites, settings and tools; the numbers are of tests."""

    key: str
    suites: str
    passed: int
    skipped: int
    flaky: int
    started: str
    """RFC 3339, UTC: of the run."""
    needs: Mapping[str, str] = {}
    """The digests of the stack's images that this one was built from or copies from, by name. A cache key says what
    went into them, not which build of them it was. Empty too in attestations from before this field."""
    ran: tuple[str, ...] | None = None
    """The suites that passed, `origin/kind`. None in attestations from before they were listed."""


class RecordedTests(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a test attestation that a run record repeats.

    The attestation cannot hold or extend this: its JSON has a field before these and one behind them, and the bytes of
    attestations in registries must stay as they are.
    """

    suites: str
    passed: int
    skipped: int
    flaky: int
    ran: tuple[str, ...] | None = None
    """The suites that passed: none if the image has none. None if the attestation does not list them."""


class RecordedImage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One image of the stack. `size` is the bytes of its compressed layers, `seconds` how long its stages took.

    `test_seconds` and `upload_seconds` are left out where none were spent, as in records from before these fields.
    """

    name: str
    repository: str
    """As in references, without a tag: `docker.io/ucsdets/datascience-notebook`."""
    tag_prefix: str = ""
    """What its tags there begin with. Left out where there is none, as in records from before this field."""
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
    image_code: str = ""
    """A digest of the code that built it. Left out in records from before this field, and so is the next."""
    engine: str = ""
    """The version of the Dagger engine."""
    accepted_growth: str = ""
    """Why it may be over its budget. Left out where it is not."""
    test_seconds: float = 0.0
    """Of all its suites together."""
    upload_seconds: float = 0.0

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(repository=Repository.parse(self.repository), tag_prefix=self.tag_prefix)

    @property
    def reference(self) -> Reference:
        """The image in its repository, by digest."""
        return self.place.pinned(self.digest)


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A whole stack that passed. `images` are all that were enabled, each after those it depends on."""

    tag: str
    """Of the stack: `2026.4-a1239ab`."""
    commit: str
    started: str
    """RFC 3339, UTC."""
    seconds: float
    images: tuple[RecordedImage, ...]

    @property
    def by_name(self) -> Mapping[str, RecordedImage]:
        """The images by name."""
        return {image.name: image for image in self.images}


TEST_ATTESTATIONS = AttestationType(
    artifact_type=TEST_ATTESTATION,
    document=TestAttestation,
    annotations=lambda attestation: {SUITES: attestation.suites},
)
RUN_RECORDS = AttestationType(
    artifact_type=RUN_RECORD,
    document=RunRecord,
    annotations=lambda record: {STACK_TAG: record.tag, CREATED: record.started, REVISION: record.commit},
)


async def find_test_attestation(
    registry: Registry, repository: Repository, digest: str, suites: str, key: str
) -> TestAttestation | None:
    """Return an attestation that an image passed these suites, if there is one.

    Two images of one repository may have one digest. The attestation of the image with this cache key is preferred.
    """
    return await TEST_ATTESTATIONS.find_any(
        registry, repository, digest, {SUITES: suites}, prefer=lambda found: found.key == key
    )


async def find_needs(registry: Registry, repository: Repository, digest: str, key: str) -> Mapping[str, str]:
    """Return the digests of the images that an image was built from, whichever suites it passed; empty if unknown."""
    attestation = await TEST_ATTESTATIONS.find_any(
        registry, repository, digest, {}, prefer=lambda found: found.key == key
    )
    return attestation.needs if attestation else {}


async def find_run_records(registry: Registry, repository: Repository, digest: str, tag: str) -> tuple[RunRecord, ...]:
    """Return the records of the runs that published an image under a stack tag, the newest first."""
    records = await RUN_RECORDS.find(registry, repository, digest, {STACK_TAG: tag})
    return tuple(sorted(records, key=lambda record: record.started, reverse=True))


def make_record(  # noqa: PLR0913 (a record is made of all of these)
    report: RunReport,
    stack: Stack,
    keys: Mapping[str, ImageKey],
    *,
    attestations: Mapping[str, TestAttestation],
    sizes: Mapping[str, int],
    tags: TagLayout,
    tag: str,
) -> RunRecord:
    """Return the record of a run in which every image passed, with its attestations of this run or an earlier one."""
    accepted = {verdict.image: verdict.accepted for verdict in report.budgets}
    reports, plans = report.by_name, {image.name: image for image in report.plan.images}
    images = [
        RecordedImage(
            name=name,
            repository=str(tags.repository(name)),
            tag_prefix=tags.place(name).tag_prefix,
            digest=reports[name].digest or "",
            key=keys[name].key or "",
            action=plans[name].action,
            reason=plans[name].reason,
            size=sizes[name],
            seconds=reports[name].seconds,
            tests=msgspec.convert(attestations[name], RecordedTests, from_attributes=True),
            epoch=keys[name].epoch,
            build_args=stack.by_name[name].build_args,
            image_code=keys[name].pipeline.image_code,
            engine=keys[name].pipeline.engine,
            accepted_growth=accepted.get(name, ""),
            bases={reference: digest for reference, digest in keys[name].bases.items() if digest},
            test_seconds=sum((suite.seconds for suite in reports[name].suites), 0.0),
            upload_seconds=reports[name].upload_seconds or 0.0,
        )
        for name in report.plan.enabled
    ]
    return RunRecord(
        tag=tag, commit=report.commit or "", started=report.started, seconds=report.seconds, images=tuple(images)
    )
