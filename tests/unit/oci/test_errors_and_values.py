import msgspec
import pytest

from ci.oci.reference import Reference, Repository
from ci.oci.referrers import Artifact, list_referrers, push_referrer, read_referrer
from ci.oci.registry import (
    OCI_INDEX,
    Descriptor,
    IntegrityError,
    Manifest,
    NoRepositoryError,
    ProtocolError,
    RefusedError,
    RegistryError,
    digest_of,
    put_verified,
)
from tests.integration.adapters.oci.contents import Contents, image_manifest
from tests.integration.adapters.oci.memory import MemoryRegistry

pytestmark = pytest.mark.anyio

REPOSITORY = Repository.parse("registry.test/stack/base")
ARTIFACT = Artifact(type="application/vnd.example.record", media_type="application/json", content=b"{}")


class ForgetfulRegistry(MemoryRegistry):
    """Has a list of referrers, and never adds to it."""

    async def referrers(self, subject: Reference) -> tuple[Descriptor, ...] | None:  # noqa: ARG002 (the protocol's)
        return ()


def stored(contents: Contents, tag: str, layer: bytes = b"layer") -> Manifest:
    contents.blobs[str(REPOSITORY)] |= {digest_of(blob): blob for blob in (b"{}", layer)}
    manifest = image_manifest(b"{}", layer)
    contents.write(str(REPOSITORY), tag, manifest)
    return manifest


def index_tag(manifest: Manifest) -> str:
    return manifest.digest.replace(":", "-")


def test_a_manifest_is_known_by_the_hash_of_its_bytes() -> None:
    manifest = Manifest(content=b"{}", media_type="a/b")
    assert manifest.digest == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert manifest.descriptor.size == 2


async def test_a_concurrent_write_to_a_tag_is_detected() -> None:
    contents = Contents()
    other, own = stored(contents, "other", b"other"), stored(contents, "own")

    def interfere(call: str) -> None:
        if call == f"head {REPOSITORY}:stable":
            contents.write(str(REPOSITORY), "stable", other)

    registry = MemoryRegistry(contents, interfere)
    with pytest.raises(IntegrityError, match=rf"{REPOSITORY}:stable was written as {own.digest} and .* {other.digest}"):
        await put_verified(registry, REPOSITORY.tagged("stable"), own)


async def test_a_lost_tag_is_detected() -> None:
    contents = Contents()
    own = stored(contents, "own")
    registry = MemoryRegistry(contents, lambda call: contents.tags.clear() if call.startswith("head") else None)
    with pytest.raises(IntegrityError, match="read back as missing"):
        await put_verified(registry, REPOSITORY.tagged("stable"), own)


async def test_with_tag_and_digest_the_tag_is_written_and_read_back() -> None:
    contents = Contents()
    own = stored(contents, "own")
    registry = MemoryRegistry(contents)
    await put_verified(registry, Reference(repository=REPOSITORY, tag="stable", digest=own.digest), own)
    assert registry.calls == [f"put {REPOSITORY}:stable", f"head {REPOSITORY}:stable"]


async def test_two_that_are_attached_at_the_same_time_are_both_listed() -> None:
    contents = Contents()
    image = stored(contents, "tested")
    tag = REPOSITORY.tagged(index_tag(image))
    other = Artifact(type=ARTIFACT.type, media_type="text/plain", content=b"other")
    await push_referrer(MemoryRegistry(contents), REPOSITORY, image.descriptor, other)
    others_index = iter([contents.tags[str(REPOSITORY)].pop(tag.tag)])

    def interfere(call: str) -> None:
        if call == f"get {tag}" and f"put {tag}" in registry.calls:
            contents.tags[str(REPOSITORY)].update(
                (tag.tag, digest) for digest in others_index
            )  # once: then it is empty

    registry = MemoryRegistry(contents, interfere)
    await push_referrer(registry, REPOSITORY, image.descriptor, ARTIFACT)
    assert next(others_index, None) is None
    assert len(await list_referrers(registry, REPOSITORY, image.digest, ARTIFACT.type)) == 2


async def test_a_list_that_never_keeps_the_entry_is_an_error() -> None:
    contents = Contents()
    image = stored(contents, "tested")
    tag = index_tag(image)

    def forget(call: str) -> None:
        if call == f"get {REPOSITORY}:{tag}":
            contents.tags[str(REPOSITORY)].pop(tag, None)

    with pytest.raises(IntegrityError, match=rf"does not stay in the list {REPOSITORY}:sha256-"):
        await push_referrer(MemoryRegistry(contents, forget), REPOSITORY, image.descriptor, ARTIFACT)


async def test_an_artifact_is_the_same_however_its_subject_was_found() -> None:
    registry = MemoryRegistry()
    found = Manifest(content=b"{}", media_type=OCI_INDEX).descriptor
    listed = Descriptor(media_type=found.media_type, digest=found.digest, size=2, annotations={"a": "b"})
    referrers = [await push_referrer(registry, REPOSITORY, subject, ARTIFACT) for subject in (found, listed)]
    assert referrers[0] == referrers[1]


async def test_what_the_registry_does_not_list_is_found_under_the_fallback_tag() -> None:
    contents = Contents()
    image = stored(contents, "tested")
    await push_referrer(MemoryRegistry(contents), REPOSITORY, image.descriptor, ARTIFACT)
    assert await MemoryRegistry(contents).referrers(REPOSITORY.pinned(image.digest)) is None
    assert await ForgetfulRegistry(contents).referrers(REPOSITORY.pinned(image.digest)) == ()
    assert len(await list_referrers(ForgetfulRegistry(contents), REPOSITORY, image.digest, ARTIFACT.type)) == 1


async def test_a_registry_that_lists_nothing_gets_the_fallback_tag_too() -> None:
    contents = Contents()
    image = stored(contents, "tested")
    await push_referrer(ForgetfulRegistry(contents), REPOSITORY, image.descriptor, ARTIFACT)
    assert index_tag(image) in contents.tags[str(REPOSITORY)]


async def test_a_registry_that_lists_gets_no_fallback_tag() -> None:
    contents = Contents(lists_referrers=True)
    image = stored(contents, "tested")
    await push_referrer(MemoryRegistry(contents), REPOSITORY, image.descriptor, ARTIFACT)
    assert set(contents.tags[str(REPOSITORY)]) == {"tested"}


async def test_a_registry_that_reads_the_fallback_tag_as_the_digest_lists_nothing() -> None:
    contents = Contents()
    image = stored(contents, "tested")
    contents.tags[str(REPOSITORY)][index_tag(image)] = image.digest
    assert await list_referrers(MemoryRegistry(contents), REPOSITORY, image.digest, ARTIFACT.type) == ()


async def test_a_fallback_tag_of_another_manifest_is_an_error() -> None:
    contents = Contents()
    image = stored(contents, "tested")
    contents.write(str(REPOSITORY), index_tag(image), Manifest(content=b'{"layers": []}', media_type=OCI_INDEX))
    with pytest.raises(ProtocolError, match=r"sha256-\w+ is not a valid \S+index\S+: "):
        await list_referrers(MemoryRegistry(contents), REPOSITORY, image.digest, ARTIFACT.type)


@pytest.mark.parametrize("deleted", ["manifests", "blobs"])
async def test_an_artifact_that_is_gone_is_none_until_it_is_attached_again(deleted: str) -> None:
    contents = Contents()
    registry = MemoryRegistry(contents)
    image = stored(contents, "tested")
    referrer = await push_referrer(registry, REPOSITORY, image.descriptor, ARTIFACT)
    kept = contents.tags[str(REPOSITORY)][index_tag(image)]
    held = getattr(contents, deleted)[str(REPOSITORY)]
    del held[referrer.digest if deleted == "manifests" else digest_of(ARTIFACT.content)]
    assert await read_referrer(registry, REPOSITORY, image.digest, referrer) is None
    assert await push_referrer(registry, REPOSITORY, image.descriptor, ARTIFACT) == referrer
    assert await read_referrer(registry, REPOSITORY, image.digest, referrer) == ARTIFACT
    assert contents.tags[str(REPOSITORY)][index_tag(image)] == kept


@pytest.mark.parametrize("refusal", [RefusedError, NoRepositoryError], ids=["400", "404"])
async def test_what_is_gone_leaves_the_list_when_something_is_added(refusal: type[RegistryError]) -> None:
    contents = Contents()
    image = stored(contents, "tested")
    other = msgspec.structs.replace(ARTIFACT, media_type="text/plain")
    kept = msgspec.structs.replace(ARTIFACT, media_type="text/html")
    for artifact in (ARTIFACT, kept):
        await push_referrer(MemoryRegistry(contents), REPOSITORY, image.descriptor, artifact)
    (gone, _) = await list_referrers(MemoryRegistry(contents), REPOSITORY, image.digest, ARTIFACT.type)
    del contents.manifests[str(REPOSITORY)][gone.digest]

    def refuse(call: str) -> None:
        if call == f"put {REPOSITORY}:{index_tag(image)}" and registry.calls.count(call) == 1:
            raise refusal("the index lists what does not exist")

    registry = MemoryRegistry(contents, refuse)
    await push_referrer(registry, REPOSITORY, image.descriptor, other)
    listed = await list_referrers(registry, REPOSITORY, image.digest, ARTIFACT.type)
    assert len(listed) == 2
    assert gone not in listed


async def test_a_list_that_is_refused_though_all_of_it_exists_is_an_error() -> None:
    contents = Contents()
    image = stored(contents, "tested")

    def refuse(call: str) -> None:
        if call.startswith(f"put {REPOSITORY}:"):
            raise RefusedError("tags are immutable")

    with pytest.raises(RefusedError, match="tags are immutable"):
        await push_referrer(MemoryRegistry(contents, refuse), REPOSITORY, image.descriptor, ARTIFACT)
