"""`tag`: a published stack becomes stable, every image or none, after the GPU gate has passed."""

from collections.abc import Callable
from typing import NamedTuple

from ci.commands.gpu_gate import GpuPorts, gate_run, places_of
from ci.commands.options import PromotionOptions
from ci.errors import RequestError
from ci.oci.concurrency import gather_or_raise
from ci.oci.registry import Registry
from ci.promotion.apply import PromotionPlan, apply
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.gate_check import find_gate_approval
from ci.promotion.plan import plan_promotion
from ci.promotion.records import GateApproval
from ci.promotion.source_run import find_published_run
from ci.publish.attestations import RunRecord
from ci.publish.registry_state import RegistrySession
from ci.stack.model import Stack
from ci.stack.reserved_names import check_tags
from ci.stack.stack_tag import StackTag

Log = Callable[[str], None]
"""Shows a line at once."""


class AppliedPlan(NamedTuple):
    """A change of stable tags, and the warnings that came with it. A dry run has none."""

    plan: PromotionPlan
    warnings: tuple[str, ...] = ()


async def promote(  # noqa: PLR0913 (a stack, its registry, and how)
    stack: Stack, session: RegistrySession, options: PromotionOptions, gpu: GpuPorts, *, now: str, log: Log
) -> AppliedPlan:
    """Promote the stack of a tag. `now` is RFC 3339, UTC. `log` shows what was found before anything is written.

    Raises RequestError for options that do not fit together, PromotionDeniedError without a GPU approval, and
    TagUpdateError. Rights that are missing are reported before the GPU gate runs, which may take an hour.
    """
    session.tags.check_stack_tags([options.tag, *options.also])
    _check(options)
    record = await find_published_run(session.registry, places_of(stack, session), options.tag)
    plan = await plan_promotion(session.registry, record, None, at=now, also=options.also)
    if not plan.is_done and options.gpu:
        if not options.dry_run:
            repositories = dict.fromkeys(update.target.repository for update in plan.updates)
            await gather_or_raise(session.registry.preflight, repositories)
        approval = await _approval(stack, session, record, options, gpu)
        # The gate may have taken an hour: what the tags point to is read again.
        plan = await plan_promotion(session.registry, record, approval, at=now, also=options.also)
    return AppliedPlan(plan) if options.dry_run else await apply_plan(session.registry, plan, log)


async def apply_plan(registry: Registry, plan: PromotionPlan, log: Log) -> AppliedPlan:
    """Apply a plan. What it says is shown first."""
    for note in plan.notes:
        log(note)
    return AppliedPlan(plan, await apply(registry, plan))


def _check(options: PromotionOptions) -> None:
    StackTag.parse(options.tag)  # a tag that cannot become stable is reported before anything is read
    check_tags(options.also)
    if not options.gpu and not options.dry_run:
        raise RequestError(
            "--no-gpu works only with --dry-run. To promote without a GPU, give the reason: --accept-without-gpu."
        )
    if options.accept_without_gpu is not None and not options.accept_without_gpu.strip():
        raise RequestError("--accept-without-gpu needs a reason in words: it is recorded, and shown in the history.")


async def _approval(
    stack: Stack, session: RegistrySession, record: RunRecord, options: PromotionOptions, gpu: GpuPorts
) -> GateApproval:
    """Return what allows the promotion. Without a passed verdict the GPU gate runs now, if there is a login."""
    image = stack.gpu.image if stack.gpu else ""
    found = await find_gate_approval(session.registry, record, image, accept=options.accept_without_gpu)
    if isinstance(found, str) and stack.gpu is not None and gpu.can_log_in:
        verdict = await gate_run(session, record, stack.gpu, gpu, keep=not options.dry_run)
        found = await find_gate_approval(session.registry, record, image, fresh=verdict)
    if isinstance(found, str):
        raise PromotionDeniedError(f"{record.tag} was not promoted", [found])
    return found
