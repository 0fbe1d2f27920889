"""What is attached to an image about what is in it: its description, and the same as a bill of materials."""

from ci.contents.model import SCHEMA, Contents
from ci.contents.sbom import render_sbom
from ci.oci.attestation import AttestationType
from ci.oci.referrers import Artifact
from ci.registry_format import CONTENTS, CYCLONEDX

DESCRIPTIONS = AttestationType(
    artifact_type=CONTENTS,
    document=Contents,
    annotations=lambda _contents: {},
    subject=lambda contents: contents.digest,
    title=lambda contents: f"{contents.image}.contents.json",
    newest_schema=SCHEMA,
)


def sbom_artifact(contents: Contents, created: str) -> Artifact:
    """Return the bill of materials of an image as it is attached to it. `created` is as in `render_sbom`.

    Scanners find it by the artifact type, and read it by the media type of the layer, which must be the same. They take
    the first of several: so it must be attached once, with the same `created` each time.
    """
    return Artifact(
        type=CYCLONEDX,
        media_type=CYCLONEDX,
        content=render_sbom(contents, created).encode(),
        title=f"{contents.image}.cdx.json",
    )
