"""`rollback` and `history`: a stable tag goes back, for every image or for none; and what it pointed to, when."""

from ci.commands.gpu_gate import places_of
from ci.commands.promote import AppliedPlan, Log, apply_plan
from ci.promotion.history import collect_history
from ci.promotion.rollback import plan_rollback
from ci.promotion.timeline import Timeline
from ci.publish.registry_state import RegistrySession
from ci.stack.model import Stack


async def rollback(  # noqa: PLR0913 (a tag, where to, and how)
    stack: Stack, session: RegistrySession, tag: str, *, to: str, dry_run: bool, now: str, log: Log
) -> AppliedPlan:
    """Point a stable tag back to what it pointed to before, or to the record `to`. `now` is RFC 3339, UTC.

    `log` shows where it goes back to before anything is written.
    """
    timeline = await show_history(stack, session, tag)
    plan = await plan_rollback(session.registry, timeline, at=now, to=to)
    return AppliedPlan(plan) if dry_run else await apply_plan(session.registry, plan, log)


async def show_history(stack: Stack, session: RegistrySession, tag: str) -> Timeline:
    """Return the promotions and rollbacks of a stable tag, and what became of each."""
    session.tags.check_stack_tags([tag])
    return await collect_history(session.registry, places_of(stack, session).values(), tag)
