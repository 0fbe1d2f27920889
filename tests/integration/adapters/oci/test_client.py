"""What concerns HTTP only, beyond the contract of the protocol."""

import json
from collections.abc import Awaitable, Callable

import anyio
import httpx
import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Endpoint
from ci.oci.reference import Repository
from ci.oci.registry import Descriptor, IntegrityError, Manifest, ProtocolError, RefusedError, digest_of, put_verified
from tests.clocks import QuickClock
from tests.integration.adapters.oci.contents import image_index
from tests.integration.adapters.oci.faults import Reply, altering, answering, meanwhile, refusing
from tests.integration.adapters.oci.images import CONFIG, PATH, repository, stored
from tests.integration.adapters.oci.server import RegistryServer

pytestmark = pytest.mark.anyio

OTHER = digest_of(b"another")


def with_digest(digest: str | None) -> Callable[[Reply], Reply]:
    """Reply with another digest in the header, or without one."""

    def change(reply: Reply) -> Reply:
        headers = {name: value for name, value in reply.headers.items() if name != "Docker-Content-Digest"}
        return reply._replace(headers=headers if digest is None else {**headers, "Docker-Content-Digest": digest})

    return change


@pytest.mark.parametrize("header", [None, f"sha512:{'0a' * 64}", "sha"], ids=["none", "another algorithm", "invalid"])
async def test_without_a_digest_header_the_manifest_is_fetched(
    server: RegistryServer, registry: HttpRegistry, header: str | None
) -> None:
    manifest = stored(server, "t")
    for method in ("HEAD", "GET", "PUT"):
        server.fault(method, "/manifests/t", altering(with_digest(header)))
    assert await registry.head(repository(server).tagged("t")) == manifest.digest
    assert await registry.put(repository(server).tagged("t"), manifest) == manifest.digest
    assert [seen.method for seen in server.seen] == ["HEAD", "GET", "PUT"]


async def test_a_manifest_that_does_not_match_its_header_is_rejected(
    server: RegistryServer, registry: HttpRegistry
) -> None:
    manifest = stored(server, "t")
    server.fault("GET", "/manifests/", altering(with_digest(OTHER)))
    with pytest.raises(
        IntegrityError, match=rf"base:t should have the digest {OTHER}, but the registry sent {manifest.digest}"
    ):
        await registry.get(repository(server).tagged("t"))


async def test_a_manifest_that_does_not_match_its_reference_is_rejected(
    server: RegistryServer, registry: HttpRegistry
) -> None:
    manifest = stored(server, "t")
    server.contents.manifests[PATH][OTHER] = manifest
    server.fault("GET", "/manifests/", altering(with_digest(None)))
    with pytest.raises(IntegrityError, match=f"should have the digest {OTHER}"):
        await registry.get(repository(server).pinned(OTHER))


async def test_a_blob_that_does_not_match_its_digest_is_rejected(
    server: RegistryServer, registry: HttpRegistry
) -> None:
    server.contents.blobs[PATH][OTHER] = CONFIG
    blob = Descriptor(media_type="a/b", digest=OTHER, size=len(CONFIG))
    with pytest.raises(IntegrityError, match=f"sent content with the digest {digest_of(CONFIG)} for .*{OTHER}"):
        await registry.get_blob(repository(server), blob)


async def test_a_registry_that_stores_something_else_is_noticed(server: RegistryServer, registry: HttpRegistry) -> None:
    manifest = stored(server, "t")
    server.fault("PUT", "/manifests/", altering(with_digest(OTHER)))
    with pytest.raises(
        IntegrityError, match=f"base:n was pushed as {manifest.digest}, but the registry stored {OTHER}"
    ):
        await registry.put(repository(server).tagged("n"), manifest)


async def test_a_tag_that_is_updated_by_somebody_else_after_the_write_is_noticed(
    server: RegistryServer, registry: HttpRegistry
) -> None:
    own, other = stored(server, "own"), stored(server, "other", layer=b"other")
    server.fault("HEAD", "/manifests/stable", meanwhile(lambda: server.contents.write(PATH, "stable", other)))
    with pytest.raises(IntegrityError, match=f"base:stable was written as {own.digest} and then read back as"):
        await put_verified(registry, repository(server).tagged("stable"), own)


@pytest.mark.parametrize("read_back", [with_digest(OTHER), lambda _reply: Reply(404, {})], ids=["another", "gone"])
async def test_a_wrong_digest_on_reading_back_is_noticed(
    server: RegistryServer, registry: HttpRegistry, read_back: Callable[[Reply], Reply]
) -> None:
    manifest = stored(server, "t")
    server.fault("HEAD", "/manifests/n", altering(read_back))
    with pytest.raises(IntegrityError, match="read back as"):
        await put_verified(registry, repository(server).tagged("n"), manifest)


async def test_updating_a_tag_transfers_no_layer(server: RegistryServer, registry: HttpRegistry) -> None:
    manifest = stored(server, "tested", layer=b"x" * 10_000_000)
    index = image_index(manifest)
    server.contents.write(PATH, "index", index)
    for tag in ("tested", "index"):
        found = await registry.get(repository(server).tagged(tag))
        assert found is not None
        await put_verified(registry, repository(server).tagged("stable"), found)
    assert sum(seen.taken + seen.given for seen in server.seen) < 5_000
    assert server.contents.tags[PATH]["stable"] == index.digest


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
async def test_pages_of_tags_are_followed(server: RegistryServer, registry: HttpRegistry, page: int) -> None:
    for number in range(7):
        stored(server, f"t{number}")
    server.page = page
    assert await registry.tags(repository(server)) == tuple(f"t{number}" for number in range(7))


async def test_pages_of_referrers_are_followed(server: RegistryServer, registry: HttpRegistry) -> None:
    found = [Descriptor(media_type="a/b", digest=digest_of(bytes([number])), size=1) for number in range(2)]
    for number, record in enumerate(found):
        content = json.dumps({"manifests": [{"mediaType": "a/b", "digest": record.digest, "size": 1}]}).encode()
        link = {"Link": '<?page=2>; rel="next"'} if number == 0 else {}
        server.fault("GET", "/referrers/", answering(Reply(200, link, content)), at=number + 1)
    assert await registry.referrers(repository(server).pinned(OTHER)) == tuple(found)
    assert server.seen[1].path == f"/v2/{PATH}/referrers/{OTHER}?page=2"


async def test_pages_in_a_circle_end(server: RegistryServer, registry: HttpRegistry) -> None:
    link = {"Link": f'</v2/{PATH}/tags/list?n=1000>; rel="next"'}
    server.fault("GET", "/tags/", answering(Reply(200, link, b'{"tags": ["t"]}')), times=99)
    with pytest.raises(ProtocolError, match="unexpected response while reading"):
        await registry.tags(repository(server))
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(200, {}, b'{"tags": null}'), id="null"),
        pytest.param(Reply(200, {}, b"{}"), id="nothing"),
        pytest.param(Reply(404, {"Content-Type": "text/plain"}, b"404 page not found\n"), id="not found"),
    ],
)
async def test_a_repository_without_tags_has_none(server: RegistryServer, registry: HttpRegistry, reply: Reply) -> None:
    server.fault("GET", "/tags/", answering(reply))
    assert await registry.tags(repository(server)) == ()


@pytest.mark.parametrize("status", [301, 303, 400, 404, 405, 501])
async def test_a_registry_without_referrers_says_so_in_many_ways(
    server: RegistryServer, registry: HttpRegistry, status: int
) -> None:
    server.fault("GET", "/referrers/", answering(Reply(status, {"Location": "/nowhere"}, b"no such page")), times=9)
    assert await registry.referrers(repository(server).pinned(OTHER)) is None
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [204, 404, 405, 500])
async def test_preflight_cancels_its_upload_if_it_can(
    server: RegistryServer, registry: HttpRegistry, clock: QuickClock, status: int
) -> None:
    if status != 204:
        server.fault("DELETE", "/uploads/", refusing(status), times=99)
    await registry.preflight(repository(server))
    assert [str(seen) for seen in server.seen] == [
        f"POST /v2/{PATH}/blobs/uploads/",
        f"DELETE /v2/{PATH}/blobs/uploads/1?state=a%2Fb",
    ]
    assert server.uploads.keys() == (set() if status == 204 else {"1"})
    assert clock.waits == []


PAGE = Reply(200, {"Content-Type": "text/html"}, b"<html>It works!</html>")
OLD = Reply(200, {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, b"{}")
Call = Callable[[HttpRegistry, Repository], Awaitable[object]]


def reading(registry: HttpRegistry, there: Repository) -> Awaitable[object]:
    return registry.get(there.tagged("t"))


def starting_upload(registry: HttpRegistry, there: Repository) -> Awaitable[object]:
    return registry.preflight(there)


@pytest.mark.parametrize(
    ("method", "call", "reply"),
    [
        pytest.param("GET", lambda registry, there: registry.head(there.tagged("t")), PAGE, id="head"),
        pytest.param("GET", reading, PAGE, id="get"),
        pytest.param("GET", reading, PAGE._replace(status=404), id="get, 404"),
        pytest.param("GET", reading, OLD, id="get, old type"),
        pytest.param("GET", lambda registry, there: registry.tags(there), PAGE, id="tags"),
        pytest.param("GET", lambda registry, there: registry.referrers(there.pinned(OTHER)), PAGE, id="referrers"),
        pytest.param("POST", starting_upload, PAGE, id="upload, no location"),
        pytest.param("POST", starting_upload, Reply(202, {"Location": "http://a:b"}), id="upload, no address"),
        pytest.param("POST", starting_upload, Reply(202, {"Location": "mailto:a"}), id="upload, other address"),
    ],
)
async def test_a_server_that_is_not_a_registry_is_an_error(
    server: RegistryServer, registry: HttpRegistry, method: str, call: Call, reply: Reply
) -> None:
    for asked in {method, "HEAD"}:
        server.fault(asked, "/v2/", answering(reply if asked == method else reply._replace(content=b"")), times=99)
    with pytest.raises(
        ProtocolError, match=rf"{server.url}: unexpected response while .*stack/base.*\. Is this a registry\?"
    ):
        await call(registry, repository(server))


async def test_an_endless_response_is_not_read_to_its_end(server: RegistryServer, registry: HttpRegistry) -> None:
    server.fault("GET", "/tags/", answering(Reply(200, {}, b" " * 5_000_000)))
    with pytest.raises(ProtocolError, match=r"sent more than 4,194,304 bytes while reading"):
        await registry.tags(repository(server))


async def test_an_endless_error_response_is_not_read_to_its_end(server: RegistryServer, clock: QuickClock) -> None:
    server.fault("GET", "/tags/", answering(Reply(418, {"Content-Length": "999999999"}, b" " * 200_000)), times=99)
    async with HttpRegistry(clock=clock, timeout=httpx.Timeout(5)) as registry:
        with pytest.raises(RefusedError, match="418"):
            await registry.tags(repository(server))


async def test_manifests_are_requested_without_compression(server: RegistryServer, registry: HttpRegistry) -> None:
    await registry.head(repository(server).tagged("t"))
    assert server.seen[0].headers["accept-encoding"] == "identity"
    assert server.seen[0].headers["accept"].count("+json") == 4


async def test_a_registry_is_reached_at_another_address_and_keeps_its_name(
    server: RegistryServer, clock: QuickClock
) -> None:
    there = Repository(host="registry.test", path=PATH)
    manifest: Manifest = stored(server, "t")

    def by_its_name(reply: Reply) -> Reply:
        location = reply.headers["Location"].replace(server.url, "https://registry.test")
        return reply._replace(headers={"Location": location})

    server.fault("POST", "/uploads/", altering(by_its_name))
    async with HttpRegistry(Endpoint(host="registry.test", address=server.url), clock=clock) as registry:
        assert await registry.get(there.tagged("t")) == manifest
        await registry.put_blob(there, b"a record")
    assert digest_of(b"a record") in server.contents.blobs[PATH]


async def test_a_blob_is_uploaded_once_by_several_at_the_same_moment(
    server: RegistryServer, registry: HttpRegistry
) -> None:
    one, other = Repository(host=server.host, path="a/one"), Repository(host=server.host, path="a/other")
    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            for repository in (one, other):
                tasks.start_soon(registry.put_blob, repository, b"a record")
    assert len(server.asked("PUT", "/blobs/uploads/")) == 2
    assert all(digest_of(b"a record") in server.contents.blobs[repository.path] for repository in (one, other))
