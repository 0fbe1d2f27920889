"""A production line: a stack of four, a real client and a registry of ours, and an engine that is a small class.

What is built is a text; uploading it goes through the same client, as layers, configuration and manifest.
"""

from collections.abc import Mapping

import msgspec

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Credentials, Endpoint
from ci.build.ports import EngineFailure
from ci.build.runner import Ports, Run, RunRequest
from ci.fusion.fused import Fused
from ci.fusion.substitutions import Substitutions
from ci.oci.reference import Reference
from ci.oci.registry import Registry, RegistryError, digest_of
from ci.planning.changes import Changed, History
from ci.planning.decisions import PlanInputs
from ci.planning.plan import Plan, make_plan
from ci.publish.publisher import Publisher, ReleaseMetadata
from ci.publish.registry_state import RegistrySession, Sources, SurveyRequest, survey
from ci.publish.tags import TagLayout
from ci.results import RunReport
from ci.stack.model import Stack, Tree
from ci.stack.reader import read_stack
from tests.clocks import QuickClock
from tests.integration.adapters.oci.contents import image_manifest
from tests.integration.adapters.oci.server import RegistryServer
from tests.unit.build.fakes import FakeBuilder, FakeTester, SilentProgress
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
COMMIT = "a1239ab" + "0" * 33
TAG = "2026.4-a1239ab"


class Engine(FakeBuilder):
    """A FakeBuilder that uploads. What it builds differs each time, as of an engine that had not built it before."""

    def __init__(self, registry: Registry, number: int, failing: str = "") -> None:
        super().__init__(failing=failing)
        self._registry = registry
        self._number = number
        self.fetched: list[str] = []

    async def fetch(self, reference: str) -> EngineFailure | None:
        self.fetched.append(reference)
        return None if await self._registry.head(Reference.parse(reference)) else EngineFailure(message="not found")

    async def upload(self, fused: Fused, target: str, labels: Mapping[str, str]) -> str | EngineFailure:
        config = msgspec.json.encode({"os": "linux", "config": {"Labels": labels}})
        layer = f"run {self._number}: {fused.text}".encode()
        reference = Reference.parse(target)
        try:
            for blob in (config, layer):
                await self._registry.put_blob(reference.repository, blob)
            return await self._registry.put(reference, image_manifest(config, layer))
        except RegistryError as error:
            return EngineFailure(message=str(error))


class Debian:
    """Knows what debian:12 names."""

    def __init__(self) -> None:
        self.known: str | None = digest_of(b"debian")

    async def digest(self, reference: str) -> str | None:
        assert reference == "debian:12"
        return self.known


class Line:
    """Runs the stack; every run is by a fresh engine. What differs between runs is set on it."""

    def __init__(self, server: RegistryServer, credentials: Credentials | None = None) -> None:
        self.server = server
        self.credentials = credentials
        self.files = dict(FILES)
        self.debian = Debian()
        self.tester = FakeTester()
        self.request = SurveyRequest()
        self.commit = COMMIT
        self.clock = QuickClock()
        self.failing = ""
        self.engine: Engine | None = None
        self._runs = 0

    @property
    def places(self) -> TagLayout:
        return TagLayout(registry=f"{self.server.host}/stack")

    async def run(self) -> RunReport:
        access = Endpoint(host=self.server.host, credentials=self.credentials)
        async with HttpRegistry(access, clock=self.clock) as registry:
            return await self.run_with(registry)

    def tree(self) -> Tree:
        return MemoryTree(self.files)

    def history(self) -> History:
        return History(commit=self.commit, dirty=False, changes=Changed(base="b" * 40, paths=()))

    async def plan(self, registry: Registry) -> tuple[Stack, PlanInputs, Plan]:
        tree = self.tree()
        stack = read_stack(tree)
        shelf = RegistrySession(registry, self.places, self.credentials is not None)
        sources = Sources(stack, tree, self.history(), "tools")
        facts = await survey(sources, stack.images, self.debian, shelf, self.request)
        return stack, facts, make_plan(stack, facts)

    async def run_with(self, registry: Registry) -> RunReport:
        self._runs += 1
        started = f"2026-11-25T07:{self._runs:02}:00+00:00"
        stack, facts, plan = await self.plan(registry)
        commit = self.history().commit or ""
        stamp = ReleaseMetadata(tag=f"2026.4-{commit[:7]}", commit=commit, created=started, epoch=self.request.epoch)
        publisher = Publisher(registry, self.places, stamp, stack, facts.keys)
        await publisher.preflight(plan.enabled)
        self.engine = Engine(registry, self._runs, self.failing)
        substitutions = Substitutions(published=_references(plan, self.places))
        ports = Ports(self.engine, self.tester, SilentProgress(), publisher)
        request = RunRequest(jobs=2, started=started, tested=plan.to_test, substitutions=substitutions, commit=commit)
        return await Run(plan, stack, ports, request).report()

    def tags(self, beginning: str = "") -> Mapping[str, Mapping[str, str]]:
        """Return what tags name, by image."""
        found = {name: self.server.contents.tags[f"stack/{name}"] for name in IMAGES}
        return {
            name: {tag: digest for tag, digest in tags.items() if tag.startswith(beginning)}
            for name, tags in found.items()
        }

    def stack(self, tag: str = TAG) -> Mapping[str, str]:
        """Return the digests that the stack's tag names, of the images that have it."""
        return {name: tags[tag] for name, tags in self.tags(tag).items() if tag in tags}


def _references(plan: Plan, places: TagLayout) -> Mapping[str, str]:
    return {name: str(places.repository(name).pinned(digest)) for name, digest in plan.reused.items()}


def results(report: RunReport) -> Mapping[str, str]:
    return {image.name: image.outcome.value for image in report.images}
