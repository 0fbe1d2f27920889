"""Which image of a stack brought what."""

import msgspec

from ci.contents.described_stack import DescribedStack
from ci.contents.model import Contents, DescribedLayer, Ecosystem, Package
from ci.contents.origins import Change, Origin, layers_of, origins
from tests.unit.contents.images import contents_of
from tests.unit.contents.samples import layer

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


def test_layers_of_parents_are_as_they_are_known_there() -> None:
    root = layer("a", 1, "FROM debian:12")
    base = (root, layer("b", 2, "RUN base", "base"))
    on_published = [layer(one.digest, one.compressed_size, "FROM base@sha256:1") for one in base]
    ds = (*on_published, layer("c", 3, "RUN ds", "ds"))
    ml = (*(layer(one.digest, one.compressed_size, "FROM ds@sha256:2") for one in ds), layer("d", 4, "RUN ml", "ml"))
    images = {"base": with_layers("base", *base), "ds": with_layers("ds", *ds), "ml": with_layers("ml", *ml)}
    stack = DescribedStack(name="", images=images, parents=PARENTS)
    assert layers_of("ml", stack) == (*base, ds[-1], ml[-1])
    assert layers_of("base", stack) == base
    # Without the image between them nothing is known of how the others are related.
    del images["ds"]
    assert layers_of("ml", msgspec.structs.replace(stack, images=images)) == ml


def test_only_the_layers_below_are_the_parents() -> None:
    base = with_layers("base", layer("a", 1, "RUN a", "base"), layer("b", 2, "RUN b", "base"))
    rebuilt = (layer("other", 1, "FROM base"), layer("b", 2, "RUN b", "ds"))
    unknown = (layer("", None, "RUN x", "ds"),)
    images = {"base": base, "ds": with_layers("ds", *rebuilt), "r": with_layers("r", *unknown)}
    stack = DescribedStack(name="", images=images, parents=PARENTS)
    assert layers_of("ds", stack) == rebuilt
    assert layers_of("r", stack) == unknown
    unuploaded = msgspec.structs.replace(stack, images={**images, "base": with_layers("base", layer("", None, "FROM"))})
    assert layers_of("r", unuploaded) == unknown


def with_layers(name: str, *layers: DescribedLayer) -> Contents:
    return msgspec.structs.replace(contents_of({}), image=name, layers=layers)
