import pytest

from ci.errors import RequestError
from ci.publish.tags import TagLayout

KEY = "0123456789abcdef" * 4


def test_an_image_has_a_repository_and_tags_in_it() -> None:
    layout = TagLayout(registry="docker.io/ucsdets/")
    assert str(layout.repository("r-notebook")) == "docker.io/ucsdets/r-notebook"
    assert str(layout.cache_tag("base", KEY)) == "docker.io/ucsdets/base:k-0123456789abcdef"
    assert str(layout.staging_tag("base", KEY)) == f"docker.io/ucsdets/base:s-{KEY}"


def test_an_invalid_registry_is_refused() -> None:
    with pytest.raises(RequestError, match="Invalid repository name"):
        TagLayout(registry="docker.io/UCSD ets").repository("base")
