"""Whatever goes wrong with the registry: the tags keep their promises, somebody is told what to do, a rerun heals."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import anyio
import pytest

from ci.oci.registry import AccessError, LoginError, NoRepositoryError, RegistryError
from ci.results import RunReport
from tests.integration.adapters.oci.contents import image_manifest
from tests.integration.adapters.oci.faults import Act, Reply, Request, altering, cutting_midway, meanwhile, refusing
from tests.integration.adapters.oci.logins import Login, Passwords, Tokens
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.adapters.oci.servers import BOB, USERS, WRONG
from tests.integration.publish.pipeline_harness import IMAGES, TAG, Pipeline, results

pytestmark = pytest.mark.anyio
MANY = 1000
REUSED = dict.fromkeys(IMAGES, "reused")


@pytest.fixture
def guarded() -> Iterator[Callable[[Login], Pipeline]]:
    with ExitStack() as servers:
        yield lambda login: Pipeline(servers.enter_context(RegistryServer(login=login).serving()), BOB)


async def heal(pipeline: Pipeline) -> RunReport:
    """Run again with nothing in the way."""
    pipeline.server.faults.clear()
    report = await pipeline.run()
    assert report.exit_code == 0, report.publication
    assert set(pipeline.stack()) == set(IMAGES)
    return report


async def test_a_wrong_password_ends_it_before_anything_is_built(guarded: Callable[[Login], Pipeline]) -> None:
    pipeline = guarded(Passwords(USERS))
    pipeline.credentials = WRONG
    with pytest.raises(LoginError, match="does not accept the login of 'bob'"):
        await pipeline.run()
    assert pipeline.engine is None or pipeline.engine.log == []
    pipeline.credentials = BOB
    await heal(pipeline)


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        pytest.param(403, AccessError, "give the account this permission", id="403"),
        pytest.param(404, NoRepositoryError, "has no repository", id="404"),
    ],
)
async def test_no_right_to_write_ends_it_before_anything_is_built(
    pipeline: Pipeline, status: int, error: type[RegistryError], told: str
) -> None:
    pipeline.server.fault("POST", "/stack/ds/", refusing(status), times=MANY)
    with pytest.raises(error, match=rf"(?s){told}") as raised:
        await pipeline.run()
    assert "stack/ds" in str(raised.value)
    assert pipeline.engine is None or pipeline.engine.log == []
    assert not any(pipeline.tags().values())
    await heal(pipeline)


PUTS = {
    "a layer": "/stack/ds/blobs/",
    "a staged image": "/stack/ds/manifests/s-",
    "an image that passed": "/stack/ds/manifests/k-",
    "the stack's tag": f"/stack/ds/manifests/{TAG}",
}


@pytest.mark.parametrize("path", PUTS.values(), ids=PUTS)
@pytest.mark.parametrize(
    ("act", "times"),
    [
        pytest.param(refusing(429, "TOOMANYREQUESTS", Retry_After="7"), 1, id="429"),
        pytest.param(refusing(500), 2, id="500 twice"),
        pytest.param(cutting_midway, 1, id="cut"),
    ],
)
async def test_what_passes_by_is_waited_for(pipeline: Pipeline, path: str, act: Act, times: int) -> None:
    fault = pipeline.server.fault("PUT", path, act, times=times)
    report = await pipeline.run()
    assert (report.exit_code, set(pipeline.stack())) == (0, set(IMAGES))
    assert fault.seen > times
    assert pipeline.clock.waits
    if act is not cutting_midway and times == 1:
        assert 7 in pipeline.clock.waits


@pytest.mark.parametrize(
    ("act", "told"),
    [
        pytest.param(refusing(507), "has no space left", id="507"),
        pytest.param(refusing(403), "give the account this permission", id="403"),
        pytest.param(refusing(400, "MANIFEST_INVALID"), "rejected the request to write", id="400"),
        pytest.param(cutting_midway, "It was tried 5 times", id="cut"),
        pytest.param(refusing(500), "It was tried 5 times", id="500"),
        pytest.param(refusing(429), "rate limit of", id="429"),
    ],
)
@pytest.mark.parametrize("path", [PUTS["a layer"], PUTS["a staged image"]], ids=["a layer", "a staged image"])
async def test_an_image_that_cannot_be_uploaded(pipeline: Pipeline, path: str, act: Act, told: str) -> None:
    pipeline.server.fault("PUT", path, act, times=MANY)
    report = await pipeline.run()
    assert results(report) == {"base": "built", "ds": "not uploaded", "ml": "not uploaded", "r": "built"}
    ds, ml = report.by_name["ds"], report.by_name["ml"]
    assert ds.failure is not None
    assert told in ds.failure.message
    assert (ds.blocked_by, ml.failure, ml.blocked_by) == (None, None, "ds")
    assert pipeline.stack() == {}
    assert not any(pipeline.tags("k-").values())
    assert report.publication is not None
    assert report.publication.failure == f"Nothing was published as {TAG}: ds, ml did not pass."
    assert results(await heal(pipeline)) == {"base": "reused", "ds": "built", "ml": "built", "r": "reused"}


def lying(reply: Reply) -> Reply:
    return reply._replace(headers={**reply.headers, "Docker-Content-Digest": f"sha256:{'0' * 64}"})


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize(
    ("act", "times"),
    [
        pytest.param(refusing(403), MANY, id="refused"),
        pytest.param(refusing(507), MANY, id="full"),
        pytest.param(cutting_midway, MANY, id="cut"),
        pytest.param(altering(lying), 1, id="written differently"),
    ],
)
@pytest.mark.parametrize("name", ["k-", TAG])
async def test_a_name_that_cannot_be_given(pipeline: Pipeline, image: str, act: Act, times: int, name: str) -> None:
    pipeline.server.fault("PUT", f"/stack/{image}/manifests/{name}", act, times=times)
    report = await pipeline.run()
    assert results(report) == dict.fromkeys(IMAGES, "built")
    assert (report.exit_code, pipeline.stack()) == (1, {})
    assert report.publication is not None
    assert f"stack/{image}:{name}" in report.publication.failure
    assert "Run the same command again" in report.publication.failure
    assert results(await heal(pipeline)) == REUSED


@pytest.mark.parametrize("image", IMAGES)
async def test_a_tag_that_reads_back_as_another(pipeline: Pipeline, image: str) -> None:
    pipeline.server.fault("HEAD", f"/stack/{image}/manifests/{TAG}", altering(_lying_of_what_exists), times=3)
    report = await pipeline.run()
    assert report.exit_code == 1
    assert report.publication is not None
    assert f"stack/{image}:{TAG}" in report.publication.failure
    assert pipeline.stack() == {}
    assert results(await heal(pipeline)) == REUSED


def _lying_of_what_exists(reply: Reply) -> Reply:
    return lying(reply) if reply.status == 200 else reply


async def test_a_token_that_runs_out_midway(guarded: Callable[[Login], Pipeline]) -> None:
    tokens = Tokens(USERS)
    pipeline = guarded(tokens)
    pipeline.server.fault("PUT", f"/manifests/{TAG}", meanwhile(tokens.grants.clear), times=2)
    assert (await pipeline.run()).exit_code == 0
    assert set(pipeline.stack()) == set(IMAGES)


async def test_a_tag_that_somebody_else_writes_meanwhile(pipeline: Pipeline) -> None:
    rival = image_manifest(b'{"rival": 1}')

    def act(_: Request, serve: Callable[[], Reply]) -> Reply:
        reply = serve()
        contents = pipeline.server.contents
        contents.manifests["stack/r"][rival.digest] = rival
        contents.tags["stack/r"][TAG] = rival.digest
        return reply

    pipeline.server.fault("PUT", f"/stack/r/manifests/{TAG}", act)
    report = await pipeline.run()
    assert report.exit_code == 1
    assert report.publication is not None
    assert f"stack/r:{TAG}" in report.publication.failure
    assert pipeline.stack() == {"r": rival.digest}  # nobody's own tag is taken back
    assert results(await heal(pipeline)) == REUSED


@pytest.mark.parametrize("path", PUTS.values(), ids=PUTS)
async def test_a_run_that_is_cancelled(pipeline: Pipeline, path: str) -> None:
    reached, go = threading.Event(), threading.Event()

    def act(_: Request, serve: Callable[[], Reply]) -> Reply:
        reached.set()
        go.wait(10)
        return serve()

    pipeline.server.fault("PUT", path, act)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pipeline.run)
        await anyio.to_thread.run_sync(reached.wait)
        tasks.cancel_scope.cancel()
        go.set()
    assert pipeline.stack() == {}
    healed = await heal(pipeline)
    assert path in {PUTS["a layer"], PUTS["a staged image"]} or results(healed) == REUSED


async def test_a_published_image_that_is_gone_is_a_failure_of_its_own(pipeline: Pipeline) -> None:
    await pipeline.run()
    pipeline.files["images/ml/Dockerfile"] = "FROM ds\nRUN other\n"
    pipeline.server.fault("HEAD", "/stack/ds/manifests/sha256:", refusing(404), times=MANY)
    report = await pipeline.run()
    assert results(report) == {**REUSED, "ds": "failed", "ml": "blocked"}
    assert report.by_name["ds"].failure is not None
    assert "fetching " in report.by_name["ds"].failure.instruction
    assert report.by_name["ml"].blocked_by == "ds"
    await heal(pipeline)
