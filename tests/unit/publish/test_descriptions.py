import msgspec
import pytest

from ci.oci.reference import Repository
from ci.oci.referrers import Artifact, list_referrers, push_referrer, read_referrer
from ci.oci.registry import IntegrityError, Manifest, ProtocolError, digest_of
from ci.publish.descriptions import DESCRIPTIONS, sbom_artifact
from ci.registry_format import CONTENTS, CYCLONEDX
from tests.integration.adapters.oci.contents import Contents, image_manifest
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.unit.contents.samples import contents, package

pytestmark = pytest.mark.anyio

REPOSITORY = Repository.parse("registry.test/stack/r-notebook")


class Published:
    def __init__(self) -> None:
        there = Contents()
        there.blobs[str(REPOSITORY)] |= {digest_of(blob): blob for blob in (b"{}", b"layer")}
        self.image = image_manifest(b"{}", b"layer")
        there.write(str(REPOSITORY), "stable", self.image)
        self.registry = MemoryRegistry(there)
        self.contents = contents("r-notebook", package("pip:numpy=2.1"), digest=self.image.digest)

    async def attach(self, artifact: Artifact) -> Manifest:
        referrer = await push_referrer(self.registry, REPOSITORY, self.image.descriptor, artifact)
        manifest = await self.registry.get(REPOSITORY.pinned(referrer.digest))
        assert manifest is not None
        return manifest


async def test_what_is_in_an_image_is_read_back() -> None:
    published = Published()
    manifest = await published.attach(DESCRIPTIONS.artifact(published.contents))
    assert await DESCRIPTIONS.find(published.registry, REPOSITORY, published.image.digest) == (published.contents,)
    read = msgspec.json.decode(manifest.content)
    assert read["artifactType"] == CONTENTS
    assert read["layers"][0]["annotations"] == {"org.opencontainers.image.title": "r-notebook.contents.json"}


async def test_a_bill_of_materials_has_one_type_and_a_file_name() -> None:
    published = Published()
    manifest = await published.attach(sbom_artifact(published.contents))
    read = msgspec.json.decode(manifest.content)
    assert (read["artifactType"], read["layers"][0]["mediaType"]) == (CYCLONEDX, CYCLONEDX)
    assert read["layers"][0]["annotations"] == {"org.opencontainers.image.title": "r-notebook.cdx.json"}
    (listed,) = await list_referrers(published.registry, REPOSITORY, published.image.digest, CYCLONEDX)
    found = await read_referrer(published.registry, REPOSITORY, published.image.digest, listed)
    assert found == sbom_artifact(published.contents)


async def test_to_attach_the_same_again_changes_nothing() -> None:
    published = Published()
    for _ in range(2):
        await published.attach(DESCRIPTIONS.artifact(published.contents))
        await published.attach(sbom_artifact(published.contents))
    for artifact_type in (CONTENTS, CYCLONEDX):
        found = await list_referrers(published.registry, REPOSITORY, published.image.digest, artifact_type)
        assert len(found) == 1


async def test_a_description_of_another_image_is_an_error() -> None:
    published = Published()
    await published.attach(DESCRIPTIONS.artifact(contents("r-notebook", digest="sha256:other")))
    with pytest.raises(IntegrityError, match="is about sha256:other: do not trust it"):
        await DESCRIPTIONS.find(published.registry, REPOSITORY, published.image.digest)


async def test_a_newer_schema_is_a_sentence_with_both_numbers() -> None:
    published = Published()
    artifact = Artifact(type=CONTENTS, media_type="application/json", content=b'{"schema": 2, "parts": []}')
    await published.attach(artifact)
    with pytest.raises(ProtocolError, match=r"its schema is 2, and this version reads 1\. Use the newer version"):
        await DESCRIPTIONS.find(published.registry, REPOSITORY, published.image.digest)


async def test_an_artifact_without_a_title_has_the_bytes_it_always_had() -> None:
    published = Published()
    manifest = await published.attach(
        Artifact(type="application/vnd.example.record", media_type="application/json", content=b"{}")
    )
    assert digest_of(manifest.content) == "sha256:720ff1fcce4a3dd04c18a38c03d62f9996b8f29da0ba2370e3cace282911b62c"
