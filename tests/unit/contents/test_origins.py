"""Which image of a stack brought what."""

import msgspec

from ci.contents.model import Contents, Ecosystem, Package
from ci.contents.origins import Change, Origin, origins
from tests.unit.contents.images import contents_of

PARENTS = {"base": None, "ds": "base", "ml": "ds", "r": "base"}


def pip(name: str, version: str, location: str = "/opt/venv", size: int | None = None) -> Package:
    return Package(ecosystem=Ecosystem.PIP, name=name, version=version, location=location, size=size)


def image(name: str, *packages: Package) -> Contents:
    return msgspec.structs.replace(contents_of({}), image=name, packages=packages)


def test_a_package_is_of_the_image_that_brought_its_version() -> None:
    stack = {
        "ml": image(
            "ml", pip("numpy", "2.0"), pip("torch", "2.15"), pip("pandas", "3.1"), pip("numpy", "2.0", "/opt/x")
        ),
        "base": image("base", pip("numpy", "1.26"), pip("pandas", "3.1")),
        "ds": image("ds", pip("numpy", "2.0"), pip("Pandas", "3.1", size=5)),
        "r": image("r", pip("numpy", "1.26"), pip("pandas", "3.0")),
    }
    base = Origin(image="base", change=Change.ADDED)
    assert origins(stack, PARENTS) == {
        "base": {pip("numpy", "1.26"): base, pip("pandas", "3.1"): base},
        "ds": {
            pip("numpy", "2.0"): Origin(image="ds", change=Change.CHANGED, before="1.26"),
            pip("Pandas", "3.1", size=5): base,
        },
        "ml": {
            pip("numpy", "2.0"): Origin(image="ds", change=Change.CHANGED, before="1.26"),
            pip("torch", "2.15"): Origin(image="ml", change=Change.ADDED),
            pip("pandas", "3.1"): base,
            pip("numpy", "2.0", "/opt/x"): Origin(image="ml", change=Change.ADDED),
        },
        "r": {pip("numpy", "1.26"): base, pip("pandas", "3.0"): Origin(image="r", change=Change.CHANGED, before="3.1")},
    }


def test_without_the_parents_contents_all_is_the_images_own() -> None:
    assert origins({"ds": image("ds", pip("numpy", "2.0"))}, PARENTS) == {
        "ds": {pip("numpy", "2.0"): Origin(image="ds", change=Change.ADDED)}
    }


def test_a_package_that_is_there_twice_was_changed_from_both() -> None:
    stack = {
        "base": image("base", pip("a", "1"), pip("a", "2")),
        "ds": image("ds", pip("a", "2"), pip("a", "3")),
    }
    assert origins(stack, PARENTS)["ds"] == {
        pip("a", "2"): Origin(image="base", change=Change.ADDED),
        pip("a", "3"): Origin(image="ds", change=Change.CHANGED, before="1, 2"),
    }
