"""The gate: a promotion needs a passed GPU verdict, or a person's reason to override it."""

from ci.gpu_gate.verdict import GPU_VERDICTS, GpuOutcome, GpuVerdict, find_gpu_verdicts
from ci.oci.registry import Registry, digest_of
from ci.promotion.records import GateApproval
from ci.publish.attestations import RecordedImage, RunRecord

# The other outcomes are about the cluster or the login, not about the image.
_ABOUT_THE_IMAGE = {GpuOutcome.PASSED, GpuOutcome.TESTS_FAILED, GpuOutcome.BAD_RUN}
_ADVICE = "Run test-gpu for this tag, or promote with --accept-without-gpu and a reason."


async def find_gate_approval(
    registry: Registry, run: RunRecord, image: str, *, fresh: GpuVerdict | None = None, accept: str | None = None
) -> GateApproval | str:
    """Return the approval for promoting the images of a run, or a sentence that says what is missing.

    `image` is the one that is tested for all of them, empty if the stack has none. Its newest verdict about the image
    decides: `fresh`, or one attached to exactly its digest. `accept` is the reason to promote without a passed verdict.
    """
    reason = (accept or "").strip()
    tested = run.by_name.get(image)
    verdict = await _newest(registry, tested, fresh) if tested else None
    if verdict is not None and verdict.passed:
        return _approval(verdict, "")
    if reason and verdict is not None:
        return _approval(verdict, reason)
    if reason:
        return GateApproval(image=image, digest=tested.digest if tested else "", override_reason=reason)
    return _problem(run, image, tested, verdict)


async def _newest(registry: Registry, tested: RecordedImage, fresh: GpuVerdict | None) -> GpuVerdict | None:
    if fresh is not None and fresh.digest == tested.digest:
        return fresh
    verdicts = await find_gpu_verdicts(registry, tested.reference.repository, tested.digest)
    return next((verdict for verdict in verdicts if verdict.outcome in _ABOUT_THE_IMAGE), None)


def _approval(verdict: GpuVerdict, override_reason: str) -> GateApproval:
    return GateApproval(
        image=verdict.image,
        digest=verdict.digest,
        verdict=digest_of(GPU_VERDICTS.content(verdict)),
        outcome=verdict.outcome.value,
        tried=verdict.started,
        override_reason=override_reason,
    )


def _problem(run: RunRecord, image: str, tested: RecordedImage | None, verdict: GpuVerdict | None) -> str:
    if not image:
        return f"stack.toml has no [gpu], which configures the image to test on a GPU. {_ADVICE}"
    if tested is None:
        return f"{image}, the gpu.image of stack.toml, is not an image of {run.tag}: correct stack.toml. {_ADVICE}"
    if verdict is None:
        return f"No GPU test result for {image} ({tested.reference}). {_ADVICE}"
    return (
        f"The GPU test of {image} ({tested.reference}) at {verdict.started}: {verdict.outcome}. {verdict.why} {_ADVICE}"
    )
