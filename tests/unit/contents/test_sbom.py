import json
import time
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ci.contents.model import Contents, Ecosystem, ImageConfig, Package, System
from ci.contents.sbom import creation_time, render_sbom
from tests.unit.contents.samples import contents, package

GOLDEN = Path(__file__).parent / "golden/r-notebook.cdx.json"
VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
CREATED = "2026-11-25T08:00:00Z"
EVERY_KIND = contents(
    "r-notebook",
    package("apt:libssl3=3.0.22-1~deb12u1", source="openssl=3.0.22-1~deb12u1", license="Apache-2.0"),
    package("apt:libstdc++6=12.2.0-14", source="gcc-12=12.2.0-14"),
    package("apt:g++=4:12.2.0-3", source="gcc-defaults=1.203"),
    package("apt:libc6:i386=2.36-9", source="glibc=2.36-9"),
    package("apt:r-base=1:4.2.2-1+b1", source="r-base=1:4.2.2-1"),
    package("pip:Jinja2=3.1.6", location="/opt/venv", license="BSD-3-Clause, or whatever | it says"),
    package("pip:ours=0.1", source="git+https://github.com/ucsd-ets/ours@abc", location="/opt/venv"),
    package("pip:secret=0.1", source="https://me:hunter2@pypi.example.edu/x.whl", location="/opt/venv"),
    package("conda:numpy=2.1", location="/opt/conda", source="conda-forge/linux-64/py311h1_0"),
    package("conda:tzdata=2026a", location="/opt/conda", source="conda-forge/label/rc/noarch/h0_0"),
    package("conda:before=1", location="/opt/conda", source="conda-forge/h0_0"),
    package("R:dplyr=1.1-2", location="/usr/lib/R/site-library"),
    package("npm:@jupyterlab/git=1.0.0", location="/usr/local"),
    package("Julia:IJulia=1.26.0", location="/opt/julia", source="7073ff75-c697-5162-941a-fcdaad2a7d2a"),
    package("lab extension:@jupyterlab/git=1.0.0", location="/usr/local"),
    package("pip:Jinja2=3.1.6", location="/opt/other"),
    digest=f"sha256:{'a' * 64}",
)
PURLS = {
    "pkg:deb/debian/libssl3@3.0.22-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl",
    "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12",
    "pkg:deb/debian/g%2B%2B@4:12.2.0-3?arch=amd64&distro=debian-12&upstream=gcc-defaults%401.203",
    "pkg:deb/debian/libc6@2.36-9?arch=i386&distro=debian-12&upstream=glibc",
    "pkg:deb/debian/r-base@1:4.2.2-1%2Bb1?arch=amd64&distro=debian-12&upstream=r-base%401:4.2.2-1",
    "pkg:pypi/jinja2@3.1.6",
    "pkg:pypi/ours@0.1?vcs_url=git%2Bhttps://github.com/ucsd-ets/ours%40abc",
    "pkg:pypi/secret@0.1",
    "pkg:conda/numpy@2.1?build=py311h1_0&channel=conda-forge&subdir=linux-64",
    "pkg:conda/tzdata@2026a?build=h0_0&channel=conda-forge/label/rc&subdir=noarch",
    "pkg:conda/before@1?build=h0_0&channel=conda-forge",
    "pkg:cran/dplyr@1.1-2",
    "pkg:npm/%40jupyterlab/git@1.0.0",
    "pkg:julia/IJulia@1.26.0?uuid=7073ff75-c697-5162-941a-fcdaad2a7d2a",
}


def read(found: Contents, created: str = CREATED) -> dict[str, Any]:
    text = render_sbom(found, created)
    assert VALIDATOR.validate_str(text) is None
    document: dict[str, Any] = json.loads(text)
    return document


def libraries(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in document.get("components", ()) if one["type"] == "library"]


def properties(component: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in component["properties"]}


def test_every_kind_of_package_has_its_url() -> None:
    document = read(EVERY_KIND)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert {one["purl"] for one in libraries(document)} == PURLS


def as_package(component: dict[str, Any]) -> tuple[str, ...]:
    found = properties(component)
    ecosystem, location = found["edu.ucsd.datahub:ecosystem"], found.get("edu.ucsd.datahub:location", "")
    license_name = component["licenses"][0]["license"]["name"] if "licenses" in component else ""
    return (ecosystem, component["name"], component.get("version", ""), location, license_name)


def facts(one: Package) -> tuple[str, ...]:
    return (one.ecosystem, one.name, one.version, one.location, one.license)


def test_its_components_are_the_packages() -> None:
    document = read(EVERY_KIND)
    assert sorted(map(as_package, libraries(document))) == sorted(map(facts, EVERY_KIND.packages))
    assert len({one["bom-ref"] for one in libraries(document)}) == len(EVERY_KIND.packages)


def test_there_is_exactly_one_operating_system() -> None:
    systems = [one for one in read(EVERY_KIND)["components"] if one["type"] == "operating-system"]
    assert [(one["name"], one["version"]) for one in systems] == [("debian", "12")]


def test_trivy_finds_the_source_packages() -> None:
    by_name = {one["name"]: properties(one) for one in libraries(read(EVERY_KIND))}
    trivy = {
        key.removeprefix("aquasecurity:trivy:"): value for key, value in by_name["r-base"].items() if "trivy" in key
    }
    assert trivy == {
        "PkgID": "r-base@1:4.2.2-1+b1", "SrcName": "r-base", "SrcVersion": "4.2.2", "SrcRelease": "1", "SrcEpoch": "1",
    }  # fmt: skip
    assert by_name["libssl3"]["aquasecurity:trivy:SrcName"] == "openssl"
    assert not any("trivy" in key for key in by_name["dplyr"])


def test_the_image_depends_on_its_system_and_that_on_its_packages() -> None:
    document = read(EVERY_KIND)
    root = document["metadata"]["component"]
    assert (root["type"], root["name"]) == ("container", "r-notebook")
    assert root["purl"].startswith("pkg:oci/r-notebook@sha256:aaaa")
    depends = {one["ref"]: set(one.get("dependsOn", ())) for one in document["dependencies"]}
    of_system = {one["bom-ref"] for one in libraries(document) if one["purl"].startswith("pkg:deb/")}
    others = {one["bom-ref"] for one in libraries(document)} - of_system
    assert depends[root["bom-ref"]] == {"os:debian", *others}
    assert depends["os:debian"] == of_system


def test_the_same_image_has_the_same_bytes() -> None:
    text = render_sbom(EVERY_KIND, CREATED)
    assert render_sbom(EVERY_KIND, CREATED) == text
    document = json.loads(text)
    assert document["metadata"]["timestamp"].startswith("2026-11-25T08:00:00")
    assert text == GOLDEN.read_text()
    other = json.loads(render_sbom(contents("r-notebook", digest=f"sha256:{'b' * 64}"), CREATED))
    assert other["serialNumber"] != document["serialNumber"]


@pytest.mark.parametrize(
    ("label", "timestamp"),
    [
        ("2026-11-25T08:00:00Z", "2026-11-25T08:00:00+00:00"),
        ("2026-11-25T08:00:00.123456789Z", "2026-11-25T08:00:00.123456+00:00"),
        ("2026-11-25T08:00:00-08:00", "2026-11-25T16:00:00+00:00"),
        ("2026-11-25T08:00:00+00:00:30", "2026-11-25T07:59:30+00:00"),
        ("2026-11-25T08:00:00", "2026-11-25T08:00:00+00:00"),
        ("2026-11-25", "2026-11-25T00:00:00+00:00"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00+00:00"),
        ("yesterday", "1970-01-01T00:00:00+00:00"),
        ("", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_its_time_is_that_of_the_label_wherever_it_is_written(
    label: str, timestamp: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        labels = {"org.opencontainers.image.created": label}
        created = creation_time(contents("x", config=ImageConfig(labels=labels)))
        assert read(contents("x"), created)["metadata"]["timestamp"] == timestamp
    finally:
        monkeypatch.undo()
        time.tzset()


def test_images_that_were_not_uploaded_are_told_apart_by_what_is_in_them() -> None:
    one, other = (read(contents("x", package(f"pip:a={version}"), digest="")) for version in ("1", "2"))
    assert one["serialNumber"] != other["serialNumber"]
    assert read(contents("x", package("pip:a=1"), digest="")) == one
    assert "version" not in one["metadata"]["component"]


def test_no_credential_of_a_url_gets_in() -> None:
    assert "hunter2" not in render_sbom(EVERY_KIND, CREATED)


def test_an_image_without_anything_is_valid() -> None:
    document = read(contents("scratch", system=System()))
    assert document.get("components", []) == []


def test_packages_without_an_operating_system() -> None:
    """An image FROM scratch that has files of packages, and no os-release."""
    found = contents("scratch", package("apt:g++=12"), package("pip:Jinja2=3.1.6"), system=System(architecture="amd64"))
    document = read(found)
    assert {one["purl"] for one in libraries(document)} == {"pkg:deb/g%2B%2B@12?arch=amd64", "pkg:pypi/jinja2@3.1.6"}
    assert len(document["components"]) == 2
    depends = {one["ref"]: set(one.get("dependsOn", ())) for one in document["dependencies"]}
    assert depends[document["metadata"]["component"]["bom-ref"]] == {one["bom-ref"] for one in document["components"]}


def test_alpine() -> None:
    found = contents(
        "a", package("apk:libcrypto3=3.3.2-r0", source="openssl"),
        system=System(os_id="alpine", os_version="3.20.3", architecture="x86_64"),
    )  # fmt: skip
    (library,) = libraries(read(found))
    assert library["purl"] == "pkg:apk/alpine/libcrypto3@3.3.2-r0?arch=x86_64&distro=alpine-3.20.3&upstream=openssl"
    assert properties(library)["aquasecurity:trivy:SrcVersion"] == "3.3.2-r0"


def test_a_time_of_another_form_is_an_error() -> None:
    with pytest.raises(ValueError, match="isoformat"):
        render_sbom(EVERY_KIND, "yesterday")


ANY = st.text(max_size=8)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            Package, ecosystem=st.sampled_from(tuple(Ecosystem)), name=st.text(min_size=1, max_size=8), version=ANY,
            location=ANY, source=ANY, license=ANY,
        ),
        max_size=4,
    ),
    st.builds(System, os_id=ANY, os_version=ANY, architecture=ANY),
)  # fmt: skip
def test_whatever_an_image_says_the_document_is_valid(found: list[Package], system: System) -> None:
    document = read(contents("x", *found, system=system))
    assert set(map(as_package, libraries(document))) == set(map(facts, found))
    systems = [one for one in document.get("components", ()) if one["type"] == "operating-system"]
    assert len(systems) == bool(system.os_id)
