"""What is attached to a published image, as oras finds and pulls it: a client that knows nothing of this project."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.publish.descriptions import find_description, sbom_artifact
from ci.registry_format import CONTENTS, CYCLONEDX
from tests.integration.adapters.oci.debian import PASSWORD, USER, DebianRegistry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.promotion.operator import Operator
from tests.integration.promotion.published import STABLE
from tests.integration.publish.pipeline_harness import IMAGES, TAG, Pipeline, results
from tests.programs import oras

pytestmark = pytest.mark.anyio


class Oras:
    """The program, with the CA and the password of a registry, in a folder of its own."""

    def __init__(self, program: Path, ca: str, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self._ca = folder / "ca.pem"
        self._ca.write_text(ca)

    def run(self, *words: str) -> str:
        """Return what a command printed; it must end well."""
        # By itself it takes the name localhost for a registry without TLS.
        login = ["--plain-http=false", "--ca-file", str(self._ca), "--username", USER, "--password-stdin"]
        done = subprocess.run(
            [self.program, *words, *login],
            cwd=self.folder, input=PASSWORD, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def referrers(self, reference: str, artifact_type: str) -> list[str]:
        """Return the references of what is attached to an image with this artifact type."""
        words = ["discover", reference, "--format", "json", "--artifact-type", artifact_type]
        found: dict[str, Any] = json.loads(self.run(*words))
        return [one["reference"] for one in found["referrers"]]

    def pull(self, reference: str, into: str) -> dict[str, bytes]:
        """Return the files that it writes, by name."""
        self.run("pull", reference, "--output", into)
        return {file.name: file.read_bytes() for file in (self.folder / into).glob("*")}


@pytest.fixture(scope="session")
def program() -> Path:
    return oras()


@pytest.fixture
def client(program: Path, debian: DebianRegistry, tmp_path: Path) -> Oras:
    return Oras(program, debian.ca, tmp_path)


@pytest.fixture
def pipeline(debian: DebianRegistry) -> Pipeline:
    unused = RegistryServer()
    unused.host = f"{debian.host}/oras"
    return Pipeline(unused)


async def expect_bills(registry: HttpRegistry, operator: Operator, client: Oras, tag: str) -> None:
    """Expect that who starts from a tag gets of each image the bill of materials that belongs to its digest."""
    for name, digest in (await operator.digests(tag)).items():
        assert digest is not None
        place = operator.pipeline.layout.place(name)
        contents = await find_description(registry, place.repository, digest, name)
        assert contents is not None
        (bill,) = client.referrers(str(place.tagged(tag)), CYCLONEDX)
        pulled = client.pull(bill, f"{tag}/{name}")
        assert pulled == {f"{name}.cdx.json": sbom_artifact(contents).content}
        document = json.loads(pulled[f"{name}.cdx.json"])
        assert document["metadata"]["component"]["version"] == digest
        assert {one["name"] for one in document["components"]} == {"debian", f"of-{name}"}


async def test_oras_pulls_the_bill_of_materials_of_each_image(
    debian: DebianRegistry, pipeline: Pipeline, client: Oras
) -> None:
    async with HttpRegistry(debian.endpoint) as registry:
        operator = Operator(pipeline, registry)
        assert results(await pipeline.run_with(registry)) == dict.fromkeys(IMAGES, "built")
        await expect_bills(registry, operator, client, TAG)
        await operator.promote(TAG)
        assert await operator.digests(STABLE) == await operator.digests(TAG)
        await expect_bills(registry, operator, client, STABLE)
        reference = str(pipeline.layout.tag("base", STABLE))
        (description,) = client.referrers(reference, CONTENTS)
        assert set(client.pull(description, "description")) == {"base.contents.json"}
        assert CYCLONEDX in client.run("discover", reference)
