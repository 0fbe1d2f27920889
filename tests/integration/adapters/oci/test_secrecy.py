"""Passwords and tokens go to the registry and its token server only."""

import base64
import logging
import re
import traceback

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Endpoint
from ci.oci.registry import Descriptor, LoginError, ProtocolError, RegistryError, digest_of
from tests.integration.adapters.oci.faults import Act, Reply, altering, answering, cutting, refusing
from tests.integration.adapters.oci.images import CONFIG, PATH, repository, stored
from tests.integration.adapters.oci.logins import Passwords, Tokens
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.adapters.oci.servers import BOB, USERS, Servers

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
async def test_no_secret_is_in_errors_or_logs(servers: Servers, caplog: pytest.LogCaptureFixture, act: Act) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = Tokens(USERS)
    server = servers.server(tokens)
    registry = await servers.client(server, BOB)
    await registry.preflight(repository(server))
    server.fault("GET", "/manifests/", act, times=99)
    with pytest.raises(RegistryError) as raised:
        await registry.get(repository(server).tagged("t"))
    shown = "".join(traceback.format_exception(raised.value)) + caplog.text + repr(vars(registry)) + repr(raised.value)
    assert len(secrets_of(tokens)) == 4
    assert "bob" in shown
    assert "HTTP/1.1" in caplog.text
    assert {secret for secret in secrets_of(tokens) if secret in shown} == set()


async def test_the_log_has_a_line_for_each_request_and_no_secret(
    servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="ci.oci")
    tokens = Tokens(USERS)
    server = servers.server(tokens)
    registry = await servers.client(server, BOB)
    server.fault("GET", "/manifests/", refusing(503), at=2)
    server.fault("PUT", "/uploads/", cutting)
    assert await registry.get(repository(server).tagged("t"))
    await registry.put_blob(repository(server), b"a record")
    lines = [record.getMessage() for record in caplog.records if record.name == "ci.oci"]
    timeless = [re.sub(r" in \d+ ms", "", line) for line in lines]
    manifest, uploads = f"{server.url}/v2/{PATH}/manifests/t", f"{server.url}/v2/{PATH}/blobs/uploads/"
    assert timeless[:5] == [
        f"GET {manifest}: 401, 0 retries",
        f"GET {server.url}/token: 200, 0 retries",
        f"GET {manifest}: 503, 0 retries",
        f"GET {manifest}: 200, 1 retries",
        f"HEAD {server.url}/v2/{PATH}/blobs/{digest_of(b'a record')}: 404, 0 retries",
    ]
    assert timeless[-2:] == [f"POST {uploads}: 202, 1 retries", f"PUT {uploads}2: 201, 1 retries"]
    shown = "".join(f"{record.__dict__}" for record in caplog.records if record.name == "ci.oci")
    assert {secret for secret in {*secrets_of(tokens), "state=", "scope=", "a record"} if secret in shown} == set()
    assert len(secrets_of(tokens)) == 4


async def test_a_blob_store_that_is_redirected_to_sees_no_password(servers: Servers) -> None:
    registry_server, store = servers.server(Passwords(USERS)), servers.server()
    registry_server.fault("GET", "/blobs/", redirecting(store, f"/v2/{PATH}/blobs/{digest_of(CONFIG)}"), at=2)
    registry = await servers.client(registry_server, BOB)
    assert await registry.get_blob(repository(registry_server), CONFIG_DESCRIPTOR) == CONFIG
    assert "authorization" in registry_server.seen[-1].headers
    (fetched,) = store.seen
    assert "authorization" not in fetched.headers


async def test_an_upload_address_on_another_host_sees_no_password(servers: Servers) -> None:
    registry_server, store = servers.server(Passwords(USERS)), servers.server()

    def elsewhere(reply: Reply) -> Reply:
        store.uploads["1"] = b""
        return reply._replace(headers={"Location": f"{store.url}/v2/{PATH}/blobs/uploads/1?signature=s"})

    registry_server.fault("POST", "/uploads/", altering(elsewhere))
    registry = await servers.client(registry_server, BOB)
    await registry.put_blob(repository(registry_server), b"a record")
    assert store.contents.blobs[PATH][digest_of(b"a record")] == b"a record"
    (put,) = store.seen
    assert put.path == f"/v2/{PATH}/blobs/uploads/1?signature=s&digest={digest_of(b'a record')}"
    assert "authorization" not in put.headers


@pytest.mark.parametrize("kind", [Passwords, Tokens])
async def test_another_host_that_requests_the_password_does_not_get_it(
    servers: Servers, kind: type[Passwords | Tokens]
) -> None:
    registry_server, other = servers.server(), servers.server(kind(USERS))
    registry_server.fault("GET", "/manifests/", redirecting(other, f"/v2/{PATH}/manifests/t"), times=99)
    registry = await servers.client(registry_server, BOB)
    with pytest.raises(LoginError):
        await registry.get(repository(registry_server).tagged("t"))
    assert len(other.seen) == 1
    assert "authorization" not in other.seen[0].headers


async def test_a_registry_that_redirects_itself_is_followed_with_the_password(servers: Servers) -> None:
    server = servers.server(Passwords(USERS))
    manifest = stored(server, "t")
    server.fault("GET", "/manifests/t", redirecting(server, f"/v2/{PATH}/manifests/{manifest.digest}"), at=2)
    registry = await servers.client(server, BOB)
    assert await registry.get(repository(server).tagged("t")) == manifest


async def test_endless_redirects_are_an_error(servers: Servers) -> None:
    server = servers.server()
    server.fault("HEAD", "/manifests/t", redirecting(server, f"/v2/{PATH}/manifests/t"), times=99)
    registry = await servers.client(server)
    with pytest.raises(ProtocolError, match="unusable response while reading"):
        await registry.head(repository(server).tagged("t"))
    assert len(server.seen) == 6


@pytest.mark.parametrize("realm", ["", "no address", "ftp://a.test", "http://a:b", "/token"])
async def test_a_password_is_not_sent_to_an_invalid_token_server(servers: Servers, realm: str) -> None:
    tokens = Tokens(USERS)
    server = servers.server(tokens)
    tokens.realm = realm
    registry = await servers.client(server, BOB)
    server.fault("HEAD", "/manifests/", refusing(401, WWW_Authenticate=f'Bearer realm="{realm}",service="s"'), times=99)
    with pytest.raises(
        ProtocolError, match=r"requires a token from .*, but passwords are sent to https addresses only"
    ):
        await registry.head(repository(server).tagged("t"))


async def test_one_registry_s_password_is_not_shown_to_another(servers: Servers) -> None:
    own, other = servers.server(Passwords(USERS)), servers.server(Passwords(USERS))
    async with HttpRegistry(Endpoint(host=own.host, credentials=BOB), clock=servers.clock) as registry:
        assert await registry.head(repository(own).tagged("t"))
        with pytest.raises(LoginError, match="requires a login for reading"):
            await registry.head(repository(other).tagged("t"))
