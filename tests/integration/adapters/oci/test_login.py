"""Logins and permissions."""

import anyio
import pytest

from ci.adapters.oci.endpoint import Credentials
from ci.oci.registry import AccessError, LoginError, ProtocolError, RegistryError, digest_of
from tests.integration.adapters.oci.faults import Act, Reply, altering, answering, refusing
from tests.integration.adapters.oci.images import PATH, repository
from tests.integration.adapters.oci.logins import Passwords, Tokens
from tests.integration.adapters.oci.servers import BOB, USERS, WRONG, Servers

pytestmark = pytest.mark.anyio


async def test_a_password_is_sent_once_the_registry_asks_for_it(servers: Servers) -> None:
    server = servers.server(Passwords(USERS))
    registry = await servers.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))
    assert await registry.head(repository(server).tagged("t"))
    assert [seen.status for seen in server.seen] == [401, 200, 200]
    assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize("kind", [Passwords, Tokens])
@pytest.mark.parametrize(
    ("credentials", "sentence"),
    [
        pytest.param(
            WRONG, "does not accept the login of 'bob' for writing .*stack/base .*--registry-password", id="wrong"
        ),
        pytest.param(None, "requires a login for writing .*stack/base .*pass --registry-username", id="none"),
    ],
)
async def test_without_a_valid_login_it_ends_at_once(
    servers: Servers, kind: type[Passwords | Tokens], credentials: Credentials | None, sentence: str
) -> None:
    server = servers.server(kind(USERS))
    registry = await servers.client(server, credentials)
    with pytest.raises(LoginError, match=sentence):
        await registry.preflight(repository(server))
    assert len(server.seen) <= 3
    assert servers.clock.waits == []


async def test_a_password_that_is_no_longer_valid_is_not_sent_twice(servers: Servers) -> None:
    users = dict(USERS)
    server = servers.server(Passwords(users))
    registry = await servers.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))
    users["bob"] = "another"
    server.seen.clear()
    with pytest.raises(LoginError):
        await registry.head(repository(server).tagged("t"))
    assert len(server.seen) == 1


@pytest.mark.parametrize("kind", [Passwords, Tokens])
async def test_a_user_who_may_only_read_may_not_write(servers: Servers, kind: type[Passwords | Tokens]) -> None:
    server = servers.server(kind(USERS, readers=["bob"]))
    registry = await servers.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))
    with pytest.raises(AccessError, match=r"does not allow bob to write 127\.0\.0\.1:\d+/stack/base \(40[13] "):
        await registry.preflight(repository(server))


async def test_anonymous_users_may_read_where_that_is_allowed_and_not_write(servers: Servers) -> None:
    server = servers.server(Tokens(USERS))
    registry = await servers.client(server)
    assert await registry.head(repository(server).tagged("t"))
    with pytest.raises(LoginError, match="requires a login for writing"):
        await registry.preflight(repository(server))


async def test_a_token_is_fetched_once_for_each_permission(servers: Servers) -> None:
    tokens = Tokens(USERS)
    server = servers.server(tokens)
    registry = await servers.client(server, BOB)
    for _ in range(3):
        await registry.head(repository(server).tagged("t"))
        await registry.put_blob(repository(server), b"{}")
        await registry.preflight(repository(server))
    assert tokens.scopes == [f"repository:{PATH}:pull", f"repository:{PATH}:pull,push"]


async def test_many_at_once_fetch_one_token(servers: Servers) -> None:
    tokens = Tokens(USERS, uses=12)
    server = servers.server(tokens)
    registry = await servers.client(server, BOB)
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(registry.head, repository(server).tagged("t"))
    assert len(tokens.scopes) == 1


@pytest.mark.parametrize(
    ("extra", "seconds"),
    [
        pytest.param({"expires_in": 300}, 300, id="as announced"),
        pytest.param({}, 60, id="a minute by default"),
        pytest.param({"token": "", "expires_in": 300}, None, id="no token"),
    ],
)
async def test_an_expired_token_is_not_used(servers: Servers, extra: dict[str, object], seconds: float | None) -> None:
    tokens = Tokens(USERS, extra=extra)
    server = servers.server(tokens)
    registry = await servers.client(server, BOB)
    if seconds is None:
        with pytest.raises(ProtocolError, match=r"unexpected response while reading .* \(200 OK, application/json\)"):
            await registry.head(repository(server).tagged("t"))
        return
    for after, fetched in ((0, 1), (0.89 * seconds, 1), (0.02 * seconds, 2)):
        servers.clock.time += after
        await registry.head(repository(server).tagged("t"))
        assert len(tokens.scopes) == fetched
    assert [seen.status for seen in server.asked("HEAD")] == [401, 200, 200, 200]


async def test_a_token_that_expires_midway_is_renewed(servers: Servers) -> None:
    tokens = Tokens(USERS, uses=1)
    server = servers.server(tokens)
    registry = await servers.client(server, BOB)
    for _ in range(3):
        assert await registry.put_blob(repository(server), b"{}") == digest_of(b"{}")
        server.contents.blobs[PATH].pop(digest_of(b"{}"))
    assert servers.clock.waits == []


async def test_a_token_may_be_named_access_token(servers: Servers) -> None:
    server = servers.server(Tokens(USERS))

    def rename(reply: Reply) -> Reply:
        return reply._replace(content=reply.content.replace(b'"token"', b'"access_token"'))

    server.fault("GET", "/token", altering(rename))
    registry = await servers.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))


@pytest.mark.parametrize("act", [refusing(500), refusing(429, Retry_After="3")], ids=["500", "429"])
async def test_a_token_server_that_fails_is_retried(servers: Servers, act: Act) -> None:
    server = servers.server(Tokens(USERS))
    server.fault("GET", "/token", act, times=2)
    registry = await servers.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))


@pytest.mark.parametrize(
    ("reply", "kind", "sentence"),
    [
        pytest.param(Reply(200, {"Content-Type": "text/html"}, b"<html>"), ProtocolError, "text/html", id="page"),
        pytest.param(Reply(200, {}, b'{"token": 7}'), ProtocolError, "no content type", id="no text"),
        pytest.param(Reply(302, {"Location": "http://127.0.0.1:1/"}), ProtocolError, "302 Found", id="redirect"),
        pytest.param(Reply(403, {}), AccessError, "does not allow bob to read", id="403"),
    ],
)
async def test_an_unusable_response_of_a_token_server_is_an_error(
    servers: Servers, reply: Reply, kind: type[RegistryError], sentence: str
) -> None:
    server = servers.server(Tokens(USERS))
    server.fault("GET", "/token", answering(reply), times=9)
    registry = await servers.client(server, BOB)
    with pytest.raises(kind, match=sentence):
        await registry.head(repository(server).tagged("t"))
    assert len(server.asked("GET", "/token")) == 1
