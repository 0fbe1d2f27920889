"""A small stack, and the ports of commands as small classes."""

from collections.abc import Sequence

from ci.clock import Clock
from ci.commands.plan import BuildPorts
from ci.planning.changes import Changed, History
from ci.publish.registry_state import RegistrySession
from ci.publish.tags import TagLayout
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.unit.build.fakes import FakeBuilder, FakeInspector, FakeTester, KeptProgress
from tests.unit.planning.sample_keys import PIPELINE
from tests.unit.trees import MemoryTree

COMMIT = "a1239ab" + "0" * 33
GPU = """
[gpu]
image = "ml"
host = "login.example.edu"
user = "an-operator"
gpu-class = "small"
workspace = ""
"""
FILES = {
    "images/stack.toml": '[stack]\nversion = "2026.4"\nrebuild-all = []\n',
    "images/base/Dockerfile": "FROM debian:12\nRUN base\n",
    "images/ml/Dockerfile": "FROM base\nRUN ml\n",
}


class NoonClock(Clock):
    """It is always noon."""

    def now(self) -> float:
        return 1_800_000_000.0


def tree(**settings: str) -> MemoryTree:
    """Return the stack; `toml` replaces its stack.toml, `gpu` is added to it."""
    files = dict(FILES)
    files["images/stack.toml"] = settings.get("toml", files["images/stack.toml"]) + settings.get("gpu", "")
    return MemoryTree(files)


def session(registry: MemoryRegistry | None = None, *, has_login: bool = True) -> RegistrySession:
    return RegistrySession(
        registry or MemoryRegistry(), TagLayout(registry="registry.example/ucsdets"), has_login=has_login
    )


def ports(
    registry: RegistrySession | None, *, history: History | None = None, unresolved: Sequence[str] = ()
) -> BuildPorts:
    known = history or History(commit=COMMIT, dirty=False, changes=Changed(base="b" * 40, paths=()))

    async def base_digest(reference: str) -> str | None:
        return None if reference in unresolved else f"sha256:{'d' * 64}"

    async def read_history(base: str, head: str) -> History:
        assert (base, head) == ("", "")
        return known

    return BuildPorts(
        base_digest=base_digest,
        history=read_history,
        registry=registry,
        builder=FakeBuilder(),
        tester=FakeTester(),
        inspector=FakeInspector(),
        progress=KeptProgress(),
        pipeline=PIPELINE,
        jobs=2,
        clock=NoonClock(),
    )
