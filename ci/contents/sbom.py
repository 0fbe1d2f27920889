"""The bill of materials of an image: CycloneDX 1.6, in the form that trivy and grype read.

They demand more than the schema. trivy ignores all packages of the system unless there is exactly one component of
type operating-system, and every component that has no package URL. Advisories of Debian name source packages: trivy
takes these from properties of its own, grype from the qualifier `upstream`.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import msgspec

from ci.contents.model import Contents, Ecosystem, Package
from ci.contents.purls import SYSTEM_PACKAGES, image_purl, package_purl, source_of
from ci.image_labels import CREATED
from ci.registry_format import ECOSYSTEM_PROPERTY, LOCATION_PROPERTY

if TYPE_CHECKING:
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component

_TRIVY = "aquasecurity:trivy:"
_UNKNOWN_TIME = "1970-01-01T00:00:00+00:00"


def render_sbom(contents: Contents, created: str) -> str:
    """Return the bill of materials of an image as JSON, the same text for the same arguments.

    `created` is when the image was made, RFC 3339. Raises ValueError for another form.
    """
    # 0.1 s, which only those who write one should pay.
    from cyclonedx.output import make_outputter  # noqa: PLC0415
    from cyclonedx.schema import OutputFormat, SchemaVersion  # noqa: PLC0415

    return make_outputter(_bom(contents, created), OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def creation_time(contents: Contents) -> str:
    """Return when an image was made, in UTC, as its label says.

    No clock and no time zone of this machine, so that a digest has one bill of materials. CycloneDX's library needs a
    time: it is 1970 for an image that does not say one.
    """
    try:
        label = datetime.fromisoformat(contents.config.labels.get(CREATED, ""))
        return (label.astimezone(UTC) if label.tzinfo else label.replace(tzinfo=UTC)).isoformat()
    except (ValueError, OverflowError):
        return _UNKNOWN_TIME


def _bom(contents: Contents, created: str) -> "Bom":
    from cyclonedx.model.bom import Bom, BomMetaData  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415

    purl = image_purl(contents.image, contents.digest)
    root = Component(
        type=ComponentType.CONTAINER,
        name=contents.image,
        version=contents.digest or None,
        purl=purl,
        bom_ref=purl.to_string(),
    )
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, _identity(contents, purl.to_string())),
        metadata=BomMetaData(component=root, timestamp=datetime.fromisoformat(created)),
    )
    parts = list(_packages(contents))
    system = _operating_system(contents)
    of_system = [component for package, component in parts if package.ecosystem in SYSTEM_PACKAGES]
    others = [component for package, component in parts if package.ecosystem not in SYSTEM_PACKAGES]
    bom.components.update([*of_system, *others, *([system] if system else [])])
    bom.register_dependency(root, [*others, *([system] if system else of_system)])
    if system:
        bom.register_dependency(system, of_system)
    return bom


def _identity(contents: Contents, purl: str) -> str:
    """Return what the serial number is made of: the URL of an image, and all that is in it if it has no digest yet."""
    return purl if contents.digest else purl + msgspec.json.encode(contents, order="deterministic").decode()


def _operating_system(contents: Contents) -> "Component | None":
    from cyclonedx.model import Property  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415

    system = contents.system
    if not system.os_id:
        return None
    return Component(
        type=ComponentType.OPERATING_SYSTEM,
        name=system.os_id,
        version=system.os_version or None,
        bom_ref=f"os:{system.os_id}",
        properties=[
            Property(name=f"{_TRIVY}Class", value="os-pkgs"),
            Property(name=f"{_TRIVY}Type", value=system.os_id),
        ],
    )


def _packages(contents: Contents) -> Iterator[tuple[Package, "Component"]]:
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from cyclonedx.model.license import DisjunctiveLicense  # noqa: PLC0415

    seen: Counter[str] = Counter()
    for package in contents.packages:
        purl = package_purl(package, contents.system)
        # The same package in two environments is two components, which need two names.
        name = purl.to_string() if purl else f"{package.name}@{package.version}"
        reference = f"{name}#{package.ecosystem}:{package.location}"
        seen[reference] += 1
        yield (
            package,
            Component(
                type=ComponentType.LIBRARY,
                name=package.name,
                version=package.version or None,
                purl=purl,
                bom_ref=reference if seen[reference] == 1 else f"{reference}#{seen[reference]}",
                licenses=[DisjunctiveLicense(name=package.license)] if package.license else (),
                properties=_properties(package),
            ),
        )


def _properties(package: Package) -> "list[Property]":
    from cyclonedx.model import Property  # noqa: PLC0415

    found = {ECOSYSTEM_PROPERTY: str(package.ecosystem), LOCATION_PROPERTY: package.location}
    if package.ecosystem in SYSTEM_PACKAGES:
        name, version = source_of(package)
        found |= {f"{_TRIVY}PkgID": f"{package.name}@{package.version}", f"{_TRIVY}SrcName": name}
        if package.ecosystem is Ecosystem.APT:
            found |= _debian_version(version)
        else:
            found[f"{_TRIVY}SrcVersion"] = version
    return [Property(name=name, value=value) for name, value in found.items() if value]


def _debian_version(version: str) -> dict[str, str]:
    """Split a version into what trivy puts together again: epoch, upstream version and revision."""
    epoch, colon, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    found = {f"{_TRIVY}SrcVersion": upstream, f"{_TRIVY}SrcRelease": revision}
    return found | ({f"{_TRIVY}SrcEpoch": epoch} if colon else {})
