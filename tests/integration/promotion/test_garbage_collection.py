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
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.source_run import find_published_run
from ci.reports.promotion import render_history
from tests.integration.adapters.oci.debian import DebianRegistry, debian_registry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.promotion.published import NOW, STABLE, PublishedStack, digests_of
from tests.integration.publish.pipeline_harness import COMMIT, IMAGES, TAG, Pipeline, results

pytestmark = pytest.mark.anyio

A, B, C = "2026.4-aaaaaa1", "2026.4-bbbbbb2", "2026.4-cccccc3"


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
    repository = stack.places["base"].repository
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
    places = {name: pipeline.layout.place(name) for name in IMAGES}
    assert (await find_published_run(client, places, TAG)).commit == COMMIT
    pipeline.options = BuildOptions(publish=True)
    assert set(results(await pipeline.run_with(client)).values()) == {"reused"}


async def test_history_says_what_is_gone_and_everything_goes_on(cleaned: DebianRegistry, client: HttpRegistry) -> None:
    stack = PublishedStack(client, cleaned.host)
    a, b = await stack.publish(A), await stack.publish(B)
    await stack.promote(a)
    await stack.promote(b)
    cleaned.collect_garbage()
    timeline = await stack.history()
    assert [one.description for one in timeline.gone] == [f"promotion {number} of {STABLE}" for number in (1, 2)]
    text = render_history(timeline)
    assert text.startswith(f"No promotion records for {STABLE}.\n2 promotion records are gone from the registry")
    assert f": promotion 1 of {STABLE} ({NOW}), promotion 2 of {STABLE} ({NOW})." in text
    with pytest.raises(PromotionDeniedError) as raised:
        await stack.roll_back()
    assert raised.value.problems[0].startswith(f"No promotion record of {STABLE} is left")
    assert raised.value.problems[1].startswith("2 promotion records are gone")

    with pytest.raises(PromotionDeniedError, match="Run the same build-stack --publish again: it writes the record"):
        await find_published_run(client, stack.places, A)
    c = await stack.publish(C)
    change = await stack.promote(c)
    assert change.record.number == 3
    assert change.notes[0].startswith("2 promotion records are gone")
    assert await stack.digests() == digests_of(c)
    assert [entry.record.number for entry in (await stack.history()).entries] == [3]
    back = await stack.roll_back()
    assert back.notes[0] == f"This undoes record 3 (promotion of {C}): {STABLE} goes back to a state without a record."
    assert await stack.digests() == digests_of(b)
    with pytest.raises(PromotionDeniedError, match="was rolled back to a state without a record, so what it pointed"):
        await stack.roll_back()
    await stack.promote(c)
    await stack.roll_back()
    assert await stack.digests() == digests_of(b)
