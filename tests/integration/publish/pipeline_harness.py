"""The build and publish commands on a stack of four images, with a real registry client and a registry of ours.

The engine is a small class: what it builds is a text, which is uploaded through the same client as layers,
configuration and manifest.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Credentials, Endpoint
from ci.build.engine_failure import EngineFailure
from ci.clock import Clock
from ci.commands.build import build_stack
from ci.commands.options import BuildOptions
from ci.commands.plan import BuildPorts, plan_stack
from ci.fusion.fused import Fused
from ci.image_labels import BASE_DIGEST, BASE_NAME
from ci.oci.reference import Reference
from ci.oci.registry import Descriptor, Registry, RegistryError, digest_of
from ci.planning.changes import Changed, History, Unknown
from ci.planning.plan import Plan
from ci.publish.registry_state import RegistrySession
from ci.publish.tags import RelativePlace, TagLayout
from ci.results import RunReport
from ci.stack.model import Stack, Tree
from ci.stack.reader import read_stack
from tests.clocks import QuickClock
from tests.integration.adapters.oci.contents import image_manifest
from tests.integration.adapters.oci.server import RegistryServer
from tests.unit.build.fakes import FakeBuilder, FakeInspector, FakeTester, KeptProgress
from tests.unit.planning.sample_keys import PIPELINE
from tests.unit.trees import MemoryTree

IMAGES = ("base", "ds", "ml", "r")
FILES = {
    "images/stack.toml": '[stack]\nversion = "2026.4"\nrebuild-all = []\n',
    "images/base/Dockerfile": "FROM debian:12\nRUN base\n",
    "images/base/tests/image/test_base.py": "",
    "images/ds/Dockerfile": "FROM base\nRUN ds\n",
    "images/ml/Dockerfile": "FROM ds\nRUN ml\n",
    "images/r/Dockerfile": "FROM base\nRUN r\n",
}
Form = Mapping[str, RelativePlace]
OWN: Form = {}
SHARED: Form = {
    "ds": RelativePlace("notebook"),
    "ml": RelativePlace("notebook", "gpu-"),
    "r": RelativePlace("notebook", "gpu-r-"),
}
COMMIT = "a1239ab" + "0" * 33
TAG = "2026.4-a1239ab"


def with_form(stack: Stack, form: Form) -> Stack:
    """Return a stack with some of its images at other places, as variants are."""
    images = (
        msgspec.structs.replace(image, repository=where.repository, tag_prefix=where.tag_prefix)
        for image in stack.images
        for where in [form.get(image.name, RelativePlace(image.name))]
    )
    return msgspec.structs.replace(stack, images=tuple(images))


class Engine(FakeBuilder):
    """A FakeBuilder that uploads. What it builds differs each time, as of an engine that had not built it before."""

    def __init__(self, registry: Registry, number: int, failing: str = "") -> None:
        super().__init__(failing=failing)
        self._registry = registry
        self._number = number
        self.confused = False
        """It builds each image on a parent of its own, and says that it is the one that it pushed."""
        self.fetched: list[str] = []

    async def fetch(self, reference: str) -> EngineFailure | None:
        self.fetched.append(reference)
        return None if await self._registry.head(Reference.parse(reference)) else EngineFailure(message="not found")

    async def upload(self, fused: Fused, target: str, labels: Mapping[str, str]) -> str | EngineFailure:
        own = f"run {self._number}: {fused.text}".encode()
        reference = Reference.parse(target)
        try:
            layers = (*await self._parent_layers(labels), own)
            diff_ids = [digest_of(layer) for layer in layers]
            config = msgspec.json.encode({"config": {"Labels": labels}, "rootfs": {"diff_ids": diff_ids}})
            for blob in (config, *layers):
                await self._registry.put_blob(reference.repository, blob)
            return await self._registry.put(reference, image_manifest(config, *layers))
        except RegistryError as error:
            return EngineFailure(message=str(error))

    async def _parent_layers(self, labels: Mapping[str, str]) -> tuple[bytes, ...]:
        """Return the layers of an image's parent, which is in the registry before the image is."""
        if BASE_DIGEST not in labels or labels[BASE_NAME] == "debian:12":
            return ()
        repository = Reference.parse(labels[BASE_NAME]).repository
        manifest = await self._registry.get(repository.pinned(labels[BASE_DIGEST]))
        assert manifest is not None
        found = [
            await self._registry.get_blob(repository, msgspec.convert(layer, Descriptor))
            for layer in msgspec.json.decode(manifest.content)["layers"]
        ]
        if self.confused:
            return (f"another build of {repository}".encode(),)
        return tuple(layer for layer in found if layer is not None)


class RunClock(Clock):
    """A minute later in each run, so that every run has a time of its own."""

    def __init__(self, number: int, later: timedelta) -> None:
        self._number = number
        self._later = later

    def now(self) -> float:
        return (datetime(2026, 11, 25, 7, self._number, tzinfo=UTC) + self._later).timestamp()


class Debian:
    """Knows what debian:12 points to."""

    def __init__(self) -> None:
        self.known: str | None = digest_of(b"debian")

    async def digest(self, reference: str) -> str | None:
        assert reference == "debian:12"
        return self.known


class StackRuns:
    """Runs the commands on the stack; every run has a fresh engine. What differs between runs is set on it."""

    def __init__(self, name: str, credentials: Credentials | None = None) -> None:
        """`name` is that of the registry and a folder in it: `127.0.0.1:5000/stack`."""
        self.name = name
        self.credentials = credentials
        self.files = dict(FILES)
        self.form = OWN
        self.knows_history = True
        self.debian = Debian()
        self.tester = FakeTester()
        self.inspector = FakeInspector()
        self.progress = KeptProgress()
        self.options = BuildOptions(publish=True)
        self.commit = COMMIT
        self.clock = QuickClock()
        self.code = PIPELINE
        self.failing = ""
        self.confused = False
        self.later = timedelta()
        self.engine: Engine | None = None
        self._runs = 0
        self.contents: Mapping[str, object] = {}

    @property
    def layout(self) -> TagLayout:
        return TagLayout.of_stack(self.name, self.stack_of(self.tree()))

    def session(self, registry: Registry) -> RegistrySession:
        return RegistrySession(registry, self.layout, self.credentials is not None)

    def tree(self) -> Tree:
        return MemoryTree(self.files)

    def stack_of(self, tree: Tree) -> Stack:
        return with_form(read_stack(tree), self.form)

    async def history(self, base: str, head: str) -> History:
        assert (base, head) == ("", "")
        changes = Changed(base="b" * 40, paths=()) if self.knows_history else Unknown(why="unknown")
        return History(commit=self.commit, dirty=False, changes=changes)

    def ports(self, registry: Registry) -> BuildPorts:
        self.engine = Engine(registry, self._runs, self.failing)
        self.engine.confused = self.confused
        return BuildPorts(
            base_digest=self.debian.digest,
            history=self.history,
            registry=self.session(registry),
            builder=self.engine,
            tester=self.tester,
            inspector=self.inspector,
            progress=self.progress,
            pipeline=self.code,
            jobs=2,
            clock=RunClock(self._runs, self.later),
        )

    async def plan(self, registry: Registry, *, publish: bool = False) -> Plan:
        """Plan as the command does, or, with `publish`, as a run that publishes does before it builds."""
        options = msgspec.structs.replace(self.options, publish=publish)
        tree = self.tree()
        return await plan_stack(self.stack_of(tree), tree, options, self.ports(registry))

    async def run_with(self, registry: Registry) -> RunReport:
        self._runs += 1
        tree = self.tree()
        result = await build_stack(self.stack_of(tree), tree, self.options, self.ports(registry))
        self.contents = result.contents
        return result.report


class Pipeline(StackRuns):
    """The same with a registry server of ours."""

    def __init__(self, server: RegistryServer, credentials: Credentials | None = None) -> None:
        super().__init__(f"{server.host}/stack", credentials)
        self.server = server

    @property
    def client(self) -> HttpRegistry:
        """A client of the registry, to be opened."""
        return HttpRegistry(Endpoint(host=self.server.host, credentials=self.credentials), clock=self.clock)

    async def run(self) -> RunReport:
        async with self.client as registry:
            return await self.run_with(registry)

    def tags(self, beginning: str = "") -> Mapping[str, Mapping[str, str]]:
        """Return what the tags of their repositories name, by image."""
        found = {name: self.server.contents.tags[self.layout.repository(name).path] for name in IMAGES}
        return {
            name: {tag: digest for tag, digest in tags.items() if tag.startswith(beginning)}
            for name, tags in found.items()
        }

    def stack(self, tag: str = TAG) -> Mapping[str, str]:
        """Return the digests that the stack's tag names, of the images that have it."""
        own = {name: self.layout.tag(name, tag).tag for name in IMAGES}
        return {name: tags[own[name]] for name, tags in self.tags().items() if own[name] in tags}


def results(report: RunReport) -> Mapping[str, str]:
    return {image.name: image.outcome.value for image in report.images}
