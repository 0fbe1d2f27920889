"""What stays in the registry, and what goes, as text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ci import units
from ci.retention.model import Reason, RepositoryPlan, RetentionPlan, Swept
from ci.texts import printable

_SHOWN = 8


def render_retention(plan: RetentionPlan) -> str:
    """Return what stays and what goes in each repository, and why, in sentences."""
    lines = [*_stacks(plan)]
    for one in plan.repositories:
        lines += ["", *_repository(one)]
    going, freed = plan.images_going, sum(one.bytes_going for one in plan.repositories)
    left = sum(one.bytes_staying for one in plan.repositories)
    total = f"{_count(plan.images - going, 'image', 'stay')}, {units.size(left)}"
    lines += ["", f"All together: {total}; {_count(going, 'image', 'go')}, {units.size(freed)}."]
    return printable("\n".join(lines))


def render_swept(swept: Swept) -> str:
    """Return what was deleted, and what was not and why."""
    lines = [
        f"Deleted: {units.number(swept.images, 'image')}, and {units.number(swept.tags, 'tag')} of images that stay."
    ]
    if swept.in_use:
        lines += ["", "Not deleted, because they are in use by now:", *(f"  - {one}" for one in swept.in_use)]
    if swept.problems:
        lines += ["", "Not deleted:", *(f"  - {one}" for one in swept.problems)]
    return printable("\n".join(lines))


def _stacks(plan: RetentionPlan) -> Iterator[str]:
    stays, goes = len(plan.staying_stacks), len(plan.going_stacks)
    yield f"Published stacks: {stays} stay, {goes} go."
    for reason in Reason:
        tags = [tag for tag, why in plan.staying_stacks.items() if why is reason]
        if tags:
            yield f"  stay, {_STACKS[reason]}: {_some(tags)}"
    if plan.going_stacks:
        yield f"  go, older: {_some(plan.going_stacks)}"


def _repository(one: RepositoryPlan) -> Iterator[str]:
    yield str(one.repository)
    stays = Counter(one.staying.values())
    yield f"  {_count(len(one.staying), 'image', 'stay')}, {units.size(one.bytes_staying)}{_reasons(stays)}"
    goes = Counter(image.reason for image in one.going)
    tags = units.number(sum(len(image.tags) for image in one.going), "tag")
    if one.going:
        freed = units.size(one.bytes_going)
        yield f"  {_count(len(one.going), 'image', 'go')}, {freed}, with {tags}{_reasons(goes)}"
    else:
        yield "  no image goes"
    if one.untagged:
        yield f"  {_count(len(one.untagged), 'tag', 'go')} from images that stay: {_some(tuple(one.untagged))}"
    records = sum(len(records.digests) for records in one.records)
    if records:
        yield f"  {_count(records, 'attestation', 'go')}, of images that go or are gone"
    if one.other_tags:
        yield f"  tags that no run wrote stay, with their images: {_some(one.other_tags)}"


def _count(amount: int, word: str, verb: str) -> str:
    """Return how many do something: `1 image goes`, `2 images go`."""
    ending = {"go": "goes", "stay": "stays"}[verb] if amount == 1 else verb
    return f"{units.number(amount, word)} {ending}"


def _reasons(counted: Counter[Reason]) -> str:
    parts = [f"{counted[reason]} {reason}" for reason in Reason if counted[reason]]
    return f": {', '.join(parts)}" if parts else ""


def _some(names: Iterable[str]) -> str:
    several: Sequence[str] = tuple(names)
    more = f" and {len(several) - _SHOWN} more" if len(several) > _SHOWN else ""
    return f"{', '.join(several[:_SHOWN])}{more}"


_STACKS = {
    Reason.PROMOTED: "promoted now or earlier",
    Reason.NEWEST: "the newest",
    Reason.RECENT: "not old enough to go",
    Reason.LAST_OF_VERSION: "the last of a version",
    Reason.UNKNOWN_AGE: "of unknown age",
}
