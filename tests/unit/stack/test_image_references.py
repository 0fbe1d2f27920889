import pytest

from ci.stack.image_references import ImageName, ImageReferences, rank_tag


def plain(name: str) -> ImageName:
    return ImageName(name=name, repository=name)


def tagged(repository: str, tag: str, *labels: str) -> ImageName:
    return ImageName(
        name=f"{repository}-{tag}", repository=repository, tag=tag, family=repository, labels=frozenset(labels or [tag])
    )


def own_repository(family: str, *labels: str) -> ImageName:
    name = "-".join((family, *labels))
    return ImageName(name=name, repository=name, family=family, labels=frozenset(labels))


STACK = ImageReferences(
    [
        plain("base"),
        plain("python"),
        tagged("spark", "4.0.0-scala2.13-java17-ubuntu"),
        tagged("spark", "4.0.0-scala2.13-java17-python3-ubuntu"),
        tagged("circle", "3.13"),
        tagged("circle", "3.13-node"),
        plain("torch"),
        tagged("torch", "cuda12"),
        tagged("torch", "cuda13"),
        own_repository("ml", "cuda12", "py311"),
        own_repository("ml", "cuda12", "py312"),
        own_repository("ml", "cuda13", "py312"),
        own_repository("lab", "cuda12", "py312"),
        own_repository("lab", "py311"),
        tagged("lab", "cuda13"),
    ]
)


@pytest.mark.parametrize(
    ("reference", "image", "found"),
    [
        pytest.param("base", "torch", "base", id="by its name"),
        pytest.param("docker.io/u/base:2026.4-stable@sha256:" + "0" * 64, "torch", "base", id="whatever is around it"),
        pytest.param("python:3.12", "python", None, id="another image by the own name"),
        pytest.param("debian", "base", None, id="another image"),
        pytest.param(
            "spark:4.0.0-scala2.13-java17-ubuntu",
            "spark-4.0.0-scala2.13-java17-python3-ubuntu",
            "spark-4.0.0-scala2.13-java17-ubuntu",
            id="by its tag",
        ),
        pytest.param("spark:3.5.8-scala2.12-java11-ubuntu", "base", None, id="another tag"),
        pytest.param("cimg/circle:3.13.15", "base", "circle-3.13", id="a version of the tag"),
        pytest.param("cimg/circle:3.13.15-node", "base", "circle-3.13-node", id="a version of a part of the tag"),
        pytest.param("cimg/circle:3.130", "base", None, id="another version"),
        pytest.param("cimg/circle:3.13.15-browsers", "base", None, id="another variant of that version"),
        pytest.param("q.io/j/torch:cuda12-2026-07-28", "base", "torch-cuda12", id="its tag and a date"),
        pytest.param("q.io/j/torch:cuda12-latest", "base", "torch-cuda12", id="its tag, latest"),
        pytest.param("torch", "base", "torch", id="the plain one"),
        pytest.param("torch:2026-07-28", "base", "torch", id="the plain one, with a date"),
        pytest.param("torch", "torch-cuda12", "torch", id="a variant on the plain one"),
        pytest.param("torch", "lab-cuda13", "torch-cuda13", id="the same variant"),
        pytest.param("torch:2026.4-a1239ab", "lab-cuda13", "torch-cuda13", id="the same variant, a stack tag"),
        pytest.param("torch:cuda12", "lab-cuda13", "torch-cuda12", id="another variant, if it is said"),
        pytest.param("ml", "lab-cuda12-py312", "ml-cuda12-py312", id="the same two"),
        pytest.param("ml-cuda12-py311", "lab-cuda12-py312", "ml-cuda12-py311", id="by its own repository"),
        pytest.param("torch", "lab-cuda12-py312", "torch-cuda12", id="of one axis more"),
        pytest.param("ml", "base", None, id="no variant that fits"),
        pytest.param("ml", "lab-py311", None, id="not half a variant"),
    ],
)
def test_a_reference_means_an_image(reference: str, image: str, found: str | None) -> None:
    assert STACK.find(reference, image) == found


@pytest.mark.parametrize(
    ("reference", "image", "words", "is_error"),
    [
        ("debian", "base", "", False),
        ("base", "torch", "", False),
        ("ml", "base", "no variant of ml fits base: ml-cuda12-py311, ml-cuda12-py312, ml-cuda13-py312.", True),
        ("x/spark", "base", "no variant of spark fits base: spark:4.0.0-scala2.13-java17-ubuntu, ", True),
        (
            "cimg/circle:3.12.1",
            "base",
            "the stack has circle, but with other tags: circle:3.13, circle:3.13-node.",
            False,
        ),
    ],
)
def test_what_may_mean_an_image_is_doubtful(reference: str, image: str, words: str, is_error: bool) -> None:  # noqa: FBT001
    if STACK.find(reference, image):
        assert not words
        return
    doubt, error = STACK.doubt(reference, image)
    assert doubt.startswith(words)
    assert bool(doubt) == bool(words)
    assert error is is_error


def test_external_references_mean_no_image() -> None:
    references = ImageReferences([plain("base"), plain("a")], ["docker.io/x/base", "base:1"])
    assert references.find("docker.io/x/base:7", "a") is None
    assert references.find("base:1", "a") is None
    assert references.find("base:2", "a") == "base"
    assert references.doubt("base:1", "a") == ("", False)


@pytest.mark.parametrize(
    ("own", "wanted", "rank"),
    [
        ("cuda12", "cuda12", (1, 1)),
        ("3.13-node", "3.13.1-node", (2, 1)),
        ("3.13", "3.13-stable", (1, 1)),
        ("3.13", "3.13-node", None),
        ("3.13", "3.1", None),
        ("cuda1", "cuda12", None),
        ("a", "a.b", None),
        ("", "latest", None),
    ],
)
def test_how_well_a_tag_fits(own: str, wanted: str, rank: tuple[int, int] | None) -> None:
    assert rank_tag(own, wanted) == rank
