"""Who may do what, and when they are asked who they are."""

import anyio
import pytest

from ci.adapters.oci.endpoint import Credentials
from ci.oci.registry import AccessError, LoginError, ProtocolError, RegistryError, digest_of
from tests.integration.adapters.oci.faults import Act, Reply, altering, answering, refusing
from tests.integration.adapters.oci.images import PATH, repository
from tests.integration.adapters.oci.logins import Passwords, Tokens
from tests.integration.adapters.oci.servers import BOB, USERS, WRONG, World

pytestmark = pytest.mark.anyio


async def test_a_password_is_sent_once_the_registry_asks_for_it(world: World) -> None:
    server = world.server(Passwords(USERS))
    registry = await world.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))
    assert await registry.head(repository(server).tagged("t"))
    assert [seen.status for seen in server.seen] == [401, 200, 200]
    assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize("kind", [Passwords, Tokens])
@pytest.mark.parametrize(
    ("credentials", "sentence"),
    [
        pytest.param(
            WRONG, "does not accept the login of 'bob' to write .*stack/base .*--registry-password", id="wrong"
        ),
        pytest.param(None, "wants a login to write .*stack/base .*pass --registry-username", id="none"),
    ],
)
async def test_without_a_good_login_it_ends_at_once(
    world: World, kind: type[Passwords | Tokens], credentials: Credentials | None, sentence: str
) -> None:
    server = world.server(kind(USERS))
    registry = await world.client(server, credentials)
    with pytest.raises(LoginError, match=sentence):
        await registry.preflight(repository(server))
    assert len(server.seen) <= 3
    assert world.clock.waits == []


async def test_a_password_that_is_no_longer_good_is_not_sent_twice(world: World) -> None:
    users = dict(USERS)
    server = world.server(Passwords(users))
    registry = await world.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))
    users["bob"] = "another"
    server.seen.clear()
    with pytest.raises(LoginError):
        await registry.head(repository(server).tagged("t"))
    assert len(server.seen) == 1


@pytest.mark.parametrize("kind", [Passwords, Tokens])
async def test_who_may_only_read_may_not_write(world: World, kind: type[Passwords | Tokens]) -> None:
    server = world.server(kind(USERS, readers=["bob"]))
    registry = await world.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))
    with pytest.raises(AccessError, match=r"does not let bob write 127\.0\.0\.1:\d+/stack/base \(40[13] "):
        await registry.preflight(repository(server))


async def test_nobody_may_read_where_that_is_allowed_and_not_write(world: World) -> None:
    server = world.server(Tokens(USERS))
    registry = await world.client(server)
    assert await registry.head(repository(server).tagged("t"))
    with pytest.raises(LoginError, match="wants a login to write"):
        await registry.preflight(repository(server))


async def test_a_token_is_fetched_once_for_each_right(world: World) -> None:
    tokens = Tokens(USERS)
    server = world.server(tokens)
    registry = await world.client(server, BOB)
    for _ in range(3):
        await registry.head(repository(server).tagged("t"))
        await registry.put_blob(repository(server), b"{}")
        await registry.preflight(repository(server))
    assert tokens.asked == [f"repository:{PATH}:pull", f"repository:{PATH}:pull,push"]


async def test_many_at_once_fetch_one_token(world: World) -> None:
    tokens = Tokens(USERS, uses=12)
    server = world.server(tokens)
    registry = await world.client(server, BOB)
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(registry.head, repository(server).tagged("t"))
    assert len(tokens.asked) == 1


@pytest.mark.parametrize(
    ("says", "seconds"),
    [
        pytest.param({"expires_in": 300}, 300, id="as it says"),
        pytest.param({}, 60, id="a minute if it does not say"),
        pytest.param({"token": "", "expires_in": 300}, None, id="no token"),
    ],
)
async def test_a_token_is_not_used_when_it_is_old(world: World, says: dict[str, object], seconds: float | None) -> None:
    tokens = Tokens(USERS, says=says)
    server = world.server(tokens)
    registry = await world.client(server, BOB)
    if seconds is None:
        with pytest.raises(ProtocolError, match=r"answered the request to read .* \(200 OK, application/json\)"):
            await registry.head(repository(server).tagged("t"))
        return
    for after, fetched in ((0, 1), (0.89 * seconds, 1), (0.02 * seconds, 2)):
        world.clock.time += after
        await registry.head(repository(server).tagged("t"))
        assert len(tokens.asked) == fetched
    assert [seen.status for seen in server.asked("HEAD")] == [401, 200, 200, 200]


async def test_a_token_that_ends_midway_is_renewed(world: World) -> None:
    tokens = Tokens(USERS, uses=1)
    server = world.server(tokens)
    registry = await world.client(server, BOB)
    for _ in range(3):
        assert await registry.put_blob(repository(server), b"{}") == digest_of(b"{}")
        server.contents.blobs[PATH].pop(digest_of(b"{}"))
    assert world.clock.waits == []


async def test_a_token_may_have_its_other_name(world: World) -> None:
    server = world.server(Tokens(USERS))

    def rename(reply: Reply) -> Reply:
        return reply._replace(content=reply.content.replace(b'"token"', b'"access_token"'))

    server.fault("GET", "/token", altering(rename))
    registry = await world.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))


@pytest.mark.parametrize("act", [refusing(500), refusing(429, Retry_After="3")], ids=["500", "429"])
async def test_a_token_server_that_stumbles_is_asked_again(world: World, act: Act) -> None:
    server = world.server(Tokens(USERS))
    server.fault("GET", "/token", act, times=2)
    registry = await world.client(server, BOB)
    assert await registry.head(repository(server).tagged("t"))


@pytest.mark.parametrize(
    ("reply", "kind", "sentence"),
    [
        pytest.param(Reply(200, {"Content-Type": "text/html"}, b"<html>"), ProtocolError, "text/html", id="page"),
        pytest.param(Reply(200, {}, b'{"token": 7}'), ProtocolError, "no content type", id="no word"),
        pytest.param(Reply(302, {"Location": "http://127.0.0.1:1/"}), ProtocolError, "302 Found", id="redirect"),
        pytest.param(Reply(403, {}), AccessError, "does not let bob read", id="refused"),
    ],
)
async def test_a_token_server_that_is_none(
    world: World, reply: Reply, kind: type[RegistryError], sentence: str
) -> None:
    server = world.server(Tokens(USERS))
    server.fault("GET", "/token", answering(reply), times=9)
    registry = await world.client(server, BOB)
    with pytest.raises(kind, match=sentence):
        await registry.head(repository(server).tagged("t"))
    assert len(server.asked("GET", "/token")) == 1
