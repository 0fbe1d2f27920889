import msgspec
import pytest

from ci.gpu_gate.verdict import (
    GPU_VERDICTS,
    GpuAttempt,
    GpuOutcome,
    GpuTests,
    GpuVerdict,
    find_gpu_verdicts,
)
from ci.oci.reference import Repository
from ci.oci.referrers import push_referrer
from ci.oci.registry import OCI_MANIFEST, Descriptor, IntegrityError, ProtocolError, digest_of
from tests.integration.adapters.oci.memory import MemoryRegistry

pytestmark = pytest.mark.anyio

REPOSITORY = Repository.parse("docker.io/ucsdets/scipy-ml-notebook")
IMAGE = b'{"schemaVersion":2}'
SUBJECT = Descriptor(media_type=OCI_MANIFEST, digest=digest_of(IMAGE), size=len(IMAGE))


def verdict(outcome: GpuOutcome, *, started: str = "2026-11-25T08:00:00Z", digest: str = SUBJECT.digest) -> GpuVerdict:
    return GpuVerdict(
        image="scipy-ml-notebook",
        reference=str(REPOSITORY.pinned(digest)),
        outcome=outcome,
        why="All 12 tests passed on 1 GPU.",
        tests=GpuTests(passed=11, failed=1, failures=("test_torch::test_cuda",)),
        gpus=("GPU 0: NVIDIA A30 (UUID: GPU-1)",),
        host="dsmlp-login.ucsd.edu",
        pod="gate-1",
        started=started,
        seconds=312.5,
        attempts=(
            GpuAttempt(
                pod="gate-0", outcome=GpuOutcome.NO_CAPACITY, why="No GPU was free.", started=started, seconds=1.5
            ),
            GpuAttempt(pod="gate-1", outcome=outcome, why="", started=started, seconds=311.0),
        ),
        undeleted=("gate-0",),
    )


def test_json_keeps_everything() -> None:
    one = verdict(GpuOutcome.TESTS_FAILED)
    assert msgspec.json.decode(msgspec.json.encode(one), type=GpuVerdict) == one
    assert one.digest == SUBJECT.digest


@pytest.mark.parametrize("outcome", GpuOutcome)
def test_only_one_outcome_is_a_pass(outcome: GpuOutcome) -> None:
    assert verdict(outcome).passed == (outcome == "passed")


async def test_verdicts_of_a_digest_are_found_the_newest_first() -> None:
    registry = MemoryRegistry()
    old = verdict(GpuOutcome.TESTS_FAILED, started="2026-11-24T08:00:00Z")
    new = verdict(GpuOutcome.PASSED)
    for one in (new, old, new):
        await push_referrer(registry, REPOSITORY, SUBJECT, GPU_VERDICTS.artifact(one))
    assert await find_gpu_verdicts(registry, REPOSITORY, SUBJECT.digest) == (new, old)
    assert await find_gpu_verdicts(registry, REPOSITORY, digest_of(b"another image")) == ()


async def test_verdicts_that_a_clean_up_deleted_are_none() -> None:
    registry = MemoryRegistry()
    kept, gone = verdict(GpuOutcome.PASSED), verdict(GpuOutcome.TESTS_FAILED)
    for one in (gone, kept):
        referrer = await push_referrer(registry, REPOSITORY, SUBJECT, GPU_VERDICTS.artifact(one))
        if one is gone:
            del registry.contents.manifests[str(REPOSITORY)][referrer.digest]
    assert await find_gpu_verdicts(registry, REPOSITORY, SUBJECT.digest) == (kept,)
    assert await GPU_VERDICTS.find_any(registry, REPOSITORY, SUBJECT.digest, {}) == kept
    registry.contents.collect_garbage()
    assert await find_gpu_verdicts(registry, REPOSITORY, SUBJECT.digest) == ()
    assert await GPU_VERDICTS.find_any(registry, REPOSITORY, SUBJECT.digest, {}) is None


async def test_a_verdict_on_another_digest_is_refused() -> None:
    registry = MemoryRegistry()
    stranger = verdict(GpuOutcome.PASSED, digest=digest_of(b"another image"))
    await push_referrer(registry, REPOSITORY, SUBJECT, GPU_VERDICTS.artifact(stranger))
    with pytest.raises(IntegrityError, match="do not trust it"):
        await find_gpu_verdicts(registry, REPOSITORY, SUBJECT.digest)


async def test_an_unreadable_attestation_is_not_a_verdict() -> None:
    registry = MemoryRegistry()
    artifact = msgspec.structs.replace(
        GPU_VERDICTS.artifact(verdict(GpuOutcome.PASSED)), content=b'{"outcome": "passed"}'
    )
    await push_referrer(registry, REPOSITORY, SUBJECT, artifact)
    with pytest.raises(ProtocolError, match="cannot be read as one"):
        await find_gpu_verdicts(registry, REPOSITORY, SUBJECT.digest)
