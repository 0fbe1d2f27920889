"""`plan`: what would be done with each image, and why."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from ci.build.ports import Builder, Inspector
from ci.build.progress import Progress
from ci.build.suite_ports import Tester
from ci.clock import Clock
from ci.commands.options import EVERY_IMAGE, BuildOptions
from ci.oci.concurrency import gather_or_raise
from ci.planning.cache_key import ImageKey, make_keys
from ci.planning.changes import Changed, History, Unknown
from ci.planning.decisions import Absent, Answer, NoAnswer, NoRegistry, PlanInputs, Record
from ci.planning.pipeline import Pipeline
from ci.planning.plan import Plan, check_names, choose, make_plan
from ci.planning.secrets import check_secrets
from ci.publish.refresh import refresh_epoch
from ci.publish.registry_state import (
    REQUESTS_AT_ONCE,
    RegistrySession,
    find_last_records,
    find_never_published,
    find_published,
    find_whole,
    read_refresh_markers,
)
from ci.stack.image import Image
from ci.stack.model import Stack, Tree
from ci.stack.stack_tag import StackTag

_NO_REGISTRY_NOTE = (
    "Every image is built: no registry is named to reuse images from. Name it with --registry, or as stack.registry in "
    "stack.toml."
)
_FIRST_NOTE = (
    "Nothing of this stack is published in {registry} yet. `build-stack --publish` publishes it; then images whose "
    "content is the same are reused."
)


class BuildPorts(NamedTuple):
    """The outside world, as planning and building see it."""

    base_digest: Callable[[str], Awaitable[str | None]]
    """The digest that a build would get now for a foreign base; None where that cannot be known."""
    history: Callable[[str, str], Awaitable[History]]
    """What git knows of the source tree, from a base commit to a head; empty names for the defaults."""
    registry: RegistrySession | None
    builder: Builder
    tester: Tester
    inspector: Inspector
    progress: Progress
    pipeline: Pipeline
    jobs: int
    """How many tasks run at once by default."""
    clock: Clock = Clock()

    def timestamp(self) -> str:
        """Return the time now, RFC 3339, UTC."""
        return datetime.fromtimestamp(self.clock.now(), UTC).isoformat(timespec="seconds")


async def plan_stack(stack: Stack, tree: Tree, options: BuildOptions, ports: BuildPorts) -> Plan:
    """Return the plan. Raises RequestError for names that no image has and for missing secrets, and ExternalError."""
    inputs = await collect_inputs(stack, tree, options, ports)
    plan = make_plan(stack, inputs, only=options.only)
    check_secrets(stack, plan, options.secrets)
    return replace(plan, notes=(*_reuse_notes(inputs, ports.registry), *plan.notes))


def _reuse_notes(inputs: PlanInputs, session: RegistrySession | None) -> tuple[str, ...]:
    """Return what would make images be reused, if nothing can be yet."""
    if session is None:
        return (_NO_REGISTRY_NOTE,)
    answers = inputs.answers.values()
    is_first = bool(answers) and all(isinstance(answer, Absent) and answer.always for answer in answers)
    return (_FIRST_NOTE.format(registry=session.tags.registry),) if is_first else ()


async def collect_inputs(stack: Stack, tree: Tree, options: BuildOptions, ports: BuildPorts) -> PlanInputs:
    """Collect what a plan is made from: git's history, digests of foreign bases, keys, what the registry has."""
    every = [word for word in EVERY_IMAGE if word not in stack.by_name]
    check_names(stack, [*options.only, *(name for name in options.rebuild if name not in every)])
    with ports.progress.work("read the history of git"):
        history = await ports.history(options.base, options.head)
    images = choose(stack, options.only)
    names = [image.name for image in images if image.enabled]
    session = ports.registry
    with ports.progress.work("look up the foreign base images"):
        digests = await _base_digests(images, ports)
    epoch = options.epoch or (await _refresh_epoch(stack, ports) if options.refresh else "")
    epochs = await _epochs(names, session, epoch, required=options.publish)
    known = {name: value for name, value in epochs.items() if not isinstance(value, NoAnswer)}
    keys = make_keys(stack, tree, images, digests, ports.pipeline, epochs=known)
    silent = {name: value for name, value in epochs.items() if isinstance(value, NoAnswer)}
    asked = [image for image in images if image.name in known]
    answers = {**silent, **await _published(asked, keys, session)}
    if session is not None:
        answers = dict(await find_whole(session, [image for image in images if image.enabled], keys, answers))
    absent = [name for name, answer in answers.items() if isinstance(answer, Absent)]
    records = await _last_records(stack, history, names, session) if session and absent else None
    # A request for each image. Where git knows what changed, only the first publication reads better by it.
    if session and records is None and (isinstance(history.changes, Unknown) or len(absent) == len(names)):
        answers.update(await find_never_published(session, absent))
    return PlanInputs(
        keys=keys,
        answers=answers,
        history=history,
        records=records,
        forced=frozenset(names if set(every) & set(options.rebuild) else options.rebuild),
        refresh_epoch=epoch,
        epochs=known,
    )


async def _base_digests(images: Sequence[Image], ports: BuildPorts) -> Mapping[str, str | None]:
    references = tuple(
        dict.fromkeys(reference for image in images if image.enabled for reference in image.foreign_bases)
    )
    digests = await gather_or_raise(ports.base_digest, references, REQUESTS_AT_ONCE)
    return dict(zip(references, digests, strict=True))


async def _refresh_epoch(stack: Stack, ports: BuildPorts) -> str:
    first = next((image.name for image in stack.images if image.enabled), None)
    if ports.registry is None or first is None:
        return ports.timestamp()
    session = ports.registry
    return await refresh_epoch(session.registry, session.tags.place(first), ports.timestamp())


async def _epochs(
    names: Sequence[str], session: RegistrySession | None, epoch: str, *, required: bool
) -> Mapping[str, str | NoAnswer]:
    if epoch or session is None:
        return dict.fromkeys(names, epoch)
    return await read_refresh_markers(session, names, required=required)


async def _published(
    images: Sequence[Image], keys: Mapping[str, ImageKey], session: RegistrySession | None
) -> Mapping[str, Answer]:
    if session is None:
        return {image.name: NoRegistry() for image in images}
    return await find_published(session, images, keys)


async def _last_records(
    stack: Stack, history: History, names: Sequence[str], session: RegistrySession
) -> Mapping[str, Record] | None:
    """Return what was published last, of this commit or of the one that it is compared with."""
    if not stack.version:
        return None
    base = history.changes.base if isinstance(history.changes, Changed) else ""
    tags = {str(StackTag.of_commit(stack.version, commit)): commit for commit in (history.commit, base) if commit}
    return await find_last_records(session, names, tags)
