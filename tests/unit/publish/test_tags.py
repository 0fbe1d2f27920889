import pytest

from ci.errors import RequestError
from ci.publish.tags import Place, RelativePlace, TagLayout

KEY = "0123456789abcdef" * 4
LAYOUT = TagLayout(
    registry="docker.io/ucsdets/",
    places={
        "base": RelativePlace("base"),
        "torch": RelativePlace("torch"),
        "torch-cuda": RelativePlace("torch", "cuda-"),
        "torch-cuda-12": RelativePlace("torch", "cuda-12-"),
        "alone": RelativePlace("other", "x-"),
    },
)
TAG = "2026.4-a1239ab"


def test_an_image_has_a_repository_and_tags_in_it() -> None:
    layout = TagLayout(registry="docker.io/ucsdets/")
    assert str(layout.repository("r-notebook")) == "docker.io/ucsdets/r-notebook"
    assert str(layout.tag("base", TAG)) == f"docker.io/ucsdets/base:{TAG}"
    assert str(layout.cache_tag("base", KEY)) == "docker.io/ucsdets/base:k-0123456789abcdef"
    assert str(layout.staging_tag("base", KEY)) == f"docker.io/ucsdets/base:s-{KEY}"


def test_images_that_share_a_repository_have_tags_of_their_own() -> None:
    assert str(LAYOUT.repository("torch-cuda")) == "docker.io/ucsdets/torch"
    assert str(LAYOUT.tag("torch", TAG)) == f"docker.io/ucsdets/torch:{TAG}"
    assert str(LAYOUT.tag("torch-cuda", TAG)) == f"docker.io/ucsdets/torch:cuda-{TAG}"
    assert LAYOUT.tag("torch-cuda", "2026.4-stable.history").tag == "cuda-2026.4-stable.history"
    assert str(LAYOUT.cache_tag("torch-cuda", KEY)) == "docker.io/ucsdets/torch:k-0123456789abcdef"
    assert str(LAYOUT.staging_tag("torch-cuda", KEY)) == f"docker.io/ucsdets/torch:s-{KEY}"


def test_an_image_that_left_the_stack_is_where_its_name_says() -> None:
    assert str(LAYOUT.tag("gone", TAG)) == f"docker.io/ucsdets/gone:{TAG}"


def test_what_is_not_at_its_name_is_listed() -> None:
    assert LAYOUT.variants(("base", "torch", "torch-cuda", "alone"), TAG) == {
        "torch-cuda": f"docker.io/ucsdets/torch:cuda-{TAG}",
        "alone": f"docker.io/ucsdets/other:x-{TAG}",
    }


@pytest.mark.parametrize(
    "text", ["docker.io/a/b", "docker.io/a/b:cuda12-", "localhost:5000/a/b", "localhost:5000/b:x-"]
)
def test_a_place_is_read_from_its_text(text: str) -> None:
    place = Place.parse(text)
    assert str(place) == text
    assert str(place.tagged("t")) == (f"{text}t" if place.tag_prefix else f"{text}:t")
    assert str(place.pinned(f"sha256:{'a' * 64}")) == f"{place.repository}@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("image", "tags", "has"),
    [
        ("base", [], False),
        ("base", ["anything"], True),
        ("base", ["k-1"], True),
        ("torch", ["cuda-2026.4-stable", "cuda-12-epoch", "k-1", "s-1", "sha256-1"], False),
        ("torch", ["cuda-2026.4-stable", "2026.4-stable"], True),
        ("torch-cuda", ["2026.4-stable", "cuda-12-epoch", "k-1"], False),
        ("torch-cuda", ["cuda-epoch"], True),
        ("torch-cuda-12", ["cuda-epoch", "2026.4-stable"], False),
        ("torch-cuda-12", ["cuda-12-2026.4-stable"], True),
        ("alone", ["2026.4-stable", "k-1"], False),
        ("alone", ["x-2026.4-stable"], True),
    ],
)
def test_a_tag_in_a_shared_repository_is_of_one_image(image: str, tags: list[str], *, has: bool) -> None:
    assert LAYOUT.has_tag(image, tags) is has


def test_a_tag_of_the_stack_has_no_prefix() -> None:
    LAYOUT.check_stack_tags([TAG, "2026.4-stable", "stable", "cuda", "x"])
    TagLayout(registry="docker.io/a").check_stack_tags(["cuda-stable"])
    with pytest.raises(RequestError) as raised:
        LAYOUT.check_stack_tags(["stable", "x-stable", "cuda-2026.4-stable"])
    alone, cuda = str(raised.value).splitlines()
    assert alone == (
        "The tag 'x-stable' begins with 'x-', as the tags of alone do. Give the tag of the whole stack, 'stable': each "
        "image has it with its own prefix."
    )
    assert cuda.startswith("The tag 'cuda-2026.4-stable' begins with 'cuda-', as the tags of torch-cuda do. ")


def test_two_images_never_share_a_tag() -> None:
    with pytest.raises(RequestError) as raised:
        LAYOUT.check_stack_tags(["12-stable"])
    assert str(raised.value) == (
        "The tag '12-stable' of torch-cuda would be torch:cuda-12-stable, which is the tag 'stable' of torch-cuda-12. "
        "Use another tag."
    )


def test_an_invalid_registry_is_refused() -> None:
    with pytest.raises(RequestError, match="Invalid repository name"):
        TagLayout(registry="docker.io/UCSD ets").repository("base")
