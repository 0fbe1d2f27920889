import pytest

from ci.contents.finding import find_packages, nearest_names
from ci.contents.model import Ecosystem
from tests.unit.contents.samples import contents, package

IMAGES = {
    "base": contents("base", package("pip:torch=2.14.0", location="/opt/venv"), package("pip:Foo_Bar=1")),
    "ml": contents(
        "ml", package("pip:torch=2.15.0", location="/opt/venv"), package("pip:torch=2.9.0", location="/opt/venv"),
        package("pip:torchvision=0.3"), package("R:torch=0.13"), package("apt:libtorch=1-1"),
    ),
}  # fmt: skip


def found(pattern: str) -> list[tuple[str, str, dict[str, str]]]:
    return [(one.ecosystem.value, one.name, dict(one.versions)) for one in find_packages(pattern, IMAGES)]


def test_all_ecosystems_are_searched_by_pattern() -> None:
    assert found("torch*") == [
        ("pip", "torch", {"base": "2.14.0", "ml": "2.9.0, 2.15.0"}),
        ("R", "torch", {"ml": "0.13"}),
        ("pip", "torchvision", {"ml": "0.3"}),
    ]
    assert {one[0] for one in found("*TORCH*")} == {"apt", "pip", "R"}


@pytest.mark.parametrize("name", ["foo-bar", "FOO_BAR", "Foo_Bar"])
def test_case_and_the_spelling_of_pip_do_not_matter(name: str) -> None:
    (one,) = find_packages(name, IMAGES)
    assert (one.ecosystem, one.name) == (Ecosystem.PIP, "Foo_Bar")


def test_without_a_hit_the_nearest_names_are_known() -> None:
    assert find_packages("troch*", IMAGES) == ()
    assert nearest_names("troch*", IMAGES)[0] == "torch"
    assert nearest_names("zzzzzz", IMAGES) == []
