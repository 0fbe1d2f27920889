"""The gate: a promotion goes through with a proof, or with a person's reason, and with nothing else."""

from ci.gpu_gate.verdict import GpuOutcome, GpuVerdict, find_gpu_verdicts, gpu_artifact
from ci.oci.reference import Repository
from ci.oci.registry import Registry, digest_of
from ci.promotion.records import GateApproval
from ci.publish.attestations import RecordedImage, RunRecord

# The others say something of the cluster or the login, and nothing of the image.
_TELLING = {GpuOutcome.PASSED, GpuOutcome.TESTS_FAILED, GpuOutcome.BAD_RUN}
_WAYS = "Run test-gpu for this tag, or promote with --accept-without-gpu and a reason."


async def find_gate_approval(
    registry: Registry, record: RunRecord, image: str, *, fresh: GpuVerdict | None = None, accept: str | None = None
) -> GateApproval | str:
    """Return what allows promoting the images of a run, or a sentence that says what is missing.

    `image` is the one that is tested for all, empty if the stack has none. Its newest verdict about the image decides:
    `fresh`, or one attached to exactly its digest. `accept` is the reason to promote without a passed verdict.
    """
    reason = (accept or "").strip()
    tried = record.by_name.get(image)
    verdict = await _newest(registry, tried, fresh) if tried else None
    if verdict is not None and verdict.passed:
        return _proof(verdict, "")
    if reason:
        return (
            _proof(verdict, reason)
            if verdict
            else GateApproval(image=image, digest=tried.digest if tried else "", accepted=reason)
        )
    return _lacking(record, image, tried, verdict)


async def _newest(registry: Registry, tried: RecordedImage, fresh: GpuVerdict | None) -> GpuVerdict | None:
    if fresh is not None and fresh.digest == tried.digest:
        return fresh
    verdicts = await find_gpu_verdicts(registry, Repository.parse(tried.repository), tried.digest)
    return next((verdict for verdict in verdicts if verdict.outcome in _TELLING), None)


def _proof(verdict: GpuVerdict, accepted: str) -> GateApproval:
    return GateApproval(
        image=verdict.image,
        digest=verdict.digest,
        verdict=digest_of(gpu_artifact(verdict).content),
        outcome=verdict.outcome.value,
        tried=verdict.started,
        accepted=accepted,
    )


def _lacking(record: RunRecord, image: str, tried: RecordedImage | None, verdict: GpuVerdict | None) -> str:
    if not image:
        return f"stack.toml has no [gpu], which names the image to try on a GPU. {_WAYS}"
    if tried is None:
        return f"{image}, which [gpu] of stack.toml names, is no image of {record.tag}: correct it there. {_WAYS}"
    where = f"{tried.repository}@{tried.digest}"
    if verdict is None:
        return f"No GPU verdict says anything of exactly {where} ({image}). {_WAYS}"
    return f"The GPU verdict of {verdict.started} on {where} ({image}) is {verdict.outcome}: {verdict.why} {_WAYS}"
