"""Transient failures are retried, and no others are."""

import threading
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import httpx
import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.oci.reference import Repository
from ci.oci.registry import (
    Descriptor,
    NoSpaceError,
    RateLimitError,
    RefusedError,
    RegistryError,
    ServerFaultError,
    UnreachableError,
    UnsupportedError,
    digest_of,
)
from tests.clocks import QuickClock
from tests.integration.adapters.oci.contents import image_manifest
from tests.integration.adapters.oci.faults import (
    Act,
    altering,
    answering,
    cutting,
    cutting_after,
    cutting_midway,
    keeping_silent,
    meanwhile,
    refusal,
    refusing,
)
from tests.integration.adapters.oci.images import CONFIG, repository, stored
from tests.integration.adapters.oci.server import RegistryServer

pytestmark = pytest.mark.anyio

BLOB = b"a record " * 1000
IMAGE = image_manifest(CONFIG, b"layer")
CONFIG_DESCRIPTOR = Descriptor(media_type="a/b", digest=digest_of(CONFIG), size=len(CONFIG))


class Call(NamedTuple):
    """A call of the protocol, and the one of its requests that fails."""

    method: str
    path: str
    make: Callable[[HttpRegistry, Repository], Awaitable[object]]


CALLS = {
    "head": Call("HEAD", "/manifests/t", lambda registry, there: registry.head(there.tagged("t"))),
    "get": Call("GET", "/manifests/t", lambda registry, there: registry.get(there.tagged("t"))),
    "put": Call("PUT", "/manifests/n", lambda registry, there: registry.put(there.tagged("n"), IMAGE)),
    "has_blob": Call("HEAD", "/blobs/", lambda registry, there: registry.has_blob(there, digest_of(CONFIG))),
    "get_blob": Call("GET", "/blobs/", lambda registry, there: registry.get_blob(there, CONFIG_DESCRIPTOR)),
    "put_blob, start": Call("POST", "/uploads/", lambda registry, there: registry.put_blob(there, BLOB)),
    "put_blob, content": Call("PUT", "/uploads/", lambda registry, there: registry.put_blob(there, BLOB)),
    "referrers": Call("GET", "/referrers/", lambda registry, there: registry.referrers(there.pinned(IMAGE.digest))),
    "tags": Call("GET", "/tags/", lambda registry, there: registry.tags(there)),
    "preflight": Call("POST", "/uploads/", lambda registry, there: registry.preflight(there)),
}
EACH_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@EACH_CALL
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(refusing(500), id="500"),
        pytest.param(refusing(429, Retry_After="1"), id="429"),
        pytest.param(cutting, id="cut"),
        pytest.param(cutting_after, id="cut after"),
    ],
)
async def test_each_call_succeeds_at_the_third_try(
    server: RegistryServer, registry: HttpRegistry, call: Call, act: Act
) -> None:
    stored(server, "t")
    expected = await call.make(registry, repository(server))
    server.contents.blobs["stack/base"].pop(digest_of(BLOB), None)
    server.seen.clear()
    server.fault(call.method, call.path, act, times=2)
    assert await call.make(registry, repository(server)) == expected
    assert len(server.asked(call.method, call.path)) == 3


@EACH_CALL
async def test_each_call_gives_up_with_its_error(
    server: RegistryServer, registry: HttpRegistry, clock: QuickClock, call: Call
) -> None:
    stored(server, "t")
    server.fault(call.method, call.path, refusing(503), times=99)
    with pytest.raises(ServerFaultError, match=rf"{server.host} failed while .*stack/base.* It was tried 5 times"):
        await call.make(registry, repository(server))
    assert len(server.asked(call.method, call.path)) == 5
    assert clock.waits == [1, 2, 4, 8]


@EACH_CALL
@pytest.mark.parametrize(
    ("act", "kind"),
    [
        pytest.param(refusing(418), RefusedError, id="418"),
        pytest.param(refusing(403), RegistryError, id="403"),
        pytest.param(refusing(507), NoSpaceError, id="507"),
    ],
)
async def test_a_lasting_failure_is_not_retried(
    server: RegistryServer,
    registry: HttpRegistry,
    call: Call,
    act: Act,
    kind: type[RegistryError],
) -> None:
    stored(server, "t")
    server.fault(call.method, call.path, act, times=99)
    with pytest.raises(kind, match=server.host):
        await call.make(registry, repository(server))
    assert len(server.asked(call.method, call.path)) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413])
async def test_a_rejected_write_is_not_retried(server: RegistryServer, registry: HttpRegistry, status: int) -> None:
    stored(server, "t")
    server.fault("PUT", "/manifests/n", refusing(status), times=99)
    with pytest.raises(RegistryError, match=rf"{server.host}.*stack/base:n.*\({status} "):
        await registry.put(repository(server).tagged("n"), IMAGE)
    assert len(server.asked("PUT")) == 1
    assert "n" not in server.contents.tags["stack/base"]


async def test_the_delay_that_a_registry_asks_for_is_kept(
    server: RegistryServer, registry: HttpRegistry, clock: QuickClock
) -> None:
    server.fault("HEAD", "/manifests/t", refusing(429, Retry_After="7"))
    server.fault("HEAD", "/manifests/t", refusing(503, Retry_After="Fri, 15 Jan 2027 08:00:30 GMT"), at=2)
    assert await registry.head(repository(server).tagged("t")) is None
    assert clock.waits == [7, 23]


async def test_a_long_rate_limit_is_an_error_at_once_with_its_end(
    server: RegistryServer, registry: HttpRegistry, clock: QuickClock
) -> None:
    server.fault("HEAD", "/manifests/t", refusing(429, Retry_After="7200"), times=99)
    with pytest.raises(RateLimitError, match=r"again at 2027-01-15 10:00:00 UTC\.$"):
        await registry.head(repository(server).tagged("t"))
    assert (clock.waits, len(server.seen)) == ([], 1)


async def test_an_interrupted_upload_starts_anew(server: RegistryServer, registry: HttpRegistry) -> None:
    server.fault("PUT", "/uploads/", cutting_midway)
    await registry.put_blob(repository(server), BLOB)
    assert server.contents.blobs["stack/base"] == {digest_of(BLOB): BLOB}
    assert len(server.asked("POST", "/uploads/")) == 2


async def test_an_upload_that_the_registry_forgets_starts_anew(server: RegistryServer, registry: HttpRegistry) -> None:
    server.fault("PUT", "/uploads/", meanwhile(server.uploads.clear))
    await registry.put_blob(repository(server), BLOB)
    assert server.contents.blobs["stack/base"] == {digest_of(BLOB): BLOB}


async def test_half_a_response_is_retried(server: RegistryServer, registry: HttpRegistry) -> None:
    manifest = stored(server, "t")
    server.fault("GET", "/manifests/t", altering(lambda reply: reply._replace(cut_at=10)), times=2)
    assert await registry.get(repository(server).tagged("t")) == manifest


async def test_a_write_whose_response_was_lost_is_repeated(server: RegistryServer, registry: HttpRegistry) -> None:
    stored(server, "t")
    server.fault("PUT", "/manifests/n", cutting_after)
    assert await registry.put(repository(server).tagged("n"), IMAGE) == IMAGE.digest
    assert server.contents.tags["stack/base"]["n"] == IMAGE.digest


async def test_a_single_write_can_be_rejected(server: RegistryServer, registry: HttpRegistry) -> None:
    stored(server, "t")
    server.fault("PUT", "/manifests/", refusing(405, "UNSUPPORTED"), at=3)
    for tag in ("a", "b"):
        await registry.put(repository(server).tagged(tag), IMAGE)
    with pytest.raises(UnsupportedError, match="stack/base:c"):
        await registry.put(repository(server).tagged("c"), IMAGE)
    await registry.put(repository(server).tagged("d"), IMAGE)
    assert set(server.contents.tags["stack/base"]) == {"t", "a", "b", "d"}


async def test_a_silent_registry_is_an_error(server: RegistryServer, clock: QuickClock) -> None:
    end = threading.Event()
    server.fault("HEAD", "/manifests/t", keeping_silent(end), times=99)
    async with HttpRegistry(clock=clock, timeout=httpx.Timeout(0.05)) as registry:
        with pytest.raises(UnreachableError, match=rf"{server.host} timed out while .* It was tried 5 times"):
            await registry.head(repository(server).tagged("t"))
    end.set()


async def test_an_address_without_a_server_is_an_error(registry: HttpRegistry, clock: QuickClock) -> None:
    with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:1 cannot be reached .*refused|failed.*running"):
        await registry.head(Repository(host="127.0.0.1:1", path="a/b").tagged("t"))
    assert len(clock.waits) == 4


async def test_a_rate_limit_is_not_bypassed_with_other_requests(server: RegistryServer, registry: HttpRegistry) -> None:
    server.fault("GET", "/manifests/", answering(refusal(429, "TOOMANYREQUESTS", "pull rate limit")), times=99)
    with pytest.raises(RateLimitError, match="TOOMANYREQUESTS: pull rate limit"):
        await registry.get(repository(server).tagged("t"))
    assert server.asked("HEAD") == []
