"""Puts together what plans and runs a stack: its history, the registry, the engine. No decisions."""

import os
from collections.abc import Sequence
from typing import NamedTuple, Self

import anyio
import dagger
import msgspec

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.registry import EngineBases
from ci.adapters.dagger_engine.source import FolderTree, fetch_tree
from ci.adapters.dagger_engine.telemetry import TelemetryProgress
from ci.adapters.dagger_engine.tester import EngineTester, tools_digest
from ci.adapters.git import read_history
from ci.build.runner import Ports, Run, RunRequest
from ci.commands.registry import Opened, now
from ci.errors import RequestError
from ci.fusion.substitutions import Substitutions
from ci.planning.changes import History, changed_images, list_some
from ci.planning.decisions import PlanInputs
from ci.planning.plan import ImagePlan, Plan, check_names, choose, make_plan
from ci.publish.publisher import Publisher, ReleaseMetadata
from ci.publish.registry_state import Sources, SurveyRequest, survey
from ci.results import RunReport
from ci.stack.model import Stack
from ci.stack.reader import read_stack
from ci.stack.stack_tag import StackTag


class Project:
    """A source tree in the engine, and the stack in it."""

    def __init__(self, source: dagger.Directory, tree: FolderTree, stack: Stack) -> None:
        self.source = source
        self.tree = tree
        self.stack = stack

    @classmethod
    async def read(cls, source: dagger.Directory, images: str) -> Self:
        """Bring the tree over and read the stack. Raises SpecError and ExternalError."""
        tree = await fetch_tree(source)
        return cls(source, tree, read_stack(tree, images))


ALL = "all"


class PlanWish(NamedTuple):
    """What a user wants planned: of which images, forced how, compared with which commits."""

    only: Sequence[str] = ()
    rebuild: Sequence[str] = ()
    refresh: bool = False
    epoch: str = ""
    base: str = ""
    head: str = ""


class Planned(NamedTuple):
    """A plan, and what it was made from."""

    plan: Plan
    facts: PlanInputs
    history: History
    now: str
    epoch: str


async def plan_project(project: Project, opened: Opened | None, wish: PlanWish, *, publishes: bool = False) -> Planned:
    """Ask everybody who knows something, and decide."""
    stack = project.stack
    check_names(stack, [*wish.only, *(name for name in wish.rebuild if name != ALL)])
    if opened is not None:
        await opened.engine.login()
    begun = now()
    epoch = wish.epoch or (begun if wish.refresh else "")
    history = await anyio.to_thread.run_sync(read_history, project.tree.root, wish.base, wish.head)
    images = choose(stack, wish.only)
    rebuild = [image.name for image in images] if ALL in wish.rebuild else wish.rebuild
    sources = Sources(stack, project.tree, history, tools_digest())
    request = SurveyRequest(rebuild=rebuild, epoch=epoch, publishes=publishes)
    facts = await survey(sources, images, EngineBases(), opened.shelf if opened else None, request)
    return Planned(make_plan(stack, facts, only=wish.only), facts, history, begun, epoch)


def make_publisher(project: Project, opened: Opened | None, planned: Planned, *, tests: bool) -> Publisher:
    """Return what publishes a plan. Raises RequestError for all that stands against it, before anything is built."""
    stack, history = project.stack, planned.history
    problems: list[str] = []
    if not tests:
        problems.append("What was not tested is not published: --publish goes without --test=false.")
    if opened is None:
        problems.append("No registry is named: name it with --registry, or as stack.registry in stack.toml.")
    if history.commit is None or history.dirty:
        problems.append(
            "The images are published under the name of a commit, and the source tree is none: commit what is changed. "
            "`git status` lists it."
        )
    if len(planned.plan.images) < len(stack.images):
        problems.append("A tag names a whole stack: --publish goes without --only.")
    unknown = dict.fromkeys(base for key in planned.facts.keys.values() for base in key.unknown)
    if unknown:
        problems.append(f"The engine cannot find what is to be built on: {list_some(tuple(unknown))}.")
    if not stack.version:
        problems.append("Publishing needs a version for the tag, VERSION-COMMIT: set stack.version in stack.toml.")
    if problems or opened is None:
        raise RequestError("Nothing can be published like this.\n" + "\n".join(problems))
    stamp = ReleaseMetadata(
        tag=str(StackTag.of_commit(stack.version, history.commit or "")),
        commit=history.commit or "",
        created=planned.now,
        source=stack.source,
        epoch=planned.epoch,
    )
    return Publisher(opened.shelf.registry, opened.shelf.places, stamp, stack, planned.facts.keys)


class RunWish(NamedTuple):
    """How a user wants a plan run."""

    jobs: int = 0
    test: bool = True
    retest: bool = False
    describe: bool = False
    publish: bool = False


async def run_project(
    project: Project, opened: Opened | None, planned: Planned, wish: RunWish
) -> tuple[RunReport, EngineTester]:
    """Run a plan. The tester has what the tests left for a person."""
    publisher = make_publisher(project, opened, planned, tests=wish.test) if wish.publish else None
    if publisher is not None:
        await publisher.preflight(planned.plan.enabled)
    plan = planned.plan
    if wish.retest:
        plan = msgspec.structs.replace(plan, images=tuple(_retested(image) for image in plan.images))
    builder = EngineBuilder(project.source, opened.engine if opened else None)
    tester = EngineTester(project.source, builder)
    request = RunRequest(
        jobs=_jobs(wish.jobs),
        started=planned.now,
        describe=wish.describe,
        tested=plan.to_test if wish.test else (),
        retest=planned.now if wish.retest else "",
        substitutions=_using(plan, opened, planned.facts),
        commit=planned.history.commit,
        changed=changed_images(project.stack, planned.history.changes),
    )
    ports = Ports(builder, tester, TelemetryProgress(), publisher)
    return await Run(plan, project.stack, ports, request).report(), tester


async def run_sources(project: Project, plan: Plan, image: str, suites: Sequence[str], *, retest: bool) -> RunReport:
    """Build a plan from its sources, nobody being asked what is published, and run suites of one image."""
    builder = EngineBuilder(project.source)
    begun = now()
    request = RunRequest(
        jobs=_jobs(0), started=begun, tested=(image,), suites=tuple(suites), retest=begun if retest else ""
    )
    ports = Ports(builder, EngineTester(project.source, builder), TelemetryProgress())
    return await Run(plan, project.stack, ports, request).report()


def _jobs(wanted: int) -> int:
    # The function's container sees all cores of the engine's machine.
    return wanted or len(os.sched_getaffinity(0))


def _retested(image: ImagePlan) -> ImagePlan:
    return msgspec.structs.replace(image, retest=image.digest is not None)


def _using(plan: Plan, opened: Opened | None, facts: PlanInputs) -> Substitutions:
    published = {}
    if opened is not None:
        published = {
            name: str(opened.shelf.places.repository(name).pinned(digest)) for name, digest in plan.reused.items()
        }
    digests = {base: digest for key in facts.keys.values() for base, digest in key.bases.items() if digest}
    epochs = {name: key.epoch for name, key in facts.keys.items() if key.epoch}
    return Substitutions(published=published, digests=digests, epochs=epochs)
