"""The GPU gate's verdict on one image, and its attestation in the registry.

A promotion needs a passed verdict on exactly the digest that it promotes.
"""

from enum import StrEnum

import msgspec

from ci.image_labels import CREATED
from ci.oci.attestation import AttestationType
from ci.oci.reference import Repository
from ci.oci.registry import Registry
from ci.registry_format import GPU_OUTCOME, GPU_VERDICT


class GpuOutcome(StrEnum):
    """How the gate ended, by who can act on it."""

    PASSED = "passed"
    TESTS_FAILED = "tests failed"
    """Some tests failed. For the image's author."""
    BAD_RUN = "bad run"
    """The tests did not run properly, or there is no proof that they did. For the author of the tests or of `[gpu]`."""
    NO_CAPACITY = "no capacity"
    """The cluster had no free GPU. Try again later."""
    INFRASTRUCTURE = "infrastructure"
    """The network, the login node or the cluster failed. Try again later, or ask their administrators."""
    LOGIN = "login"
    """The login node did not accept the account. For the operator who gave the secret."""
    HOST_KEY = "host key"
    """The login node does not have the known host key. For the maintainer of the known hosts."""


class GpuTests(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of tests by outcome. `failures` lists the first that failed or had an error."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    failures: tuple[str, ...] = ()


class GpuAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to run a pod. `started` is RFC 3339, UTC."""

    pod: str
    outcome: GpuOutcome
    why: str
    started: str
    seconds: float


class GpuVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's verdict on one image; outcome, tests, GPUs and pod are those of the last attempt."""

    image: str
    """Its name in the stack."""
    reference: str
    """The tested image: `docker.io/ucsdets/scipy-ml-notebook@sha256:…`."""
    outcome: GpuOutcome
    why: str
    """A sentence: what happened, what to do."""
    tests: GpuTests = GpuTests()
    gpus: tuple[str, ...] = ()
    """The output of `nvidia-smi -L` in the pod."""
    host: str
    """The login node."""
    pod: str
    started: str
    """RFC 3339, UTC."""
    seconds: float
    attempts: tuple[GpuAttempt, ...]
    undeleted: tuple[str, ...] = ()
    """Pods that may still exist and hold a GPU: their deletion could not be verified."""

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
