"""A stack in its source tree with a registry in memory, and what may happen to the commands that run on it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeVar

from ci.clock import Clock
from ci.commands.build import build_stack
from ci.commands.options import BuildOptions
from ci.commands.plan import BuildPorts
from ci.errors import StackError
from ci.oci.reference import Reference, Repository
from ci.oci.registry import AccessError, Manifest, digest_of
from ci.planning.changes import Changed, History
from ci.publish.registry_state import RegistrySession
from ci.publish.tags import TagLayout
from ci.results import RunReport
from ci.stack.model import Stack, Tree
from ci.stack.reader import read_stack
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.publish.pipeline_harness import OWN, Engine, Form, with_form
from tests.integration.publish.whole import mixed
from tests.unit.build.fakes import FakeInspector, FakeTester, KeptProgress
from tests.unit.planning.sample_keys import PIPELINE
from tests.unit.trees import MemoryTree

HOST = "registry.example"
T = TypeVar("T")


class Fault(StrEnum):
    """What happens at one write request of a run."""

    NONE = "none"
    KILLED = "killed"
    KILLED_AFTER = "killed after it"
    REFUSED = "refused"
    SECOND_WRITER = "a second run from its beginning to its end"


class Step(NamedTuple):
    """One run of the publish command, what changed before it, and what happens to it."""

    options: BuildOptions
    changed: int
    new_commit: bool
    failing: int
    clean_up: bool
    later: timedelta
    fault: Fault
    where: str
    """Only write requests with this in their reference count."""
    at: int


PLAIN = Step(
    options=BuildOptions(publish=True),
    changed=99,
    new_commit=False,
    failing=99,
    clean_up=False,
    later=timedelta(),
    fault=Fault.NONE,
    where="",
    at=0,
)


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, no clean-up either."""


class Registry(MemoryRegistry):
    """A registry as one process sees it: at one of its write requests, something happens."""

    def __init__(self, contents: Contents, world: "World", step: Step) -> None:
        super().__init__(contents)
        self._world = world
        self._step = step
        self._writes = 0
        self._is_dead = False
        self._is_struck = False

    async def put(self, reference: Reference, manifest: Manifest) -> str:
        await self._at_write(str(reference))
        digest = await super().put(reference, manifest)
        self._written()
        return digest

    async def put_blob(self, repository: Repository, content: bytes) -> str:
        await self._at_write(str(repository))
        digest = await super().put_blob(repository, content)
        self._written()
        return digest

    async def delete(self, reference: Reference) -> None:
        await self._at_write(str(reference))
        await super().delete(reference)
        self._written()

    def _called(self, verb: str, about: Reference | Repository) -> None:
        if self._is_dead:
            raise Killed
        super()._called(verb, about)

    async def _at_write(self, about: str) -> None:
        if self._is_dead:
            raise Killed
        self._is_struck = False
        if self._step.where not in about:
            return
        self._writes += 1
        if self._writes != self._step.at:
            return
        self._is_struck = True
        match self._step.fault:
            case Fault.KILLED:
                self._is_dead = True
                raise Killed
            case Fault.REFUSED:
                raise AccessError(f"this account may not write {about}")
            case Fault.SECOND_WRITER:
                await self._world.run(self._step._replace(fault=Fault.NONE))
            case Fault.NONE | Fault.KILLED_AFTER:
                pass

    def _written(self) -> None:
        if self._is_struck and self._step.fault is Fault.KILLED_AFTER:
            self._is_dead = True
            raise Killed


class FixedClock(Clock):
    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> float:
        return self._moment.timestamp()


class World:
    """A stack in its source tree, and its registry."""

    def __init__(self, parents: Mapping[str, str], form: Form = OWN, twins: Collection[str] = ()) -> None:
        self.parents = parents
        self.form = form
        self.layout = TagLayout(registry=f"{HOST}/stack", places=form)
        self.contents = Contents()
        self.moment = datetime(2026, 11, 25, 7, tzinfo=UTC)
        self.commit = 1
        self.runs = 0
        self.files = {
            "images/stack.toml": '[stack]\nversion = "2026.4"\nrebuild-all = []\n',
            "images/tests_common/image/test_a.py": "",
        }
        for name, parent in parents.items():
            self.files[f"images/{name}/Dockerfile"] = f"FROM {parent}\nRUN {'twin' if name in twins else name}\n"

    async def run(self, step: Step) -> RunReport | None:
        """Run the command; None if it was killed or refused to begin. A green one must leave a whole stack."""

        async def build(stack: Stack, tree: Tree, ports: BuildPorts) -> RunReport:
            return (await build_stack(stack, tree, step.options, ports)).report

        report = await self.attempt(step, build)
        if report is not None and report.exit_code == 0:
            self.check(self.tag)
        return report

    @property
    def tag(self) -> str:
        return f"2026.4-{self.commit:07x}"

    async def attempt(self, step: Step, command: Callable[[Stack, Tree, BuildPorts], Awaitable[T]]) -> T | None:
        """Run a command on an engine of its own; None if it was killed or refused to begin."""
        self.runs += 1
        tree = MemoryTree(self.files)
        with suppress(StackError):
            try:
                return await command(with_form(read_stack(tree), self.form), tree, self.ports(step))
            except* Killed:
                pass
        return None

    def ports(self, step: Step) -> BuildPorts:
        names = list(self.parents)
        registry = Registry(self.contents, self, step)
        failing = names[step.failing % len(names)] if step.failing < len(names) else ""
        commit = f"{self.commit:07x}".ljust(40, "0")

        async def history(base: str, head: str) -> History:  # noqa: ARG001 (a protocol's)
            return History(commit=commit, dirty=False, changes=Changed(base="b" * 40, paths=()))

        async def base_digest(reference: str) -> str:
            return digest_of(reference.encode())

        return BuildPorts(
            base_digest=base_digest,
            history=history,
            registry=RegistrySession(registry, self.layout, has_login=True),
            builder=Engine(registry, self.runs),
            tester=FakeTester(failing=f"{failing} common/image"),
            inspector=FakeInspector(),
            progress=KeptProgress(),
            pipeline=PIPELINE,
            jobs=1,
            clock=FixedClock(self.moment),
        )

    def check(self, tag: str) -> None:
        assert self.mixed(tag) == []

    def mixed(self, tag: str) -> list[str]:
        """Return what is wrong with the stack of a tag; all images have it."""
        references = {name: self.layout.tag(name, tag) for name in self.parents}
        digests = {name: self.contents.tags[str(one.repository)][one.tag] for name, one in references.items()}
        children = {name: parent for name, parent in self.parents.items() if parent != "debian:12"}
        return mixed(self.contents, digests, children, lambda name: str(self.layout.repository(name)))

    def change(self, step: Step) -> None:
        """Change what the step says before its run."""
        names = list(self.parents)
        self.moment += timedelta(minutes=1) + step.later
        self.commit += step.new_commit
        if step.changed < len(names):
            self.files[f"images/{names[step.changed]}/Dockerfile"] += f"RUN {self.runs}\n"
        if step.clean_up:
            self.contents.collect_garbage()
