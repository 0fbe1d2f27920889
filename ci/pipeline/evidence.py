"""What is known of an image's tests, attached to it: "tested" is known of a key, and of the suites as they were."""

import msgspec

from ci.pipeline.artifacts import Artifact, find_attached, read_as
from ci.pipeline.reference import Repository
from ci.pipeline.registry import Registry

TESTS_RECORD = "application/vnd.datahub.tests.v1+json"
_SUITES = "edu.ucsd.datahub.suites"


class TestsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All suites of an image passed. `suites` is the hash of suites, settings and tools; the numbers are of tests."""

    key: str
    suites: str
    passed: int
    skipped: int
    flaky: int
    started: str
    """RFC 3339, UTC: of the run."""


def tests_artifact(record: TestsRecord) -> Artifact:
    """Return the record as it is attached to an image."""
    content = msgspec.json.encode(record, order="deterministic")
    return Artifact(
        type=TESTS_RECORD, media_type="application/json", content=content, annotations={_SUITES: record.suites}
    )


async def find_tests(registry: Registry, repository: Repository, digest: str, suites: str) -> TestsRecord | None:
    """Return what shows that an image passed these suites, if there is such a record."""
    found = await find_attached(registry, repository, digest, TESTS_RECORD)
    for one in found:
        if one.annotations.get(_SUITES) == suites:
            return await read_as(registry, repository, digest, one, TestsRecord)
    return None
