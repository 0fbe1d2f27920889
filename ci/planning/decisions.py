"""What is done with each image, and why, in one pass from the images without dependencies up.

Anything unknown means that an image is built, and with it all images that depend on it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import assert_never

import msgspec

from ci.errors import first_few
from ci.planning.cache_key import ImageKey
from ci.planning.changes import Changed, History, Unknown, changed_files, changed_settings, changed_stack_files
from ci.stack.image import Image
from ci.stack.model import Stack

_DIGEST_SHOWN = 12


class Action(StrEnum):
    """What a run does with an image."""

    BUILD = "build"
    REUSE = "reuse"
    """An image with its cache key is published: that one is used."""
    DISABLED = "disabled"


class Cause(StrEnum):
    """Why it does that. The causes to build are in order, after a first build: the first that applies is shown."""

    PIPELINE = "pipeline changed"
    """The last published image was built by other code of this pipeline, or by another engine."""
    FILES = "files changed"
    PARENT = "parent changes"
    OTHER_PARENT = "other parent"
    """It was built on another build of an image that it depends on than the one that is reused."""
    BASE = "base moved"
    BUILD_ARG = "build arg"
    EPOCH = "epoch"
    FORCED = "forced"
    STACK_FILES = "stack files changed"
    SETTINGS = "settings changed"
    """Some line of stack.toml, and nothing else that is known."""
    NEVER_PUBLISHED = "never published"
    REGISTRY = "registry did not answer"
    NO_REGISTRY = "no registry"
    """None is named, so nothing can be reused."""
    NO_HISTORY = "no history"
    PUBLISHED = "published"
    ASKED_FOR = "asked for"
    """The registry was not asked what is published."""
    DISABLED = "disabled"


# Causes of a first build, or of one that nothing can be reused for.
_NOTHING_THERE = frozenset({Cause.NEVER_PUBLISHED, Cause.REGISTRY, Cause.NO_REGISTRY})


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A cause and its detail, on one line."""

    cause: Cause
    detail: str

    def __str__(self) -> str:
        # The action already says what these two causes would.
        if self.cause in {Cause.ASKED_FOR, Cause.DISABLED}:
            return self.detail
        return f"{self.cause}: {self.detail}" if self.detail else self.cause


class Present(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The registry has an image with the key."""

    digest: str
    tested: bool = True
    """Whether it passed the suites in their present state."""
    needs: Mapping[str, str] = {}
    """The digests of the stack's images that it was built from or copies from, by name, as its attestation says."""
    unnamed: bool = False
    """It passed in a run that was interrupted before it wrote the cache tag."""


class Absent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The registry has no such image; with `always`, it never had any image of this name."""

    always: bool = False


class NoAnswer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The registry did not say. `why` is a sentence."""

    why: str


class NoRegistry(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """There is no registry to reuse images from."""


Answer = Present | Absent | NoAnswer | NoRegistry
"""What is known of an image's key in the registry."""
_NOT_ASKED = NoAnswer(why="it was not asked")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the last published image of a name was built from, as its run record says."""

    commit: str
    epoch: str
    build_args: Mapping[str, str]
    bases: Mapping[str, str]
    """The digests of its foreign bases by reference."""
    image_code: str = ""
    """A digest of the code that built it; empty, as is the next, if it was not recorded."""
    engine: str = ""


class PlanInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan is decided from. All mappings are by image name."""

    keys: Mapping[str, ImageKey]
    """A missing image means that its key is unknown."""
    answers: Mapping[str, Answer]
    """What the registry has under each key. A missing image means no answer."""
    history: History
    records: Mapping[str, Record] | None
    """None if it is unknown what was published last."""
    forced: Collection[str] = ()
    """The images that are built whatever is published."""
    refresh_epoch: str = ""
    """Set if everything is fetched again: the cache epoch that all keys have in this run."""
    epochs: Mapping[str, str] = {}
    """The cache epochs that images have of their own."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What is done with an image. `digest` is that of a reused image; with `retest` it is tested again."""

    name: str
    action: Action
    reason: Reason
    digest: str | None = None
    retest: bool = False


def decide(stack: Stack, images: Sequence[Image], inputs: PlanInputs) -> tuple[Decision, ...]:
    """Decide what to do with each image. They are in the stack's order, with all their dependencies."""
    changed = inputs.history.changes if isinstance(inputs.history.changes, Changed) else Changed(base="", paths=())
    files = changed_files(stack, changed)
    stack_files = changed_stack_files(stack, changed)
    settings = changed_settings(changed)
    built: dict[str, Cause] = {}
    reused: dict[str, str] = {}
    decisions: list[Decision] = []
    for image in images:
        rebuilt = [name for name in image.needs if name in built]
        answer = inputs.answers.get(image.name, _NOT_ASKED)
        if not image.enabled:
            reason = Reason(cause=Cause.DISABLED, detail=image.disabled_reason)
            decisions.append(Decision(name=image.name, action=Action.DISABLED, reason=reason))
        elif (
            isinstance(answer, Present)
            and _may_be_reused(image, inputs)
            and not rebuilt
            and not other_parents(image, answer, reused)
        ):
            reused[image.name] = answer.digest
            decisions.append(_reuse(image, answer))
        else:
            is_first = not isinstance(answer, Present) and image.name not in (inputs.records or {})
            # Where nothing is there to reuse, a parent changes nothing.
            changing = [one for one in rebuilt if not is_first or built[one] not in _NOTHING_THERE]
            causes = (
                _first_build(image, inputs, answer),
                _other_pipeline(image, inputs, answer),
                _listed(Cause.FILES, files.get(image.name, ())),
                _listed(Cause.PARENT, changing),
                _listed(Cause.OTHER_PARENT, _other_parents(image, answer, reused, inputs)),
                *_differences(image, inputs),
                _listed(Cause.FORCED, ["--rebuild"] if image.name in inputs.forced else []),
                _listed(Cause.EPOCH, ["--refresh"] if inputs.refresh_epoch else []),
                _listed(Cause.STACK_FILES, stack_files),
                _listed(Cause.SETTINGS, settings if isinstance(answer, Absent) else ()),
            )
            reason = next((cause for cause in causes if cause), None) or _unpublished(image, inputs, answer)
            built[image.name] = reason.cause
            decisions.append(Decision(name=image.name, action=Action.BUILD, reason=reason))
    return tuple(decisions)


def _first_build(image: Image, inputs: PlanInputs, answer: Answer) -> Reason | None:
    """Return the reason for an image of which nothing was published yet: then what changed in it is no reason."""
    is_new = inputs.records is not None and image.name not in inputs.records
    if isinstance(answer, Absent) and (answer.always or is_new):
        return Reason(cause=Cause.NEVER_PUBLISHED, detail="first build")
    return None


def _may_be_reused(image: Image, inputs: PlanInputs) -> bool:
    own = inputs.keys.get(image.name)
    return own is not None and own.key is not None and image.name not in inputs.forced


def other_parents(image: Image, answer: Present, reused: Mapping[str, str]) -> tuple[str, ...]:
    """Return the images that an image depends on of which it was built on another build than the one in `reused`."""
    return tuple(name for name in image.needs if answer.needs.get(name) != reused.get(name))


def _other_parents(image: Image, answer: object, reused: Mapping[str, str], inputs: PlanInputs) -> Sequence[str]:
    if not isinstance(answer, Present) or not _may_be_reused(image, inputs):
        return ()
    return [
        f"built on {name} {_short(answer.needs[name])}; {_short(reused[name])} is published"
        if name in answer.needs
        else f"it is not recorded which build of {name} it was built on"
        for name in other_parents(image, answer, reused)
        if name in reused
    ]


def _reuse(image: Image, answer: Present) -> Decision:
    detail = f"{_short(answer.digest)} has this content"
    if not answer.tested:
        detail += "; its tests changed"
    if answer.unnamed:
        detail += ", from an interrupted run"
    return Decision(
        name=image.name,
        action=Action.REUSE,
        digest=answer.digest,
        retest=not answer.tested,
        reason=Reason(cause=Cause.PUBLISHED, detail=detail),
    )


def _listed(cause: Cause, items: Sequence[str]) -> Reason | None:
    return Reason(cause=cause, detail=first_few(items)) if items else None


def _other_pipeline(image: Image, inputs: PlanInputs, answer: Answer) -> Reason | None:
    """Compare the pipeline with the one that built the last published image."""
    record, own = (inputs.records or {}).get(image.name), inputs.keys.get(image.name)
    if record is None or own is None or not isinstance(answer, Absent):
        return None
    now = own.pipeline
    parts = ["the code that builds images"] if record.image_code != now.image_code else []
    if record.engine not in {"", now.engine}:
        parts.append(f"the engine {record.engine} -> {now.engine}")
    return _listed(Cause.PIPELINE, parts)


def _differences(image: Image, inputs: PlanInputs) -> Iterator[Reason | None]:
    """Compare with what the last published image was built from."""
    record, own = (inputs.records or {}).get(image.name), inputs.keys.get(image.name)
    if record is None or own is None:
        return
    now = {name: digest for name, digest in own.bases.items() if digest is not None}
    moved = [name for name, digest in now.items() if record.bases.get(name, digest) != digest]
    yield _listed(Cause.BASE, [f"{name} {_short(record.bases[name])} -> {_short(now[name])}" for name in moved])
    old, new = record.build_args, image.build_args
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    yield _listed(Cause.BUILD_ARG, [f"{name} {_or_none(old.get(name))} -> {_or_none(new.get(name))}" for name in names])
    if record.epoch != own.epoch:
        yield Reason(cause=Cause.EPOCH, detail=f"{record.epoch or 'none'} -> {own.epoch or 'none'}")


def _unpublished(image: Image, inputs: PlanInputs, answer: Answer) -> Reason:
    """Return the reason for an image without a known change."""
    own = inputs.keys.get(image.name)
    if own and own.unknown:
        unknown = own.unknown
        return Reason(cause=Cause.REGISTRY, detail=f"the digest of {first_few(unknown)} is unknown")
    match answer:
        case NoRegistry():
            return Reason(cause=Cause.NO_REGISTRY, detail="")
        case NoAnswer():
            return Reason(cause=Cause.REGISTRY, detail=answer.why)
        case Absent() | Present():
            return _absent(image, inputs)
    assert_never(answer)


def _absent(image: Image, inputs: PlanInputs) -> Reason:
    record = (inputs.records or {}).get(image.name)
    if isinstance(inputs.history.changes, Unknown):
        return Reason(cause=Cause.NO_HISTORY, detail=inputs.history.changes.why)
    since = f"; the last one is from commit {record.commit[:7]}" if record else ""
    return Reason(cause=Cause.NEVER_PUBLISHED, detail=f"no image with this content{since}")


def _or_none(value: str | None) -> str:
    return "none" if value is None else repr(value)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_DIGEST_SHOWN]
