"""Docker's own registry after `docker-registry garbage-collect -m`, which deletes all attestations: they are untagged.

The lists of them are tagged and stay, so every attestation is listed and gone.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.commands.options import BuildOptions
from ci.oci.referrers import Artifact, list_referrers, push_referrer, read_referrer
from ci.planning.decisions import Action
from ci.promotion.source_run import find_published_run
from tests.integration.adapters.oci.debian import DebianRegistry, debian_registry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.promotion.published import PublishedStack
from tests.integration.publish.pipeline_harness import COMMIT, IMAGES, TAG, Pipeline, results

pytestmark = pytest.mark.anyio


@pytest.fixture
def cleaned(tmp_path: Path) -> Iterator[DebianRegistry]:
    with debian_registry(tmp_path) as running:
        yield running


@pytest.fixture
async def client(cleaned: DebianRegistry) -> AsyncIterator[HttpRegistry]:
    async with HttpRegistry(cleaned.endpoint) as opened:
        yield opened


@pytest.fixture
def pipeline(cleaned: DebianRegistry) -> Pipeline:
    unused = RegistryServer()
    unused.host = cleaned.host
    return Pipeline(unused)


async def test_an_attestation_is_put_back_by_attaching_it_again(cleaned: DebianRegistry, client: HttpRegistry) -> None:
    stack = PublishedStack(client, cleaned.host)
    repository = stack.repositories["base"]
    image = await stack.image("base", b"layer")
    await client.put(repository.tagged("tested"), image)
    first, second = [
        Artifact(type="application/vnd.example.record", media_type="application/json", content=content)
        for content in (b'{"n":1}', b'{"n":2}')
    ]
    await push_referrer(client, repository, image.descriptor, first)
    cleaned.collect_garbage()
    listed = await list_referrers(client, repository, image.digest, first.type)
    assert [await read_referrer(client, repository, image.digest, one) for one in listed] == [None]
    await push_referrer(client, repository, image.descriptor, second)
    await push_referrer(client, repository, image.descriptor, first)
    listed = await list_referrers(client, repository, image.digest, first.type)
    found = [await read_referrer(client, repository, image.digest, one) for one in listed]
    assert sorted(one.content for one in found if one) == [b'{"n":1}', b'{"n":2}']


@pytest.mark.parametrize("rebuild", [(), ("all",)], ids=["nothing changed", "--rebuild all"])
async def test_a_stack_is_planned_and_published_as_before(
    cleaned: DebianRegistry, client: HttpRegistry, pipeline: Pipeline, rebuild: Sequence[str]
) -> None:
    assert set(results(await pipeline.run_with(client)).values()) == {"built"}
    cleaned.collect_garbage()
    plan = await pipeline.plan(client)
    assert {image.action for image in plan.images} <= set(Action)
    pipeline.options = BuildOptions(publish=True, rebuild=tuple(rebuild))
    report = await pipeline.run_with(client)
    assert (report.exit_code, report.publication) == (0, report.publication), report.publication
    repositories = {name: pipeline.layout.repository(name) for name in IMAGES}
    assert (await find_published_run(client, repositories, TAG)).commit == COMMIT
    pipeline.options = BuildOptions(publish=True)
    assert set(results(await pipeline.run_with(client)).values()) == {"reused"}
