"""The contract of the Registry protocol: for the fake in memory, our own server and Docker's registry alike."""

import itertools
from collections.abc import AsyncIterator

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.oci.reference import Reference, Repository
from ci.oci.referrers import Artifact, list_referrers, push_referrer, read_referrer
from ci.oci.registry import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    Descriptor,
    IntegrityError,
    Manifest,
    RefusedError,
    Registry,
    RegistryError,
    digest_of,
    put_verified,
)
from ci.oci.tombstone import write_tombstone
from tests.integration.adapters.oci.contents import Contents, image_index, image_manifest
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.adapters.oci.server import RegistryServer

pytestmark = pytest.mark.anyio

NUMBERS = itertools.count()
CONFIG, LAYER = b'{"os":"linux"}', b"layer"


class Case:
    """A registry, and an empty repository in it."""

    def __init__(self, registry: Registry, host: str) -> None:
        self.registry = registry
        self.repository = Repository(host=host, path=f"stack/case-{next(NUMBERS)}")

    async def image(self, *, layer: bytes = LAYER, media_type: str = "") -> Manifest:
        await self.registry.put_blob(self.repository, CONFIG)
        await self.registry.put_blob(self.repository, layer)
        return image_manifest(CONFIG, layer, **({"media_type": media_type} if media_type else {}))

    async def written(self, tag: str, *, layer: bytes = LAYER) -> Manifest:
        manifest = await self.image(layer=layer)
        await self.registry.put(self.repository.tagged(tag), manifest)
        return manifest


@pytest.fixture(params=["memory", "memory with referrers", "server", "server with referrers", "debian"])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    contents = Contents(lists_referrers="referrers" in request.param)
    if "memory" in request.param:
        yield Case(MemoryRegistry(contents), "registry.test")
    elif "server" in request.param:
        with RegistryServer(contents).serving() as server:
            async with HttpRegistry() as registry:
                yield Case(registry, server.host)
    else:
        debian = request.getfixturevalue("debian")
        async with HttpRegistry(debian.endpoint) as registry:
            yield Case(registry, debian.host)


async def test_what_was_never_pushed_is_not_found(case: Case) -> None:
    name = case.repository.tagged("absent")
    assert await case.registry.head(name) is None
    assert await case.registry.get(name) is None
    assert await case.registry.head(case.repository.pinned(digest_of(b"absent"))) is None
    assert await case.registry.tags(case.repository) == ()
    blob = Descriptor(media_type="any/thing", digest=digest_of(b"absent"), size=6)
    assert not await case.registry.has_blob(case.repository, blob.digest)
    assert await case.registry.get_blob(case.repository, blob) is None


@pytest.mark.parametrize("media_type", ["application/vnd.oci.image.manifest.v1+json", DOCKER_MANIFEST])
async def test_a_manifest_comes_back_as_the_same_bytes_by_tag_and_by_digest(case: Case, media_type: str) -> None:
    manifest = await case.image(media_type=media_type)
    name = case.repository.tagged("2026.4-a1239ab")
    assert await case.registry.put(name, manifest) == manifest.digest
    for written in (name, case.repository.pinned(manifest.digest)):
        assert await case.registry.head(written) == manifest.digest
        assert await case.registry.get(written) == manifest


@pytest.mark.parametrize("media_type", ["application/vnd.oci.image.index.v1+json", DOCKER_LIST])
async def test_an_index_keeps_its_bytes_under_another_tag(case: Case, media_type: str) -> None:
    child = await case.written("child")
    index = image_index(child, media_type=media_type)
    await put_verified(case.registry, case.repository.tagged("tested"), index)
    found = await case.registry.get(case.repository.tagged("tested"))
    assert found == index
    await put_verified(case.registry, case.repository.tagged("stable"), found)
    assert await case.registry.head(case.repository.tagged("stable")) == index.digest


async def test_a_tag_is_updated_and_the_old_manifest_stays(case: Case) -> None:
    old = await case.written("stable", layer=b"old")
    new = await case.written("stable", layer=b"new")
    assert await case.registry.head(case.repository.tagged("stable")) == new.digest
    assert await case.registry.get(case.repository.pinned(old.digest)) == old


async def test_a_deleted_manifest_takes_its_tags_with_it_and_no_others(case: Case) -> None:
    kept = await case.written("kept", layer=b"kept")
    gone = await case.written("stable")
    await case.registry.put(case.repository.tagged("2026.4-a1239ab"), gone)
    await case.registry.delete(case.repository.pinned(gone.digest))
    assert await case.registry.tags(case.repository) == ("kept",)
    assert await case.registry.head(case.repository.tagged("stable")) is None
    assert await case.registry.head(case.repository.pinned(gone.digest)) is None
    assert await case.registry.head(case.repository.tagged("kept")) == kept.digest
    await case.registry.delete(case.repository.pinned(gone.digest))  # is gone already


async def test_a_single_tag_is_not_deleted(case: Case) -> None:
    manifest = await case.written("stable")
    with pytest.raises(RegistryError):
        await case.registry.delete(case.repository.tagged("stable"))
    assert await case.registry.head(case.repository.tagged("stable")) == manifest.digest


async def test_a_tombstone_removes_a_tag_and_not_its_manifest(case: Case) -> None:
    manifest = await case.written("tested")
    for tag in ("stable", "2026.4-stable"):
        await case.registry.put(case.repository.tagged(tag), manifest)
    await write_tombstone(case.registry, case.repository.tagged("stable"))
    assert await case.registry.head(case.repository.tagged("stable")) is None
    for tag in ("tested", "2026.4-stable"):
        assert await case.registry.head(case.repository.tagged(tag)) == manifest.digest


async def test_with_tag_and_digest_the_tag_is_written(case: Case) -> None:
    manifest = await case.image()
    name = Reference(repository=case.repository, tag="stable", digest=manifest.digest)
    await case.registry.put(name, manifest)
    assert await case.registry.tags(case.repository) == ("stable",)


async def test_writing_the_same_again_changes_nothing(case: Case) -> None:
    manifest = await case.written("stable")
    assert await case.registry.put(case.repository.tagged("stable"), manifest) == manifest.digest
    assert await case.registry.tags(case.repository) == ("stable",)


async def test_an_image_without_its_layers_is_rejected(case: Case) -> None:
    manifest = image_manifest(b"no such config", b"no such layer")
    with pytest.raises(RefusedError):
        await case.registry.put(case.repository.tagged("torn"), manifest)
    assert await case.registry.head(case.repository.tagged("torn")) is None


async def test_an_index_without_its_images_is_rejected(case: Case) -> None:
    with pytest.raises(RefusedError):
        await case.registry.put(case.repository.tagged("torn"), image_index(image_manifest(b"a", b"b")))


async def test_a_manifest_under_the_digest_of_another_is_rejected(case: Case) -> None:
    manifest = await case.image()
    with pytest.raises(RefusedError):
        await case.registry.put(case.repository.pinned(digest_of(b"another")), manifest)


async def test_a_blob_comes_back_whole(case: Case) -> None:
    content = bytes(range(256)) * 999
    digest = await case.registry.put_blob(case.repository, content)
    assert digest == digest_of(content)
    assert await case.registry.has_blob(case.repository, digest)
    blob = Descriptor(media_type="any/thing", digest=digest, size=len(content))
    assert await case.registry.get_blob(case.repository, blob) == content


async def test_all_tags_are_listed(case: Case) -> None:
    manifest = await case.image()
    wanted = {f"t{number}" for number in range(7)}
    for tag in wanted:
        await case.registry.put(case.repository.tagged(tag), manifest)
    assert set(await case.registry.tags(case.repository)) == wanted


async def test_preflight_leaves_nothing(case: Case) -> None:
    await case.registry.preflight(case.repository)
    assert await case.registry.tags(case.repository) == ()


RECORD = Artifact(
    type="application/vnd.example.record.v1",
    media_type="application/json",
    content=b'{"passed": true}',
    annotations={"org.opencontainers.image.created": "2026-01-01T00:00:00Z"},
)
OTHER = Artifact(type="application/vnd.example.verdict.v1", media_type="text/plain", content=b"passed")


async def test_referrers_are_listed_for_their_subject(case: Case) -> None:
    image, other = await case.written("tested"), await case.written("other", layer=b"other")
    record = await push_referrer(case.registry, case.repository, image.descriptor, RECORD)
    await push_referrer(case.registry, case.repository, image.descriptor, OTHER)
    await push_referrer(case.registry, case.repository, other.descriptor, OTHER)
    (found,) = await list_referrers(case.registry, case.repository, image.digest, RECORD.type)
    assert (found.digest, found.annotations) == (record.digest, RECORD.annotations)
    assert await read_referrer(case.registry, case.repository, image.digest, found) == RECORD
    assert await list_referrers(case.registry, case.repository, other.digest, RECORD.type) == ()


async def test_pushing_the_same_referrer_again_changes_nothing(case: Case) -> None:
    image = await case.written("tested")
    first = await push_referrer(case.registry, case.repository, image.descriptor, RECORD)
    tags = await case.registry.tags(case.repository)
    assert await push_referrer(case.registry, case.repository, image.descriptor, RECORD) == first
    assert len(await list_referrers(case.registry, case.repository, image.digest, RECORD.type)) == 1
    assert await case.registry.tags(case.repository) == tags


async def test_a_referrer_of_another_image_is_rejected(case: Case) -> None:
    image = await case.written("tested")
    record = await push_referrer(case.registry, case.repository, image.descriptor, RECORD)
    with pytest.raises(IntegrityError, match="but its subject is another image"):
        await read_referrer(case.registry, case.repository, digest_of(b"another"), record)


async def test_a_referrer_may_be_pushed_before_its_image(case: Case) -> None:
    image = await case.image()
    await push_referrer(case.registry, case.repository, image.descriptor, RECORD)
    assert len(await list_referrers(case.registry, case.repository, image.digest, RECORD.type)) == 1
