"""Whatever happens between and during runs, a green publish leaves a whole stack under its tag."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import anyio
import msgspec
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ci.clock import Clock
from ci.commands.build import build_stack
from ci.commands.options import BuildOptions
from ci.commands.plan import BuildPorts
from ci.errors import StackError
from ci.oci.reference import Reference, Repository
from ci.oci.registry import AccessError, Manifest, digest_of
from ci.planning.changes import Changed, History
from ci.publish.registry_state import RegistrySession
from ci.publish.tags import RelativePlace, TagLayout
from ci.results import RunReport
from ci.stack.reader import read_stack
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.publish.pipeline_harness import OWN, Engine, Form, with_form
from tests.integration.publish.whole import mixed
from tests.unit.build.fakes import FakeInspector, FakeTester, KeptProgress
from tests.unit.planning.sample_keys import PIPELINE
from tests.unit.trees import MemoryTree

HOST = "registry.example"


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
        self.runs += 1
        names = list(self.parents)
        registry = Registry(self.contents, self, step)
        failing = names[step.failing % len(names)] if step.failing < len(names) else ""
        tree = MemoryTree(self.files)
        commit = f"{self.commit:07x}".ljust(40, "0")

        async def history(base: str, head: str) -> History:  # noqa: ARG001 (a protocol's)
            return History(commit=commit, dirty=False, changes=Changed(base="b" * 40, paths=()))

        async def base_digest(reference: str) -> str:
            return digest_of(reference.encode())

        ports = BuildPorts(
            base_digest=base_digest,
            history=history,
            registry=RegistrySession(registry, self.layout, has_login=True),
            builder=Engine(registry, self.runs),
            tester=FakeTester(failing=f"{failing} common/image"),
            inspector=FakeInspector(),
            progress=KeptProgress(),
            pipeline=PIPELINE,
            cores=1,
            clock=FixedClock(self.moment),
        )
        report: RunReport | None = None
        with suppress(StackError):
            try:
                report = (await build_stack(with_form(read_stack(tree), self.form), tree, step.options, ports)).report
            except* Killed:
                pass
        if report is not None and report.exit_code == 0:
            self.check(f"2026.4-{commit[:7]}")
        return report

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


@st.composite
def stacks(draw: st.DrawFn) -> Mapping[str, str]:
    names = [f"i{number}" for number in range(draw(st.integers(2, 4)))]
    return {
        name: draw(st.sampled_from(["debian:12", *names[:place], *names[:place][-1:]]))
        for place, name in enumerate(names)
    }


OPTIONS = st.one_of(
    st.just(BuildOptions(publish=True)),
    st.sampled_from([("all",), ("all",), ("i1",)]).map(lambda names: BuildOptions(publish=True, rebuild=names)),
    st.just(BuildOptions(publish=True, refresh=True)),
)
STEPS = st.builds(
    Step,
    options=OPTIONS,
    changed=st.integers(0, 12),
    new_commit=st.booleans(),
    failing=st.integers(0, 30),
    clean_up=st.sampled_from([False, False, False, True]),
    later=st.sampled_from([timedelta(), timedelta(), timedelta(days=7)]),
    fault=st.sampled_from(Fault),
    where=st.sampled_from(["", ":s-", "@", ":sha256-", "epoch", ":k-", ":k-", "2026.4"]),
    at=st.integers(1, 5) | st.integers(1, 60),
)


FORMS = st.sampled_from(
    [
        OWN,
        {"i1": RelativePlace("i0", "a-"), "i2": RelativePlace("i0", "a-b-")},
        {f"i{number}": RelativePlace("shared", f"v{number}-") for number in range(4)},
    ]
)
TWINS = st.sampled_from([(), ("i0", "i1", "i2", "i3")])


@given(stacks(), FORMS, TWINS, st.lists(STEPS, min_size=1, max_size=6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_green_publish_is_a_whole_stack_and_a_plain_repeat_heals(
    parents: Mapping[str, str], form: Form, twins: Collection[str], steps: list[Step]
) -> None:
    """Where images share a repository, some may have the same sources."""

    async def play() -> None:
        world = World(parents, form, twins)
        for step in steps:
            world.change(step)
            report = await world.run(step)
            event("killed or refused" if report is None else f"exit {report.exit_code}")
        healed = await world.run(PLAIN)
        assert healed is not None
        assert healed.exit_code == 0, healed.publication
        again = await world.run(PLAIN)
        assert again is not None
        assert {image.outcome.value for image in again.images} == {"reused"}
        assert again.publication is not None
        assert again.publication.written == ()

    anyio.run(play)


def test_the_check_finds_a_mixed_stack() -> None:
    """The property would not fail otherwise: a child's label, then its layers, are those of another parent."""
    world = World({"i0": "debian:12", "i1": "i0"})
    anyio.run(world.run, PLAIN)
    tags = world.contents.tags[f"{HOST}/stack/i0"]
    first = dict(tags)
    rebuild = msgspec.structs.replace(PLAIN.options, rebuild=("all",))
    anyio.run(world.run, PLAIN._replace(options=rebuild))
    tags.update(first)
    assert len(world.mixed("2026.4-0000001")) == 2
