"""Which published stacks stay: each as a whole, in all repositories."""

from collections.abc import Collection, Mapping

from ci.retention.model import FoundRepository, FoundStack, Policy, Reason
from ci.retention.tag_kinds import read_tag_name
from ci.stack.stack_tag import StackTag

_DAY = 24 * 3600.0
StackAges = Mapping[str, float | None]
"""When each stack was last published, by its tag, the newest first; None, which comes first, if that is not known."""


def stack_of(one: FoundRepository, tag: str) -> str | None:
    """Return the tag of the stack that a tag of a repository is for.

    None for any other tag, and for one that only looks like it: `backup-20260401` is a version and a commit, too. So a
    run record of this stack must be attached to what the tag points to.
    """
    stack = read_tag_name(tag, one.prefixes).stack
    image = one.images.get(one.tags[tag])
    if stack is None or image is None:
        return None
    return str(stack) if any(record.stack_tag == str(stack) for record in image.attached) else None


def stack_ages(found: FoundStack) -> StackAges:
    """Return all stacks of which any image has the tag, and when they were published."""
    ages: dict[str, float | None] = {}
    for one in found.repositories:
        for tag, digest in one.tags.items():
            stack = stack_of(one, tag)
            if stack is None:
                continue
            known = [record.created for record in one.images[digest].attached if record.stack_tag == stack]
            dates = [date for date in (*known, ages.get(stack)) if date is not None]
            ages[stack] = max(dates, default=None)
    return dict(sorted(ages.items(), key=lambda age: (age[1] is None, age[1] or 0.0, age[0]), reverse=True))


def staying_stacks(ages: StackAges, promoted: Collection[str], policy: Policy, now: float) -> Mapping[str, Reason]:
    """Return the stacks that stay, and why, the newest first."""
    dated = [tag for tag, date in ages.items() if date is not None]
    newest = frozenset(dated[: policy.keep_last])
    last: dict[str, str] = {}
    for tag in dated:
        last.setdefault(StackTag.parse(tag).version, tag)

    def reason(tag: str, date: float | None) -> Reason | None:
        if tag in promoted:
            return Reason.PROMOTED
        if date is None:
            return Reason.UNKNOWN_AGE
        if tag in newest:
            return Reason.NEWEST
        if date > now - policy.keep_days * _DAY:
            return Reason.RECENT
        return Reason.LAST_OF_VERSION if tag in last.values() else None

    found = {tag: reason(tag, date) for tag, date in ages.items()}
    return {tag: why for tag, why in found.items() if why is not None}
