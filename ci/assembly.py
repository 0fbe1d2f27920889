"""Puts the parts together for one call: the stack and its history, the registry, the plan, the run. No decisions."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple, Self

import anyio
import dagger
import msgspec
from dagger import dag

from ci.adapters.engine.bases import EngineBases
from ci.adapters.engine.builder import EngineBuilder
from ci.adapters.engine.registry import EngineRegistry
from ci.adapters.engine.source import FolderTree, fetch_tree
from ci.adapters.engine.telemetry import TelemetryProgress
from ci.adapters.engine.tester import EngineTester, tools_digest
from ci.adapters.history import read_history
from ci.adapters.registry.access import Access, Credentials
from ci.adapters.registry.registry import HttpRegistry
from ci.errors import ExternalError, RequestError
from ci.pipeline.places import Places, stack_tag
from ci.pipeline.publishing import Publisher, Stamp
from ci.pipeline.run import Ports, Run, RunRequest
from ci.pipeline.survey import Shelf, Sources, SurveyRequest, survey
from ci.planning.changes import History, changed_images, list_some
from ci.planning.plan import ImagePlan, Plan, check_names, choose, make_plan
from ci.planning.reasons import Facts
from ci.results import RunReport
from ci.stack.model import Stack
from ci.stack.reading import read_stack
from ci.stack.using import Using

ALL = "all"


class RegistryWish(NamedTuple):
    """How a user names the registry. An empty name is that of stack.toml."""

    name: str = ""
    username: str = ""
    password: dagger.Secret | None = None
    service: dagger.Service | None = None


class PlanWish(NamedTuple):
    """What a user wants planned: of which images, forced how, compared with which commits."""

    only: Sequence[str] = ()
    rebuild: Sequence[str] = ()
    refresh: bool = False
    epoch: str = ""
    base: str = ""
    head: str = ""


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

    async def history(self, wish: PlanWish) -> History:
        """Return what git knows of the tree."""
        return await anyio.to_thread.run_sync(read_history, self.tree.root, wish.base, wish.head)


class Planned(NamedTuple):
    """A plan, and what it was made from."""

    plan: Plan
    facts: Facts
    history: History
    now: str
    epoch: str


class Opened(NamedTuple):
    """The registry of a stack, as we and as the engine reach it."""

    shelf: Shelf
    engine: EngineRegistry


@asynccontextmanager
async def open_registry(stack: Stack, wish: RegistryWish) -> AsyncIterator[Opened | None]:
    """Open the registry of a stack; None if neither the user nor the stack names one. Raises RequestError."""
    name = wish.name or stack.registry
    if not name:
        if wish.username or wish.service:
            raise RequestError("Which registry? Name it with --registry, or as stack.registry in stack.toml.")
        yield None
        return
    if bool(wish.username) != bool(wish.password):
        raise RequestError("A login has two parts: give --registry-username and --registry-password, or neither.")
    places = Places(registry=name)
    host = places.repository("any").host
    credentials, secret = None, None
    if wish.password:
        # A password that was read from a file often ends with the file's last newline.
        password = (await wish.password.plaintext()).rstrip("\r\n")
        credentials = Credentials(username=wish.username, password=password)
        secret = dag.set_secret("registry-password", password)
    address = await _address(wish.service) if wish.service else ""
    access = Access(host=host, credentials=credentials, address=address)
    async with HttpRegistry(access) as registry:
        shelf = Shelf(registry=registry, places=places, has_login=credentials is not None)
        yield Opened(shelf, EngineRegistry(host, wish.username, secret, wish.service, stack.compression))


async def _address(service: dagger.Service) -> str:
    try:
        await service.start()
        return await service.endpoint(scheme="http")
    except dagger.QueryError as error:
        raise ExternalError(f"--registry-service cannot be reached: {error}") from error


async def plan_project(project: Project, opened: Opened | None, wish: PlanWish) -> Planned:
    """Ask everybody who knows something, and decide."""
    stack = project.stack
    check_names(stack, [name for name in wish.rebuild if name != ALL])
    if opened is not None:
        await opened.engine.login()
    now = _now()
    epoch = wish.epoch or (now if wish.refresh else "")
    history = await project.history(wish)
    images = choose(stack, wish.only)
    rebuild = [image.name for image in images] if ALL in wish.rebuild else wish.rebuild
    sources = Sources(stack, project.tree, history, tools_digest())
    request = SurveyRequest(rebuild=rebuild, epoch=epoch)
    facts = await survey(sources, images, EngineBases(), opened.shelf if opened else None, request)
    return Planned(make_plan(stack, facts, only=wish.only), facts, history, now, epoch)


def make_publisher(project: Project, opened: Opened | None, planned: Planned) -> Publisher:
    """Return what publishes a plan. Raises RequestError for all that stands against it, before anything is built."""
    stack, history = project.stack, planned.history
    problems: list[str] = []
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
    if problems or opened is None:
        raise RequestError("Nothing can be published like this.\n" + "\n".join(problems))
    stamp = Stamp(
        tag=stack_tag(stack.version, history.commit or ""),
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
    publisher = make_publisher(project, opened, planned) if wish.publish else None
    if publisher is not None:
        if not wish.test:
            raise RequestError("What was not tested is not published: --publish goes without --test=false.")
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
        using=_using(plan, opened, planned.facts),
        commit=planned.history.commit,
        changed=changed_images(project.stack, planned.history.changes),
    )
    ports = Ports(builder, tester, TelemetryProgress(), publisher)
    return await Run(plan, project.stack, ports, request).report(), tester


async def run_sources(project: Project, plan: Plan, image: str, suites: Sequence[str], *, retest: bool) -> RunReport:
    """Build a plan from its sources, nobody being asked what is published, and run suites of one image."""
    builder = EngineBuilder(project.source)
    now = _now()
    request = RunRequest(
        jobs=_jobs(0), started=now, tested=(image,), suites=tuple(suites), retest=now if retest else ""
    )
    ports = Ports(builder, EngineTester(project.source, builder), TelemetryProgress())
    return await Run(plan, project.stack, ports, request).report()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _jobs(wanted: int) -> int:
    # The function's container sees all cores of the engine's machine.
    return wanted or len(os.sched_getaffinity(0))


def _retested(image: ImagePlan) -> ImagePlan:
    return msgspec.structs.replace(image, retest=image.digest is not None)


def _using(plan: Plan, opened: Opened | None, facts: Facts) -> Using:
    published = {}
    if opened is not None:
        published = {
            name: str(opened.shelf.places.repository(name).pinned(digest)) for name, digest in plan.reused.items()
        }
    digests = {base: digest for key in facts.keys.values() for base, digest in key.bases.items() if digest}
    epochs = {name: key.epoch for name, key in facts.keys.items() if key.epoch}
    return Using(published=published, digests=digests, epochs=epochs)
