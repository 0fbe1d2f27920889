"""Decides what of a stack's images stays in the registry, and what may go. Pure.

An image stays if anything needs it: it is or was stable, a stack that stays has it, something that we did not write
points to it, an image that stays was built on it, or it is too young to be judged. What is unknown stays.
"""

from collections.abc import Iterator, Mapping, Sequence

from ci.errors import ExternalError
from ci.oci.reference import Repository
from ci.registry_format import REFERRERS_TAG_PREFIX
from ci.retention.model import (
    Attached,
    FoundImage,
    FoundRepository,
    FoundStack,
    GoingImage,
    GoingRecords,
    Policy,
    Reason,
    RepositoryPlan,
    RetentionPlan,
)
from ci.retention.stacks import stack_ages, stack_of, staying_stacks
from ci.retention.tag_kinds import TagKind, read_tag_name

_DAY = 24 * 3600.0
_RUNS_WRITE = frozenset({TagKind.CACHE, TagKind.STAGING, TagKind.REFERRERS, TagKind.STACK})
Staying = dict[tuple[Repository, str], Reason]


def decide(found: FoundStack, policy: Policy, now: float) -> RetentionPlan:
    """Return what stays and what goes. Raises ExternalError if that contradicts a stable tag."""
    ages = stack_ages(found)
    stacks = staying_stacks(ages, found.promoted, policy, now)
    staying: Staying = {}
    for one in found.repositories:
        for digest, reason in _reasons(one, stacks, policy, now):
            known = staying.get((one.repository, digest), reason)
            staying[one.repository, digest] = min(known, reason, key=list(Reason).index)
    _add_parents(found, staying)
    plan = RetentionPlan(
        repositories=tuple(_plan(one, staying, stacks) for one in found.repositories),
        staying_stacks=stacks,
        going_stacks=tuple(tag for tag in ages if tag not in stacks),
    )
    for one in found.repositories:
        check_stable(plan, one.repository, one.tags)
    return plan


def check_stable(plan: RetentionPlan, repository: Repository, tags: Mapping[str, str]) -> None:
    """Raise ExternalError if a stable tag points to an image that would go. `tags` is what each tag points to."""
    going = {image.digest for one in plan.repositories if one.repository == repository for image in one.going}
    for tag, digest in tags.items():
        if digest in going and read_tag_name(tag).kind is TagKind.STABLE:
            raise ExternalError(
                f"{repository.tagged(tag)} points to {digest}, which would be deleted. Nothing was deleted. If a "
                "promotion runs at this moment, wait until it has ended, and run tidy again."
            )


def _reasons(
    one: FoundRepository, stacks: Mapping[str, Reason], policy: Policy, now: float
) -> Iterator[tuple[str, Reason]]:
    """Yield the digests that stay by themselves, with each reason."""
    yield from ((digest, Reason.STABLE) for digest in one.stable)
    for tag, digest in one.tags.items():
        kind = read_tag_name(tag).kind
        if kind is TagKind.STABLE:
            yield digest, Reason.STABLE
        elif _is_other(one, tag):
            yield digest, Reason.OTHER_TAG
        elif stack := stack_of(one, tag):
            yield from [(digest, stacks[stack])] if stack in stacks else []
    for digest, image in one.images.items():
        if image.is_tombstone:
            continue
        newest = _newest(image)
        if newest is None:
            yield digest, Reason.UNKNOWN_AGE
        elif newest > now - policy.unpublished_days * _DAY:
            yield digest, Reason.YOUNG


def _is_other(one: FoundRepository, tag: str) -> bool:
    """Return whether no run wrote a tag: it is of another kind, or looks like that of a stack and is none."""
    kind = read_tag_name(tag, one.prefixes).kind
    if kind is not TagKind.STACK:
        return kind not in _RUNS_WRITE
    image = one.images.get(one.tags[tag])
    return stack_of(one, tag) is None and not (image and image.is_tombstone)


def _newest(image: FoundImage) -> float | None:
    """Return when an image was last built or published; None if nothing says when it was built."""
    if image.created is None:
        return None
    return max([image.created, *(one.created for one in image.attached if one.created is not None)])


def _add_parents(found: FoundStack, staying: Staying) -> None:
    """Add the parents of the images that stay, and theirs: without them, the next run would build all anew."""
    images = {(one.repository, digest): image for one in found.repositories for digest, image in one.images.items()}
    pending = list(staying)
    while pending:
        image = images.get(pending.pop())
        base = image.base if image else None
        if base in images and base not in staying:
            staying[base] = Reason.PARENT
            pending.append(base)


def _plan(one: FoundRepository, staying: Staying, stacks: Mapping[str, Reason]) -> RepositoryPlan:
    kept = {digest: reason for (repository, digest), reason in staying.items() if repository == one.repository}
    images = {digest: image for digest, image in one.images.items() if digest not in kept}
    stays = {digest: image for digest, image in one.images.items() if digest in kept}
    attached = {**{digest: image.attached for digest, image in images.items()}, **one.orphans}
    old = sorted(images.values(), key=lambda image: (image.created or 0.0, image.digest))
    layers = {layer: size for image in stays.values() for layer, size in image.layers.items()}
    freed = {layer: size for image in images.values() for layer, size in image.layers.items() if layer not in layers}
    return RepositoryPlan(
        repository=one.repository,
        prefixes=one.prefixes,
        staying={digest: kept[digest] for digest in stays},
        going=tuple(_going(one, image) for image in old),
        untagged={
            tag: digest
            for tag, digest in one.tags.items()
            if digest in stays and (stack := stack_of(one, tag)) and stack not in stacks
        },
        records=tuple(_records(one, attached)),
        other_tags=tuple(
            tag
            for tag, digest in one.tags.items()
            if digest in one.images and _is_other(one, tag) and read_tag_name(tag).kind is not TagKind.STABLE
        ),
        tags=tuple(one.tags),
        attached={subject: frozenset(record.digest for record in several) for subject, several in attached.items()},
        bytes_staying=sum(layers.values()),
        bytes_going=sum(freed.values()),
    )


def _going(one: FoundRepository, image: FoundImage) -> GoingImage:
    tags = tuple(tag for tag, digest in one.tags.items() if digest == image.digest)
    reason = Reason.OLD_STACK if any(stack_of(one, tag) for tag in tags) else Reason.UNPUBLISHED
    return GoingImage(
        digest=image.digest,
        tags=tags,
        reason=Reason.TOMBSTONE if image.is_tombstone else reason,
    )


def _records(one: FoundRepository, attached: Mapping[str, Sequence[Attached]]) -> Iterator[GoingRecords]:
    """Yield what goes of what is attached to images that go or are gone.

    A record that a history or a list of stacks refers to stays, and as long as it does the list in which it is found.
    """
    for subject, several in attached.items():
        going = [record.digest for record in several if record.digest not in one.listed]
        gone = {record.digest for record in several if record.is_gone}
        digests = tuple(digest for digest in going if digest not in gone)
        tag = subject.replace("sha256:", REFERRERS_TAG_PREFIX)
        has_list = tag in one.tags and len(going) == len(several)
        if digests or has_list:
            yield GoingRecords(
                subject=subject,
                digests=digests,
                list_tag=tag if has_list else "",
                list_digest=one.tags[tag] if has_list else "",
            )
