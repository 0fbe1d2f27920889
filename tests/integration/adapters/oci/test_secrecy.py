"""Nobody but the registry and its token server learns a password or a token."""

import base64
import logging
import traceback

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Endpoint
from ci.oci.registry import Descriptor, LoginError, ProtocolError, RegistryError, digest_of
from tests.integration.adapters.oci.faults import Act, Reply, altering, answering, cutting, refusing
from tests.integration.adapters.oci.images import CONFIG, PATH, repository, stored
from tests.integration.adapters.oci.logins import Passwords, Tokens
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.adapters.oci.servers import BOB, USERS, World

pytestmark = pytest.mark.anyio

CONFIG_DESCRIPTOR = Descriptor(media_type="a/b", digest=digest_of(CONFIG), size=len(CONFIG))


def redirecting(server: RegistryServer, path: str) -> Act:
    return answering(Reply(307, {"Location": f"{server.url}{path}"}))


def secrets_of(tokens: Tokens) -> set[str]:
    pair = base64.b64encode(f"{BOB.username}:{BOB.password}".encode()).decode()
    return {BOB.password, pair, *tokens.grants}


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(refusing(403, "DENIED"), id="403"),
        pytest.param(refusing(503), id="503"),
        pytest.param(cutting, id="cut"),
        pytest.param(refusing(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="r"'), id="401"),
        pytest.param(answering(Reply(200, {"Content-Type": "text/html"}, b"<html>")), id="page"),
    ],
)
async def test_no_secret_is_in_errors_or_logs(world: World, caplog: pytest.LogCaptureFixture, act: Act) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = Tokens(USERS)
    server = world.server(tokens)
    registry = await world.client(server, BOB)
    await registry.preflight(repository(server))
    server.fault("GET", "/manifests/", act, times=99)
    with pytest.raises(RegistryError) as raised:
        await registry.get(repository(server).tagged("t"))
    shown = "".join(traceback.format_exception(raised.value)) + caplog.text + repr(vars(registry)) + repr(raised.value)
    assert len(secrets_of(tokens)) == 4
    assert "bob" in shown
    assert "HTTP/1.1" in caplog.text
    assert {secret for secret in secrets_of(tokens) if secret in shown} == set()


async def test_a_store_that_blobs_are_fetched_from_sees_no_password(world: World) -> None:
    registry_server, store = world.server(Passwords(USERS)), world.server()
    registry_server.fault("GET", "/blobs/", redirecting(store, f"/v2/{PATH}/blobs/{digest_of(CONFIG)}"), at=2)
    registry = await world.client(registry_server, BOB)
    assert await registry.get_blob(repository(registry_server), CONFIG_DESCRIPTOR) == CONFIG
    assert "authorization" in registry_server.seen[-1].headers
    (fetched,) = store.seen
    assert "authorization" not in fetched.headers


async def test_a_place_elsewhere_to_upload_to_sees_no_password(world: World) -> None:
    registry_server, store = world.server(Passwords(USERS)), world.server()

    def elsewhere(reply: Reply) -> Reply:
        store.uploads["1"] = b""
        return reply._replace(headers={"Location": f"{store.url}/v2/{PATH}/blobs/uploads/1?signature=s"})

    registry_server.fault("POST", "/uploads/", altering(elsewhere))
    registry = await world.client(registry_server, BOB)
    await registry.put_blob(repository(registry_server), b"a record")
    assert store.contents.blobs[PATH][digest_of(b"a record")] == b"a record"
    (put,) = store.seen
    assert put.path == f"/v2/{PATH}/blobs/uploads/1?signature=s&digest={digest_of(b'a record')}"
    assert "authorization" not in put.headers


@pytest.mark.parametrize("kind", [Passwords, Tokens])
async def test_a_stranger_that_asks_for_the_password_does_not_get_it(
    world: World, kind: type[Passwords | Tokens]
) -> None:
    registry_server, stranger = world.server(), world.server(kind(USERS))
    registry_server.fault("GET", "/manifests/", redirecting(stranger, f"/v2/{PATH}/manifests/t"), times=99)
    registry = await world.client(registry_server, BOB)
    with pytest.raises(LoginError):
        await registry.get(repository(registry_server).tagged("t"))
    assert len(stranger.seen) == 1
    assert "authorization" not in stranger.seen[0].headers


async def test_a_registry_that_redirects_itself_is_followed_with_the_password(world: World) -> None:
    server = world.server(Passwords(USERS))
    manifest = stored(server, "t")
    server.fault("GET", "/manifests/t", redirecting(server, f"/v2/{PATH}/manifests/{manifest.digest}"), at=2)
    registry = await world.client(server, BOB)
    assert await registry.get(repository(server).tagged("t")) == manifest


async def test_a_registry_that_sends_us_in_circles_is_left(world: World) -> None:
    server = world.server()
    server.fault("HEAD", "/manifests/t", redirecting(server, f"/v2/{PATH}/manifests/t"), times=99)
    registry = await world.client(server)
    with pytest.raises(ProtocolError, match="leads nowhere"):
        await registry.head(repository(server).tagged("t"))
    assert len(server.seen) == 6


@pytest.mark.parametrize("realm", ["", "no address", "ftp://a.test", "http://a:b", "/token"])
async def test_a_password_is_not_sent_to_what_is_no_token_server(world: World, realm: str) -> None:
    tokens = Tokens(USERS)
    server = world.server(tokens)
    tokens.realm = realm
    registry = await world.client(server, BOB)
    server.fault("HEAD", "/manifests/", refusing(401, WWW_Authenticate=f'Bearer realm="{realm}",service="s"'), times=99)
    with pytest.raises(ProtocolError, match="for a token, and a password may only go to an https address"):
        await registry.head(repository(server).tagged("t"))


async def test_one_registry_s_password_is_not_shown_to_another(world: World) -> None:
    own, other = world.server(Passwords(USERS)), world.server(Passwords(USERS))
    async with HttpRegistry(Endpoint(host=own.host, credentials=BOB), clock=world.clock) as registry:
        assert await registry.head(repository(own).tagged("t"))
        with pytest.raises(LoginError, match="none was given"):
            await registry.head(repository(other).tagged("t"))
