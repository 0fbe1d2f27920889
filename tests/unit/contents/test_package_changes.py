from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.contents.difference import Change, PackageChange
from ci.contents.model import Ecosystem, Package
from ci.contents.names import normalised
from ci.contents.package_changes import Key, package_changes, places
from tests.unit.contents.samples import PLANTED, package, packages, planted

MIRRORED = {Change.UP: Change.DOWN, Change.DOWN: Change.UP, Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}


def changes(old: Sequence[Package], new: Sequence[Package]) -> tuple[PackageChange, ...]:
    return package_changes(places(old), places(new))


def told(old: Sequence[Package], new: Sequence[Package]) -> list[str]:
    return [f"{one.change} {one.ecosystem}:{one.name} {one.old} -> {one.new}" for one in changes(old, new)]


@pytest.mark.parametrize("ecosystem", tuple(Ecosystem))
def test_a_planted_change_of_every_kind(ecosystem: Ecosystem) -> None:
    version, higher, rebuilt = PLANTED[ecosystem]
    old, new = planted(ecosystem)
    assert told(old, new) == [
        f"removed {ecosystem}:gone {version} -> None",
        f"added {ecosystem}:come None -> {version}",
        f"up {ecosystem}:up {version} -> {higher}",
        f"changed {ecosystem}:odd {version} -> ?",
        f"rebuilt {ecosystem}:rebuilt {version} -> {rebuilt or version}",
    ]
    assert told(new, old)[:2] == [
        f"removed {ecosystem}:come {version} -> None",
        f"down {ecosystem}:up {higher} -> {version}",
    ]


def test_names_of_pip_are_compared_normalised_and_others_as_they_are() -> None:
    assert told(packages("pip:Foo_Bar=1"), packages("pip:foo-bar=1")) == []
    assert told(packages("R:Matrix=1"), packages("R:matrix=1")) == [
        "removed R:Matrix 1 -> None", "added R:matrix None -> 1",
    ]  # fmt: skip


def test_a_newer_python_moves_no_package() -> None:
    old = packages("pip:numpy=2.0", "pip:gone=1", location="/usr/lib/python3.11/site-packages")
    new = packages("pip:numpy=2.1", location="/usr/lib/python3.13/site-packages")
    assert told(old, new) == ["removed pip:gone 1 -> None", "up pip:numpy 2.0 -> 2.1"]
    assert changes(old, new)[1].location == "/usr/lib/python3.13/site-packages"


def test_each_environment_has_its_own_row() -> None:
    old = (*packages("pip:numpy=1.0", location="/opt/a"), *packages("pip:numpy=2.0", location="/opt/b"))
    new = (*packages("pip:numpy=2.0", location="/opt/a"), *packages("pip:numpy=2.0", location="/opt/b"))
    assert [(one.location, one.old, one.new) for one in changes(old, new)] == [("/opt/a", "1.0", "2.0")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (["1.0", "2.0"], ["2.0", "1.0"], []),
        (["1.0", "2.0"], ["2.0"], ["changed pip:x 1.0, 2.0 -> 2.0"]),
        (["1.0", "2.0"], ["2.0", "10.0"], ["up pip:x 1.0, 2.0 -> 2.0, 10.0"]),
        (["1.0", "2.0"], [], ["removed pip:x 1.0, 2.0 -> None"]),
    ],
)
def test_two_versions_in_one_place_are_compared_as_sets(old: list[str], new: list[str], expected: list[str]) -> None:
    assert told([package(f"pip:x={one}") for one in old], [package(f"pip:x={one}") for one in new]) == expected


def test_another_build_of_the_same_version_is_rebuilt() -> None:
    old, new = (
        package("conda:numpy=2.1", source="conda-forge/py311_0"),
        package("conda:numpy=2.1", source="conda-forge/py311_1"),
    )
    assert told([old], [new]) == ["rebuilt conda:numpy 2.1 -> 2.1"]


def test_sizes_are_subtracted_where_both_records_have_one() -> None:
    old, new = package("pip:x=1", size=100), package("pip:x=2", size=350)
    assert [one.size_change for one in changes([old], [new])] == [250]
    assert [one.size_change for one in changes([], [new])] == [350]
    assert [one.size_change for one in changes([old], [])] == [-100]
    assert [one.size_change for one in changes([old], [package("pip:x=2")])] == [None]


def test_what_changes_with_its_owner_is_told_once() -> None:
    old = (package("apt:r-cran-dplyr=1.0-1"), package("R:dplyr=1.0", owner="apt:r-cran-dplyr"))
    new = (package("apt:r-cran-dplyr=1.1-1"), package("R:dplyr=1.1", owner="apt:r-cran-dplyr"))
    assert told(old, new) == ["up apt:r-cran-dplyr 1.0-1 -> 1.1-1"]
    assert changes(old, new)[0].moved == ("R:dplyr",)
    assert told(old, ()) == ["removed apt:r-cran-dplyr 1.0-1 -> None"]


def test_what_changes_without_its_owner_is_told() -> None:
    old = (package("apt:r-cran-dplyr=1.0-1"), package("R:dplyr=1.0", owner="apt:r-cran-dplyr"))
    new = (package("apt:r-cran-dplyr=1.0-1"), package("R:dplyr=1.1", location="/usr/local/lib/R"))
    assert told(old, new) == ["removed R:dplyr 1.0 -> None", "added R:dplyr None -> 1.1"]


def test_what_has_another_owner_now_is_told() -> None:
    old = (package("apt:r-cran-dplyr=1.0-1"), package("R:dplyr=1.0", owner="apt:r-cran-dplyr"))
    assert told(old, [package("R:dplyr=1.1")]) == ["removed apt:r-cran-dplyr 1.0-1 -> None", "up R:dplyr 1.0 -> 1.1"]


def test_the_owner_is_that_of_the_same_environment() -> None:
    old = (
        package("conda:numpy=1.0", location="/opt/conda"), package("conda:numpy=1.0", location="/opt/conda/envs/a"),
        package("pip:numpy=1.0", location="/opt/conda/envs/a", owner="conda:numpy"),
        package("pip:numpy=1.0", location="/opt/conda", owner="conda:numpy"),
    )  # fmt: skip
    new = (
        package("conda:numpy=2.0", location="/opt/conda"), package("conda:numpy=1.0", location="/opt/conda/envs/a"),
        package("pip:numpy=3.0", location="/opt/conda/envs/a", owner="conda:numpy"),
        package("pip:numpy=2.0", location="/opt/conda", owner="conda:numpy"),
    )  # fmt: skip
    assert told(old, new) == ["up pip:numpy 1.0 -> 3.0", "up conda:numpy 1.0 -> 2.0"]


def test_a_chain_of_owners_ends_at_the_last_and_a_circle_is_not_believed() -> None:
    def chain(version: str) -> tuple[Package, ...]:
        return (
            package(f"lab extension:git={version}", owner="pip:git"),
            package(f"pip:git={version}", owner="conda:git"),
            package(f"conda:git={version}"),
        )

    assert told(chain("1.0"), chain("2.0")) == ["up conda:git 1.0 -> 2.0"]
    assert changes(chain("1.0"), chain("2.0"))[0].moved == ("lab extension:git", "pip:git")

    def circle(version: str) -> tuple[Package, ...]:
        return (package(f"pip:a={version}", owner="conda:a"), package(f"conda:a={version}", owner="pip:a"))

    assert len(told(circle("1.0"), circle("2.0"))) == 2


NAMES, VERSIONS = ("numpy", "Foo_Bar", "foo.bar", "zlib"), ("1.0", "1.0-1", "1.0-2", "2.0", "10.0", "?")
PACKAGES = st.builds(
    Package,
    ecosystem=st.sampled_from(tuple(Ecosystem)),
    name=st.sampled_from(NAMES),
    version=st.sampled_from(VERSIONS),
    location=st.sampled_from(("", "/opt/venv", "/usr/lib/python3.11", "/usr/lib/python3.12")),
    size=st.none() | st.integers(0, 10**9),
    source=st.sampled_from(("", "b")),
    owner=st.sampled_from(("", "", "apt:zlib", "conda:numpy", "pip:numpy")),
)
SIDES = st.lists(PACKAGES, max_size=12)


@given(SIDES)
def test_nothing_differs_from_itself(side: list[Package]) -> None:
    assert changes(side, side[::-1]) == ()


def facts(one: PackageChange, old: str | None, new: str | None, change: Change, size: int | None) -> tuple[object, ...]:
    return (one.ecosystem, one.moved, change, old, new, size)


@given(SIDES, SIDES)
def test_the_way_back_is_the_mirror(old: list[Package], new: list[Package]) -> None:
    there = [facts(one, one.old, one.new, one.change, one.size_change) for one in changes(old, new)]
    back = [
        facts(
            one,
            one.new,
            one.old,
            MIRRORED.get(one.change, one.change),
            None if one.size_change is None else -one.size_change,
        )
        for one in changes(new, old)
    ]
    assert sorted(map(repr, there)) == sorted(map(repr, back))


def key(one: PackageChange) -> Key:
    (found,) = places([Package(ecosystem=one.ecosystem, name=one.name, version="", location=one.location)])
    return found


@given(SIDES, SIDES)
def test_every_package_is_the_same_or_in_one_change(old: list[Package], new: list[Package]) -> None:
    before, after = (
        {place: {(one.version, one.source) for one in several} for place, several in places(side).items()}
        for side in (old, new)
    )
    same = {place for place in before if before[place] == after.get(place)}
    own = [key(one) for one in changes(old, new)]
    assert len(own) == len(set(own))
    assert same.isdisjoint(own)
    rest = {*before, *after} - same - set(own)
    # What is in no change of its own is named in that of its owner.
    moved = [name.partition(":") for one in changes(old, new) for name in one.moved]
    assert {(place[0], place[1]) for place in rest} <= {
        (ecosystem, normalised(Ecosystem(ecosystem), name)) for ecosystem, _, name in moved
    }
    for one in changes(old, new):
        place = key(one)
        assert (one.change is Change.ADDED) == (place not in before)
        assert (one.change is Change.REMOVED) == (place not in after)


def test_an_owner_is_found_whatever_the_spelling_of_its_name() -> None:
    def side(version: str) -> tuple[Package, ...]:
        owned = package(f"pip:typing_extensions={version}", location="/opt/conda", owner="conda:typing-extensions")
        return (owned, package(f"conda:typing_extensions={version}", location="/opt/conda"))

    assert told(side("4.0"), side("4.1")) == ["up conda:typing_extensions 4.0 -> 4.1"]
