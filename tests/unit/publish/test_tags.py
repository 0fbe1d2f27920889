import pytest

from ci.errors import RequestError
from ci.publish.tags import TagLayout, stack_tag

KEY = "0123456789abcdef" * 4


def test_an_image_has_a_repository_and_names_in_it() -> None:
    places = TagLayout(registry="docker.io/ucsdets/")
    assert str(places.repository("r-notebook")) == "docker.io/ucsdets/r-notebook"
    assert str(places.passed("base", KEY)) == "docker.io/ucsdets/base:k-0123456789abcdef"
    assert str(places.staged("base", KEY)) == f"docker.io/ucsdets/base:s-{KEY}"


def test_a_registry_that_cannot_be_is_refused() -> None:
    with pytest.raises(RequestError, match="Invalid repository name"):
        TagLayout(registry="docker.io/UCSD ets").repository("base")


def test_a_stack_is_tagged_by_version_and_commit() -> None:
    assert stack_tag("2026.4", "a1239ab" + "0" * 33) == "2026.4-a1239ab"


@pytest.mark.parametrize("version", ["", "2026.4-beta", "feature/x", "2026 4", "-x", "ä"])
def test_a_version_that_cannot_begin_a_tag_is_refused(version: str) -> None:
    with pytest.raises(RequestError, match=r"needs one like '2026\.4'"):
        stack_tag(version, "a" * 40)
