"""How many requests a plan sends to a registry, as its log has them. Fewer must never mean to reuse on less."""

from collections import Counter
from collections.abc import Mapping

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.planning.plan import Plan
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.publish.pipeline_harness import Pipeline

pytestmark = pytest.mark.anyio
WIDE = 60
STACK = {
    "images/stack.toml": '[stack]\nversion = "2026.4"\nrebuild-all = []\n',
    "images/base/Dockerfile": "FROM debian:12\nRUN base\n",
    "images/base/tests/image/test_base.py": "",
    **{f"images/i{number}/Dockerfile": f"FROM base\nRUN {number}\n" for number in range(WIDE)},
}
RECORDS = 6
"""Requests for what was published last: three images, each at two commits."""


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    pipeline.files = dict(STACK)
    return pipeline


async def planned(pipeline: Pipeline) -> tuple[Plan, Mapping[str, int]]:
    """Return a plan, and how many requests of each kind it sent."""
    pipeline.server.seen.clear()
    async with HttpRegistry(clock=pipeline.clock) as registry:
        plan = await pipeline.plan(registry)
    return plan, Counter(map(kind, pipeline.server.seen))


def kind(seen: object) -> str:
    method, path = str(seen).partition("?")[0].split()
    *_, part, target = path.split("/")
    if part == "manifests":
        beginnings = {"k-": "key", "s-": "staging", "sha256-": "index", "sha256:": "attestation"}
        target = next((word for start, word in beginnings.items() if target.startswith(start)), target)
        return f"{method} {target}"
    return f"{method} {part}"


async def test_nothing_published(pipeline: Pipeline) -> None:
    """What is built on an image that is absent is built in any case, so its key is no question."""
    registry = MemoryRegistry()  # responds at once: elsewhere, some images are asked about before base is known
    plan = await pipeline.plan(registry)
    assert len(plan.to_build) == WIDE + 1
    assert {image.reason for image in plan.images} == {"never published: first build"}
    verbs = Counter(call.split()[0] for call in registry.calls)
    assert verbs == {"get": WIDE + 1, "head": 2 + RECORDS, "tags": WIDE + 1}


@pytest.mark.parametrize("lists_referrers", [False, True])
async def test_all_reused(pipeline: Pipeline, lists_referrers: bool) -> None:  # noqa: FBT001 (a parameter of a test)
    """Each is resolved to a digest, and its attestation is read. The index is read only where nothing else lists it."""
    pipeline.server.contents.lists_referrers = lists_referrers
    assert (await pipeline.run()).exit_code == 0
    plan, requests = await planned(pipeline)
    assert not plan.to_build
    every = ("GET epoch", "HEAD key", "GET referrers", "GET attestation", "GET blobs")
    assert requests == dict.fromkeys((*every, *(() if lists_referrers else ("GET index",))), WIDE + 1)


async def test_one_leaf_changed(pipeline: Pipeline) -> None:
    assert (await pipeline.run()).exit_code == 0
    pipeline.files["images/i7/Dockerfile"] += "RUN more\n"
    plan, requests = await planned(pipeline)
    assert plan.to_build == ("i7",)
    assert requests["HEAD key"] == WIDE + 1
    assert requests["HEAD staging"] == 1
    assert requests["GET tags"] == 0


def one_that_is_forgotten(server: RegistryServer) -> None:
    """The registry lists no referrer of base, though it has the API."""
    contents = server.contents
    listing = contents.referrers
    base = next(digest for tag, digest in contents.tags["stack/base"].items() if tag.startswith("k-"))
    contents.referrers = lambda repository, subject: iter(()) if subject == base else listing(repository, subject)  # type: ignore[method-assign]


async def test_what_the_registry_forgets_to_list_is_read_from_the_index(pipeline: Pipeline) -> None:
    assert (await pipeline.run()).exit_code == 0
    pipeline.server.contents.lists_referrers = True
    one_that_is_forgotten(pipeline.server)
    plan, requests = await planned(pipeline)
    assert not (*plan.to_build, *plan.to_test)
    assert requests["GET index"] == 1
