"""What the Registry port promises, of the fake in memory, of our own server, and of Docker's registry alike."""

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


class Place:
    """A registry, and a repository in it that nobody has written to."""

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
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    contents = Contents(lists_referrers="referrers" in request.param)
    if "memory" in request.param:
        yield Place(MemoryRegistry(contents), "registry.test")
    elif "server" in request.param:
        with RegistryServer(contents).serving() as server:
            async with HttpRegistry() as registry:
                yield Place(registry, server.host)
    else:
        debian = request.getfixturevalue("debian")
        async with HttpRegistry(debian.access) as registry:
            yield Place(registry, debian.host)


async def test_what_was_never_written_is_not_there(place: Place) -> None:
    name = place.repository.tagged("absent")
    assert await place.registry.head(name) is None
    assert await place.registry.get(name) is None
    assert await place.registry.head(place.repository.pinned(digest_of(b"absent"))) is None
    assert await place.registry.tags(place.repository) == ()
    blob = Descriptor(media_type="any/thing", digest=digest_of(b"absent"), size=6)
    assert not await place.registry.has_blob(place.repository, blob.digest)
    assert await place.registry.get_blob(place.repository, blob) is None


@pytest.mark.parametrize("media_type", ["application/vnd.oci.image.manifest.v1+json", DOCKER_MANIFEST])
async def test_a_manifest_comes_back_as_the_same_bytes_by_tag_and_by_digest(place: Place, media_type: str) -> None:
    manifest = await place.image(media_type=media_type)
    name = place.repository.tagged("2026.4-a1239ab")
    assert await place.registry.put(name, manifest) == manifest.digest
    for written in (name, place.repository.pinned(manifest.digest)):
        assert await place.registry.head(written) == manifest.digest
        assert await place.registry.get(written) == manifest


@pytest.mark.parametrize("media_type", ["application/vnd.oci.image.index.v1+json", DOCKER_LIST])
async def test_an_index_is_moved_as_it_is(place: Place, media_type: str) -> None:
    child = await place.written("child")
    index = image_index(child, media_type=media_type)
    await put_verified(place.registry, place.repository.tagged("tested"), index)
    found = await place.registry.get(place.repository.tagged("tested"))
    assert found == index
    await put_verified(place.registry, place.repository.tagged("stable"), found)
    assert await place.registry.head(place.repository.tagged("stable")) == index.digest


async def test_a_tag_moves_and_the_old_manifest_stays(place: Place) -> None:
    old = await place.written("stable", layer=b"old")
    new = await place.written("stable", layer=b"new")
    assert await place.registry.head(place.repository.tagged("stable")) == new.digest
    assert await place.registry.get(place.repository.pinned(old.digest)) == old


async def test_a_deleted_manifest_takes_its_tags_with_it_and_no_others(place: Place) -> None:
    kept = await place.written("kept", layer=b"kept")
    gone = await place.written("stable")
    await place.registry.put(place.repository.tagged("2026.4-a1239ab"), gone)
    await place.registry.delete(place.repository.pinned(gone.digest))
    assert await place.registry.tags(place.repository) == ("kept",)
    assert await place.registry.head(place.repository.tagged("stable")) is None
    assert await place.registry.head(place.repository.pinned(gone.digest)) is None
    assert await place.registry.head(place.repository.tagged("kept")) == kept.digest
    await place.registry.delete(place.repository.pinned(gone.digest))  # is gone already


async def test_a_single_tag_is_not_deleted(place: Place) -> None:
    manifest = await place.written("stable")
    with pytest.raises(RegistryError):
        await place.registry.delete(place.repository.tagged("stable"))
    assert await place.registry.head(place.repository.tagged("stable")) == manifest.digest


async def test_a_tag_is_withdrawn_without_what_it_named(place: Place) -> None:
    manifest = await place.written("tested")
    for tag in ("stable", "2026.4-stable"):
        await place.registry.put(place.repository.tagged(tag), manifest)
    await write_tombstone(place.registry, place.repository.tagged("stable"))
    assert await place.registry.head(place.repository.tagged("stable")) is None
    for tag in ("tested", "2026.4-stable"):
        assert await place.registry.head(place.repository.tagged(tag)) == manifest.digest


async def test_with_tag_and_digest_the_tag_is_written(place: Place) -> None:
    manifest = await place.image()
    name = Reference(repository=place.repository, tag="stable", digest=manifest.digest)
    await place.registry.put(name, manifest)
    assert await place.registry.tags(place.repository) == ("stable",)


async def test_writing_the_same_again_changes_nothing(place: Place) -> None:
    manifest = await place.written("stable")
    assert await place.registry.put(place.repository.tagged("stable"), manifest) == manifest.digest
    assert await place.registry.tags(place.repository) == ("stable",)


async def test_an_image_without_its_layers_is_refused(place: Place) -> None:
    manifest = image_manifest(b"no such config", b"no such layer")
    with pytest.raises(RefusedError):
        await place.registry.put(place.repository.tagged("torn"), manifest)
    assert await place.registry.head(place.repository.tagged("torn")) is None


async def test_an_index_without_its_images_is_refused(place: Place) -> None:
    with pytest.raises(RefusedError):
        await place.registry.put(place.repository.tagged("torn"), image_index(image_manifest(b"a", b"b")))


async def test_a_manifest_under_the_digest_of_another_is_refused(place: Place) -> None:
    manifest = await place.image()
    with pytest.raises(RefusedError):
        await place.registry.put(place.repository.pinned(digest_of(b"another")), manifest)


async def test_a_blob_comes_back_whole(place: Place) -> None:
    content = bytes(range(256)) * 999
    digest = await place.registry.put_blob(place.repository, content)
    assert digest == digest_of(content)
    assert await place.registry.has_blob(place.repository, digest)
    blob = Descriptor(media_type="any/thing", digest=digest, size=len(content))
    assert await place.registry.get_blob(place.repository, blob) == content


async def test_all_tags_are_listed(place: Place) -> None:
    manifest = await place.image()
    wanted = {f"t{number}" for number in range(7)}
    for tag in wanted:
        await place.registry.put(place.repository.tagged(tag), manifest)
    assert set(await place.registry.tags(place.repository)) == wanted


async def test_preflight_leaves_nothing(place: Place) -> None:
    await place.registry.preflight(place.repository)
    assert await place.registry.tags(place.repository) == ()


RECORD = Artifact(
    type="application/vnd.example.record.v1",
    media_type="application/json",
    content=b'{"passed": true}',
    annotations={"org.opencontainers.image.created": "2026-01-01T00:00:00Z"},
)
OTHER = Artifact(type="application/vnd.example.verdict.v1", media_type="text/plain", content=b"passed")


async def test_records_are_found_by_the_image_they_are_attached_to(place: Place) -> None:
    image, other = await place.written("tested"), await place.written("other", layer=b"other")
    record = await push_referrer(place.registry, place.repository, image.descriptor, RECORD)
    await push_referrer(place.registry, place.repository, image.descriptor, OTHER)
    await push_referrer(place.registry, place.repository, other.descriptor, OTHER)
    (found,) = await list_referrers(place.registry, place.repository, image.digest, RECORD.type)
    assert (found.digest, found.annotations) == (record.digest, RECORD.annotations)
    assert await read_referrer(place.registry, place.repository, image.digest, found) == RECORD
    assert await list_referrers(place.registry, place.repository, other.digest, RECORD.type) == ()


async def test_attaching_the_same_record_again_changes_nothing(place: Place) -> None:
    image = await place.written("tested")
    first = await push_referrer(place.registry, place.repository, image.descriptor, RECORD)
    tags = await place.registry.tags(place.repository)
    assert await push_referrer(place.registry, place.repository, image.descriptor, RECORD) == first
    assert len(await list_referrers(place.registry, place.repository, image.digest, RECORD.type)) == 1
    assert await place.registry.tags(place.repository) == tags


async def test_a_record_does_not_speak_of_another_image(place: Place) -> None:
    image = await place.written("tested")
    record = await push_referrer(place.registry, place.repository, image.descriptor, RECORD)
    with pytest.raises(IntegrityError, match="but its subject is another image"):
        await read_referrer(place.registry, place.repository, digest_of(b"another"), record)


async def test_a_record_may_be_attached_before_the_image_is_there(place: Place) -> None:
    image = await place.image()
    await push_referrer(place.registry, place.repository, image.descriptor, RECORD)
    assert len(await list_referrers(place.registry, place.repository, image.digest, RECORD.type)) == 1
