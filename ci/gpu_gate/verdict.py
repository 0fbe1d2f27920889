"""The GPU gate's verdict: what it says of one image, and how it is kept where that image lies.

A promotion asks for a passed verdict of exactly the digest that it is going to promote.
"""

from enum import StrEnum

import msgspec

from ci.oci.reference import Repository
from ci.oci.referrers import Artifact, list_referrers, read_as
from ci.oci.registry import Descriptor, IntegrityError, Registry

GPU_VERDICT = "application/vnd.datahub.gpu-verdict.v1+json"
OUTCOME_ANNOTATION = "edu.ucsd.datahub.gpu-outcome"
_CREATED = "org.opencontainers.image.created"


class GpuOutcome(StrEnum):
    """How the gate ended, told apart by who can do something about it."""

    PASSED = "passed"
    TESTS_FAILED = "tests failed"
    """The tests ran and some failed: the image's author."""
    BAD_RUN = "bad run"
    """The tests did not run as they should, or cannot be shown to have: the author of the tests or of `[gpu]`."""
    NO_CAPACITY = "no capacity"
    """The cluster had no GPU to give: later again."""
    INFRASTRUCTURE = "infrastructure"
    """Network, login node, cluster: later again, or those who run them."""
    LOGIN = "login"
    """The login node did not accept the account: the operator who gave the secret."""
    HOST_KEY = "host key"
    """The login node is not the one that is known: whoever keeps the known hosts."""


class GpuTests(msgspec.Struct, frozen=True, kw_only=True):
    """How many tests ended how. `failures` names those that failed or had an error, as far as there is room."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    failures: tuple[str, ...] = ()


class GpuAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One pod's run, or how it did not come to one. `started` is RFC 3339, UTC."""

    pod: str
    outcome: GpuOutcome
    why: str
    started: str
    seconds: float


class GpuVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate says of one image; outcome, tests, GPUs and pod are those of the last attempt."""

    image: str
    """Its name in the stack."""
    reference: str
    """What was launched: `docker.io/ucsdets/scipy-ml-notebook@sha256:…`."""
    outcome: GpuOutcome
    why: str
    """A sentence: what happened, what to do."""
    tests: GpuTests = GpuTests()
    gpus: tuple[str, ...] = ()
    """What `nvidia-smi -L` listed in the pod."""
    host: str
    """The login node."""
    pod: str
    started: str
    """RFC 3339, UTC."""
    seconds: float
    attempts: tuple[GpuAttempt, ...]
    undeleted: tuple[str, ...] = ()
    """Pods that may still exist, and then cost: they could not be shown to be gone."""

    @property
    def passed(self) -> bool:
        """Whether the image may be promoted."""
        return self.outcome is GpuOutcome.PASSED

    @property
    def digest(self) -> str:
        """The digest that was tested."""
        return self.reference.rpartition("@")[2]


def gpu_artifact(verdict: GpuVerdict) -> Artifact:
    """Return the verdict as it is attached to its image. The same verdict always has the same bytes."""
    return Artifact(
        type=GPU_VERDICT,
        media_type="application/json",
        content=msgspec.json.encode(verdict, order="deterministic"),
        annotations={OUTCOME_ANNOTATION: verdict.outcome.value, _CREATED: verdict.started},
    )


async def find_gpu_verdicts(registry: Registry, repository: Repository, digest: str) -> tuple[GpuVerdict, ...]:
    """Return the verdicts attached to a digest, the newest first, failed ones among them."""
    found = await list_referrers(registry, repository, digest, GPU_VERDICT)
    verdicts = [await _read(registry, repository, digest, one) for one in found]
    return tuple(sorted(verdicts, key=lambda verdict: verdict.started, reverse=True))


async def _read(registry: Registry, repository: Repository, digest: str, record: Descriptor) -> GpuVerdict:
    verdict = await read_as(registry, repository, digest, record, GpuVerdict)
    if verdict.digest != digest:
        raise IntegrityError(
            f"{repository.pinned(record.digest)} is attached to {digest} as its GPU verdict, but speaks of "
            f"{verdict.reference}: do not trust it; have whoever wrote it explain, and delete it from the registry."
        )
    return verdict
