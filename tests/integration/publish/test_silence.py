"""A plan where the registry does not say what it has: that means to build, and never to fail for nothing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Endpoint
from ci.oci.registry import LoginError, ServerFaultError, UnreachableError
from ci.planning.plan import Plan
from tests.integration.adapters.oci.faults import refusing
from tests.integration.adapters.oci.logins import Login, Passwords
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.adapters.oci.servers import USERS, WRONG
from tests.integration.publish.pipeline_harness import IMAGES, Pipeline

pytestmark = pytest.mark.anyio


@pytest.fixture
def guarded() -> Iterator[Callable[[Login], Pipeline]]:
    with ExitStack() as servers:
        yield lambda login: Pipeline(servers.enter_context(RegistryServer(login=login).serving()))


async def plan(pipeline: Pipeline, *, publish: bool = False) -> Plan:
    access = Endpoint(host=pipeline.server.host, credentials=pipeline.credentials)
    async with HttpRegistry(access, clock=pipeline.clock) as registry:
        return await pipeline.plan(registry, publish=publish)


async def test_a_registry_that_fails_means_to_build(pipeline: Pipeline) -> None:
    await pipeline.run()
    pipeline.server.fault("HEAD", "/stack/r/manifests/k-", refusing(500), times=1000)
    made = await plan(pipeline)
    assert made.to_build == ("r",)
    assert made.images[3].reason.startswith("registry did not answer: ")
    assert "failed while reading" in made.images[3].reason


async def test_an_epoch_that_cannot_be_read_means_to_build(pipeline: Pipeline) -> None:
    await pipeline.run()
    pipeline.server.fault("GET", "/stack/ds/manifests/epoch", refusing(429), times=1000)
    assert (await plan(pipeline)).to_build == ("ds", "ml")


async def test_an_epoch_that_cannot_be_read_is_an_error_for_what_is_published(pipeline: Pipeline) -> None:
    """It would be named by a key that is not its own."""
    await pipeline.run()
    pipeline.server.fault("GET", "/stack/ds/manifests/epoch", refusing(500), times=1000)
    with pytest.raises(ServerFaultError, match="stack/ds:epoch"):
        await plan(pipeline, publish=True)


async def test_a_private_registry_means_to_build_for_those_who_do_not_log_in(
    guarded: Callable[[Login], Pipeline],
) -> None:
    pipeline = guarded(Passwords(USERS))
    made = await plan(pipeline)
    assert made.to_build == IMAGES
    assert "requires a login" in made.images[0].reason


async def test_a_login_that_is_refused_is_an_error(guarded: Callable[[Login], Pipeline]) -> None:
    pipeline = guarded(Passwords(USERS))
    pipeline.credentials = WRONG
    with pytest.raises(LoginError, match="check --registry-username"):
        await plan(pipeline)


async def test_a_base_without_a_digest_means_to_build_all_that_stands_on_it(pipeline: Pipeline) -> None:
    await pipeline.run()
    pipeline.debian.known = None
    made = await plan(pipeline)
    assert made.to_build == IMAGES
    assert made.images[0].reason == "registry did not answer: the digest of debian:12 is unknown"


async def test_a_registry_that_cannot_be_reached_is_not_asked_about_every_image(pipeline: Pipeline) -> None:
    def unreachable(call: str) -> None:
        raise UnreachableError(f"nobody is there to {call}")

    pipeline.files = {f"images/i{number}/Dockerfile": "FROM debian:12\n" for number in range(100)}
    registry = MemoryRegistry(before=unreachable)
    made = await pipeline.plan(registry)
    assert len(made.to_build) == 100
    reasons = {image.name: image.reason for image in made.images}
    own = {name for name, reason in reasons.items() if f"/{name}:" in reason}
    assert 1 <= len(own) == len(registry.calls) <= 8
    assert {reasons[name] for name in reasons if name not in own} == {
        "registry did not answer: it is unreachable, and got no request"
    }
