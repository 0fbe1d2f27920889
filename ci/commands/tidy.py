"""`tidy`: which images of the registry may go; with `delete`, they go."""

from typing import NamedTuple

import msgspec

from ci.cleanup.ports import Remover
from ci.cleanup.reading import read_found_stack
from ci.cleanup.sweep import Sweep
from ci.errors import ExternalError, RequestError
from ci.oci.registry import RegistryError
from ci.publish.registry_state import RegistrySession
from ci.retention.decide import decide
from ci.retention.model import Policy, RetentionPlan, Swept
from ci.stack.model import Stack

_WHOLE = 100


class TidyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What stays, and whether the rest is deleted."""

    policy: Policy = Policy()
    most: int = 50
    """The percentage of all images that may be deleted at once."""
    delete: bool = False


class TidyResult(NamedTuple):
    """What stays and what goes; and what was deleted, None for a dry run."""

    plan: RetentionPlan
    swept: Swept | None


async def tidy(
    stack: Stack, session: RegistrySession, remover: Remover, options: TidyOptions, *, now: float
) -> TidyResult:
    """Decide what may go, and delete it if the options say so. `now` is Unix time. A dry run writes nothing.

    Raises RequestError for options that no one can mean, and ExternalError, before anything is deleted, if a history
    or anything else cannot be read, if more would go than the options allow, and if nothing can be deleted.
    """
    _check(options)
    places = [session.tags.place(image.name) for image in stack.images]
    try:
        found = await read_found_stack(session, places)
    except RegistryError as error:
        raise ExternalError(
            f"Nothing was deleted: not all of the registry can be read, so what refers to what is not known. {error}"
        ) from error
    plan = decide(found, options.policy, now)
    if not options.delete or plan.is_empty:
        return TidyResult(plan, Swept() if options.delete else None)
    problem = too_much(plan, options.most)
    if problem:
        raise ExternalError(f"Nothing was deleted: {problem}")
    return TidyResult(plan, await Sweep(session.registry, remover, plan).run())


def too_much(plan: RetentionPlan, most: int) -> str:
    """Return why a plan deletes too much, as a sentence; empty if it does not."""
    if plan.images_going * _WHOLE <= plan.images * most:
        return ""
    share = -(-plan.images_going * _WHOLE // plan.images)
    return (
        f"{plan.images_going} of {plan.images} images would go, more than {most} %. Look at what goes and why; if it "
        f"is right, allow it with --most {share}."
    )


def _check(options: TidyOptions) -> None:
    problems = [
        *(["--keep-last must be at least 1: the newest stack always stays."] if options.policy.keep_last < 1 else []),
        *(["--keep-days must not be negative."] if options.policy.keep_days < 0 else []),
        *(["--most must be from 1 to 100: a percentage."] if not 1 <= options.most <= _WHOLE else []),
    ]
    if problems:
        raise RequestError("\n".join(problems))
