"""The decision: what is done with each image, and why. The plan is a value; `plan` prints it, `build-stack` runs it."""

from collections.abc import Sequence

import msgspec

from ci.errors import RequestError
from ci.planning.reasons import Action
from ci.stack.model import Image, Stack, SuiteKind
from ci.stack.wording import did_you_mean


class ImagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One image's part of the plan. `suites` are `origin/kind`, the common ones first, then the oldest ancestor's."""

    name: str
    parent: str | None
    needs: tuple[str, ...]
    foreign_bases: tuple[str, ...]
    action: Action
    reason: str
    suites: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will do, the needed images before those that need them."""

    images: tuple[ImagePlan, ...]

    @property
    def to_build(self) -> tuple[str, ...]:
        """Names of the images that a run builds, in order."""
        return tuple(image.name for image in self.images if image.action is Action.BUILD)


def make_plan(stack: Stack, *, only: Sequence[str] = ()) -> Plan:
    """Decide what to do with each image of the stack, or of those in `only` and of all they need.

    Raises RequestError for names in `only` that no enabled image has, all of them at once.
    """
    _check_names(stack, only)
    chosen = stack.closure(only) if only else stack.images
    return Plan(images=tuple(_plan_image(stack, image, only) for image in chosen))


def check_name(stack: Stack, name: str) -> None:
    """Raise RequestError, with the nearest name, unless `name` is an enabled image of the stack."""
    _check_names(stack, (name,))


def check_suites(stack: Stack, image: str, suites: Sequence[str]) -> None:
    """Raise RequestError unless an image has suites that run here, and each of `suites` names one at least.

    A name is a kind or `origin/kind`. What names nothing would test nothing, and end green.
    """
    runs = [suite for suite in stack.suites_of(image) if suite.kind is not SuiteKind.GPU]
    known = {suite.name for suite in runs} | {suite.kind.value for suite in runs}
    if not runs:
        raise RequestError(f"The image {image!r} has no suite that runs here.")
    unknown = [name for name in suites if name not in known]
    if unknown:
        has = f" Those that run here: {', '.join(suite.name for suite in runs)}."
        raise RequestError(
            "\n".join(f"{image} has no suite {name!r}.{did_you_mean(name, known) or has}" for name in unknown)
        )


def _plan_image(stack: Stack, image: Image, only: Sequence[str]) -> ImagePlan:
    return ImagePlan(
        name=image.name,
        parent=image.parent,
        needs=image.needs,
        foreign_bases=image.foreign_bases,
        action=Action.BUILD if image.enabled else Action.DISABLED,
        reason=_reason(stack, image, only),
        suites=tuple(suite.name for suite in stack.suites_of(image.name)),
    )


def _reason(stack: Stack, image: Image, only: Sequence[str]) -> str:
    if not image.enabled:
        return image.disabled_reason
    if not only:
        return "the whole stack is built"
    if image.name in only:
        return "named by --only"
    users = [name for name in only if image in stack.closure([name])]
    return f"needed by {', '.join(users)}"


def _check_names(stack: Stack, names: Sequence[str]) -> None:
    known = stack.by_name
    problems: list[str] = []
    for name in names:
        image = known.get(name)
        if image is None:
            hint = did_you_mean(name, known) or f" Its images are: {', '.join(known)}."
            problems.append(f"The stack has no image {name!r}.{hint}")
        elif not image.enabled:
            problems.append(f"The image {name!r} is disabled in stack.toml: {image.disabled_reason}")
    if problems:
        raise RequestError("\n".join(problems))
