"""What one machine does of a divided plan, from what the registry has of its images and of those they depend on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ci.errors import RequestError, did_you_mean
from ci.planning.cache_key import ImageKey
from ci.planning.decisions import Action, Cause, Present, other_parents
from ci.planning.plan import ImagePlan, Plan
from ci.sharing.model import Share, Shares
from ci.stack.image import Image
from ci.stack.model import Stack

_DIGEST_SHOWN = 12


def find_share(shares: Shares, name: str) -> Share:
    """Return the share of this name. Raises RequestError if there is none."""
    by_name = {share.name: share for share in shares.division.shares}
    if name not in by_name:
        known = ", ".join(by_name) or "none, since nothing is to be done"
        hint = did_you_mean(name, by_name) or f" The shares are: {known}."
        raise RequestError(f"shares.json has no share {name!r}.{hint}")
    return by_name[name]


def needed(stack: Stack, share: Share) -> tuple[str, ...]:
    """Return the images of which a share has to know the digests, in the stack's order.

    It builds on them, or attests what its images were built on. The engine builds an image with an ONBUILD from its
    sources for its children: then what that one depends on is taken from the registry, too.
    """
    found: dict[str, None] = {}
    pending = [need for name in share.images for need in stack.by_name[name].needs]
    while pending:
        name = pending.pop()
        if name not in found and name not in share.images:
            found[name] = None
            if stack.by_name[name].dockerfile.onbuild:
                pending.extend(stack.by_name[name].needs)
    return tuple(image.name for image in stack.images if image.name in found)


class SharePlan(NamedTuple):
    """The plan of a share, and the images that it cannot build, each with the image that is not in the registry."""

    plan: Plan
    blocked: Mapping[str, str]


def plan_share(
    stack: Stack, shares: Shares, share: Share, uploaded: Mapping[str, str], passed: Mapping[str, Sequence[Present]]
) -> SharePlan:
    """Return what is done with the images of a share.

    `uploaded` are the digests of what it needs of other shares, as far as that is in the registry. `passed` are builds
    of its own images that passed their tests: those of an earlier attempt are not built again, if they were built on
    what is there now.
    """
    planned = {image.name: image for image in shares.plan.images}
    digests = {**shares.plan.reused, **uploaded}
    wanted = needed(stack, share)
    missing = {name: name for name in wanted if name not in digests}
    images = {name: _as_published(planned[name], digests[name]) for name in wanted if name in digests}
    blocked: dict[str, str] = {}
    reused = {name: digests[name] for name in images}
    for name in share.images:
        image, own = planned[name], stack.by_name[name]
        builds = image.action is Action.BUILD
        causes = [cause for need in own.needs if builds and (cause := missing.get(need) or blocked.get(need))]
        if causes:
            blocked[name] = causes[0]
            continue
        done = next((one for one in passed.get(name, ()) if not builds or _fits(own, one, reused)), None)
        images[name] = _finished(image, done) if done else image
        if done or not builds:
            reused[name] = done.digest if done else digests[name]
    order = (image.name for image in stack.images if image.name in images)
    return SharePlan(Plan(images=tuple(images[name] for name in order)), blocked)


def _fits(image: Image, found: Present, reused: Mapping[str, str]) -> bool:
    return all(need in reused for need in image.needs) and not other_parents(image, found, reused)


def _as_published(image: ImagePlan, digest: str) -> ImagePlan:
    reason = f"{Cause.PUBLISHED}: {_short(digest)} is built on"
    return msgspec.structs.replace(image, action=Action.REUSE, digest=digest, retest=False, reason=reason)


def _finished(image: ImagePlan, found: Present) -> ImagePlan:
    reason = f"{Cause.PUBLISHED}: {_short(found.digest)} passed in an earlier attempt"
    return msgspec.structs.replace(image, action=Action.REUSE, digest=found.digest, retest=False, reason=reason)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_DIGEST_SHOWN]


def disagreements(shares: Shares, commit: str | None, registry: str, keys: Mapping[str, ImageKey]) -> Iterator[str]:
    """Yield what a call on the stack found that is not what was divided, as sentences."""
    if commit != shares.commit:
        yield f"The source tree is at commit {commit or 'unknown'}; the stack was divided at {shares.commit}."
    if registry != shares.registry:
        yield f"The registry is {registry}; the stack was divided for {shares.registry}."
    names = dict.fromkeys([*shares.keys, *keys])
    others = [name for name in names if _key(keys, name) != _key(shares.keys, name)]
    if others:
        yield (
            f"The cache keys of {', '.join(others)} are not those of shares.json: give the --build-arg that `divide` "
            "was given, and use the same versions of this module and of the engine."
        )
    tested = [name for name in names if name not in others and keys[name] != shares.keys[name]]
    if tested:
        yield f"The tests of {', '.join(tested)} are not those of shares.json: use the same version of this module."


def _key(keys: Mapping[str, ImageKey], name: str) -> str | None:
    return keys[name].key if name in keys else None
