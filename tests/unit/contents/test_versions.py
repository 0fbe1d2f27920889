import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.contents.difference import Change
from ci.contents.model import Ecosystem
from ci.contents.versions import ascending, change_of, change_of_release

APT, APK, PIP, CONDA, R, NPM, JULIA, LAB = Ecosystem
UP, REBUILT, CHANGED = Change.UP, Change.REBUILT, Change.CHANGED
MIRRORED = {Change.UP: Change.DOWN, Change.DOWN: Change.UP}

PAIRS = [
    (APT, "9.4", "10.3", UP),
    (APT, "1.0-1", "1.1-1", UP),
    (APT, "2.0-1", "1:1.0-1", UP),
    (APT, "1.0~rc1-1", "1.0-1", UP),
    (APT, "1.2.3+dfsg-1", "1.2.4+dfsg-1", UP),
    (APT, "3.0.22-1~deb12u1", "3.0.22-1~deb12u2", REBUILT),
    (APT, "1.2.3-1", "1.2.3-1+b1", REBUILT),
    (APT, "12.4+b1", "12.4+b2", REBUILT),
    (APT, "2024a-0+deb12u1", "2024b-0+deb12u1", UP),
    (APT, "a", "b", CHANGED),
    (APK, "9.4-r0", "10.3-r0", UP),
    (APK, "1.2_rc1-r0", "1.2-r0", UP),
    (APK, "1.36.1-r5", "1.36.1-r15", REBUILT),
    (APK, "1.1.1a-r0", "1.1.1b-r0", UP),
    (APK, "20240203-r0", "20240705-r0", UP),
    (PIP, "9.4", "10.3", UP),
    (PIP, "1.0rc1", "1.0", UP),
    (PIP, "1.0", "1.0.post1", UP),
    (PIP, "1.0.dev1", "1.0a1", UP),
    (PIP, "2023.4", "1!1.0", UP),
    (PIP, "2.15.0+cpu", "2.15.0+cu132", REBUILT),
    (PIP, "2.14.0+cu132", "2.15.0+cpu", UP),
    (PIP, "1.0", "1.0.0", REBUILT),
    (PIP, "1.0", "2004d", CHANGED),
    (CONDA, "1.0rc1", "1.0", UP),
    (CONDA, "2024a", "2024b", UP),
    (CONDA, "1.1.1w", "3.0.0", UP),
    (CONDA, "9d", "9e", UP),
    (CONDA, "9.4", "10.3", UP),
    (R, "1.2-3", "1.2-10", UP),
    (R, "0.9.4", "0.10.3", UP),
    (R, "1.2-3", "1.2.3", REBUILT),
    (NPM, "1.0.0-rc.1", "1.0.0", UP),
    (NPM, "1.0.0-beta.2", "1.0.0-beta.11", UP),
    (NPM, "1.9.0", "1.10.0", UP),
    (NPM, "file:../x", "1.0.0", CHANGED),
    (JULIA, "1.2.3+0", "1.2.3+1", REBUILT),
    (JULIA, "0.9.4", "0.10.3", UP),
    (LAB, "4.6.5", "4.6.6", UP),
    (LAB, "0.1.0-alpha", "0.1.0", UP),
]


@pytest.mark.parametrize(("ecosystem", "old", "new", "expected"), PAIRS)
def test_which_of_two_is_newer(ecosystem: Ecosystem, old: str, new: str, expected: Change) -> None:
    assert change_of(ecosystem, old, new) is expected
    assert change_of(ecosystem, new, old) is MIRRORED.get(expected, expected)


def test_the_table_has_forty_pairs_in_every_ecosystem() -> None:
    assert len(PAIRS) == 40
    assert {ecosystem for ecosystem, *_ in PAIRS} == set(Ecosystem)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("3.9.20", "3.11.2", UP),
        ("13.2", "12.8", Change.DOWN),
        ("17.0.9+9", "21.0.1+12", UP),
        ("Debian 12.15", "Debian 13", CHANGED),
    ],
)
def test_versions_of_no_package_manager(old: str, new: str, expected: Change) -> None:
    assert change_of_release(old, new) is expected


@given(st.sampled_from(tuple(Ecosystem)), st.text(max_size=12), st.text(max_size=12))
def test_any_text_has_an_answer_and_its_mirror(ecosystem: Ecosystem, old: str, new: str) -> None:
    there, back = change_of(ecosystem, old, new), change_of(ecosystem, new, old)
    assert back is MIRRORED.get(there, there)


@given(
    st.sampled_from(tuple(Ecosystem)),
    st.text("0123456789.-+~:rcabv_", min_size=1, max_size=9),
    st.text("0123456789.-+~:rcabv_", min_size=1, max_size=9),
)
def test_what_looks_like_a_version_has_one_too(ecosystem: Ecosystem, old: str, new: str) -> None:
    there, back = change_of(ecosystem, old, new), change_of(ecosystem, new, old)
    assert back is MIRRORED.get(there, there)


@pytest.mark.parametrize("ecosystem", tuple(Ecosystem))
def test_a_number_that_python_does_not_read_is_no_error(ecosystem: Ecosystem) -> None:
    assert change_of(ecosystem, f"1.{'9' * 5000}", f"1.{'9' * 5001}") in set(Change)


def test_several_versions_are_listed_from_the_lowest_up() -> None:
    assert ascending(PIP, ["10.3", "9.4", "10.3", "1.0"]) == ("1.0", "9.4", "10.3")
    assert ascending(NPM, ["file:b", "file:a"]) == ("file:a", "file:b")
