"""The plan: what is done with each image, and why. A value: `plan` prints it, `build-stack` runs it."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ci.errors import RequestError, did_you_mean
from ci.planning.decisions import Action, Cause, Decision, PlanInputs, Reason, decide
from ci.stack.git_folder import lacks_git_folder
from ci.stack.image import Image, SuiteKind
from ci.stack.model import Stack


class ImagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One image's part of the plan. `suites` are `origin/kind`: common suites first, then the oldest ancestor's.

    `key` is the image's cache key, None if it is unknown; `digest` that of the published image that is reused, which is
    tested again with `retest`.
    """

    name: str
    parent: str | None
    needs: tuple[str, ...]
    foreign_bases: tuple[str, ...]
    action: Action
    reason: str
    suites: tuple[str, ...]
    key: str | None = None
    digest: str | None = None
    retest: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will do, each image after those that it depends on."""

    images: tuple[ImagePlan, ...]
    notes: tuple[str, ...] = ()
    """Sentences on what differs from a build by Docker."""

    @property
    def to_build(self) -> tuple[str, ...]:
        """Names of the images that a run builds, in order."""
        return tuple(image.name for image in self.images if image.action is Action.BUILD)

    @property
    def to_test(self) -> tuple[str, ...]:
        """Names of the images whose suites a run runs, in order: those it builds, and those whose tests changed."""
        return tuple(image.name for image in self.images if image.action is Action.BUILD or image.retest)

    @property
    def reused(self) -> Mapping[str, str]:
        """The digests of the images that are reused, by name."""
        return {image.name: image.digest for image in self.images if image.action is Action.REUSE and image.digest}

    @property
    def with_retests(self) -> "Plan":
        """The same plan, in which the reused images are tested again."""
        images = (msgspec.structs.replace(image, retest=image.digest is not None) for image in self.images)
        return msgspec.structs.replace(self, images=tuple(images))

    @property
    def enabled(self) -> tuple[str, ...]:
        """Names of all images but the disabled ones, in order."""
        return tuple(image.name for image in self.images if image.action is not Action.DISABLED)


def make_plan(stack: Stack, inputs: PlanInputs | None = None, *, only: Sequence[str] = ()) -> Plan:
    """Decide what to do with each image of the stack, or of those in `only` and their dependencies.

    Without inputs everything is built. Raises RequestError for names in `only` that no enabled image has, all at once.
    """
    chosen = choose(stack, only)
    if inputs is None:
        return _plan(stack, chosen, [_plan_image(stack, image, _from_source(stack, image, only)) for image in chosen])
    keys = {name: key.key for name, key in inputs.keys.items()}
    decisions = decide(stack, chosen, inputs)
    images = (
        _plan_image(stack, image, decision, keys.get(image.name))
        for image, decision in zip(chosen, decisions, strict=True)
    )
    return _plan(stack, chosen, images)


def _plan(stack: Stack, chosen: Sequence[Image], images: Iterable[ImagePlan]) -> Plan:
    lacking = [image.name for image in chosen if lacks_git_folder(image)]
    note = (
        f"{', '.join(lacking)}: the .git of the source tree is left out of the build context, unlike in Docker. "
        "Write .git in the context's ignore file."
    )
    return Plan(images=tuple(images), notes=(*stack.warnings, *([note] if lacking else [])))


def choose(stack: Stack, only: Sequence[str]) -> tuple[Image, ...]:
    """Return the named images with their dependencies, or the whole stack. RequestError as `make_plan`."""
    check_names(stack, only)
    return stack.closure(only) if only else stack.images


def check_suites(stack: Stack, image: str, suites: Sequence[str]) -> None:
    """Raise RequestError unless an image has suites that run here, and each of `suites` matches one of them.

    A name is a kind or `origin/kind`. A name without a match would test nothing, and end green.
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


def _plan_image(stack: Stack, image: Image, decision: Decision, key: str | None = None) -> ImagePlan:
    return ImagePlan(
        name=image.name,
        parent=image.parent,
        needs=image.needs,
        foreign_bases=image.foreign_bases,
        action=decision.action,
        reason=str(decision.reason),
        suites=tuple(suite.name for suite in stack.suites_of(image.name)),
        key=key,
        digest=decision.digest,
        retest=decision.retest,
    )


def _from_source(stack: Stack, image: Image, only: Sequence[str]) -> Decision:
    if not image.enabled:
        reason = Reason(cause=Cause.DISABLED, detail=image.disabled_reason)
        return Decision(name=image.name, action=Action.DISABLED, reason=reason)
    detail = _asked_for(stack, image, only)
    return Decision(name=image.name, action=Action.BUILD, reason=Reason(cause=Cause.ASKED_FOR, detail=detail))


def _asked_for(stack: Stack, image: Image, only: Sequence[str]) -> str:
    if not only:
        return "the whole stack is built"
    if image.name in only:
        return "named by --only"
    users = [name for name in only if image in stack.closure([name])]
    return f"needed by {', '.join(users)}"


def check_names(stack: Stack, names: Sequence[str]) -> None:
    """Raise one RequestError for all names that no enabled image of the stack has."""
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
