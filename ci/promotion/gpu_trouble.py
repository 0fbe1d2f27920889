"""What the cluster's and the launcher's words mean.

After DSMLP's pages on reservation events and error messages: https://github.com/ucsd-ets/dsmlp-docs-public.
"""

import re

import msgspec

from ci.promotion.gpu_verdict import GpuOutcome

_MOST_WORDS = 300


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt cannot become a proof."""

    outcome: GpuOutcome
    why: str


# A lease that waiting does not bring; denied ones are told apart by the reason that is quoted.
_REFUSALS = (
    "OnDemandLeaseRejected",
    "NoReservation",
    "ReservationTooSmall",
    "is not a member of group",
    "not accessible under this group",
    "Exceeds limit of",
    "limits a single reservation",
    "is not active on",
)
# The first that matches holds. A lease that is denied for lack of capacity, and scheduling that failed, are not here:
# both are normal while a pod waits.
_MEANINGS: tuple[tuple[str, GpuOutcome, str], ...] = (
    (
        r"InvalidImageName|(?i:pull).*(?i:not found|manifest unknown|denied|unauthorized|forbidden)",
        GpuOutcome.BAD_RUN,
        "The cluster cannot fetch the image: make sure that this digest is published, and readable without a login",
    ),
    (
        r"ErrImagePull|ImagePullBackOff|RegistryUnavailable|Failed to pull image|Back-off pulling image",
        GpuOutcome.INFRASTRUCTURE,
        "The cluster failed to fetch the image: run again later, or ask those who run the cluster",
    ),
    (
        r"[Ee]xceeded quota|quota exceeded",
        GpuOutcome.NO_CAPACITY,
        "The account has no GPU left: another pod of it runs or still ends; see `kubectl get pods`, then run again",
    ),
    (
        r"UnknownGpuClass|is not a GPU class",
        GpuOutcome.BAD_RUN,
        "The cluster has no such class of GPUs: correct gpu.gpu-class in stack.toml",
    ),
    (
        "|".join(_REFUSALS),
        GpuOutcome.BAD_RUN,
        "The account will never get this GPU: correct gpu.workspace, gpu.gpu-class or gpu.gpus in stack.toml",
    ),
    (
        r"Preempted|ReservationCancelled|ReservationReassigned",
        GpuOutcome.NO_CAPACITY,
        "The cluster took the GPU back: run again",
    ),
    (
        r"OOMKilled",
        GpuOutcome.BAD_RUN,
        "The pod ran out of memory: raise gpu.memory in stack.toml, or have the tests use less",
    ),
    (
        r"DeadlineExceeded",
        GpuOutcome.BAD_RUN,
        "The pod came to its time limit: raise gpu.run-limit in stack.toml, or make the tests shorter",
    ),
    (
        r"CreateContainer\w*Error|RunContainerError|Evicted|NodeLost|NodeShutdown|Pod creation failed",
        GpuOutcome.INFRASTRUCTURE,
        "The cluster could not run the pod: run again later, or ask those who run the cluster",
    ),
)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), outcome, sentence) for pattern, outcome, sentence in _MEANINGS)


def find_trouble(words: str) -> Trouble | None:
    """Return what these words of the cluster or the launcher mean, None if one can go on waiting."""
    for pattern, outcome, sentence in _PATTERNS:
        if pattern.search(words):
            return Trouble(outcome=outcome, why=f"{sentence}. It said: {words.strip()[:_MOST_WORDS]}")
    return None
