"""The GPU gate's verdict: what it says of one image, and how it is kept where that image lies.

A promotion asks for a passed verdict of exactly the digest that it is going to promote.
"""

from enum import StrEnum

import msgspec

from ci.oci.attestation import AttestationType
from ci.oci.reference import Repository
from ci.oci.registry import Registry
from ci.registry_format import CREATED, GPU_OUTCOME, GPU_VERDICT


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


GPU_VERDICTS = AttestationType(
    artifact_type=GPU_VERDICT,
    document=GpuVerdict,
    annotations=lambda verdict: {GPU_OUTCOME: verdict.outcome.value, CREATED: verdict.started},
    subject=lambda verdict: verdict.digest,
)


async def find_gpu_verdicts(registry: Registry, repository: Repository, digest: str) -> tuple[GpuVerdict, ...]:
    """Return the verdicts attached to a digest, the newest first, failed ones among them."""
    verdicts = await GPU_VERDICTS.find(registry, repository, digest)
    return tuple(sorted(verdicts, key=lambda verdict: verdict.started, reverse=True))
