import pytest

from ci.errors import SpecError
from ci.stack.image import Image
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree, dockerfiles

DIGEST = "sha256:" + "0f" * 32


def problems(tree: MemoryTree, images: str = "images") -> tuple[str, ...]:
    with pytest.raises(SpecError) as error:
        read_stack(tree, images)
    return error.value.problems


def child(text: str, settings: str = "") -> Image:
    """Return the image `child` read beside the images `base` and `fonts`."""
    files = {
        "images/base/Dockerfile": "FROM debian\n",
        "images/fonts/Dockerfile": "FROM scratch\n",
        "images/child/Dockerfile": text,
        "images/stack.toml": settings,
    }
    return read_stack(MemoryTree(files)).by_name["child"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("FROM base\n", id="name"),
        pytest.param("FROM base:tag\n", id="tag"),
        pytest.param(f"FROM base@{DIGEST}\n", id="digest"),
        pytest.param(f"FROM localhost:5000/a/b/base:tag@{DIGEST}\n", id="registry, path, tag and digest"),
        pytest.param("FROM --platform=linux/amd64 base\n", id="platform"),
        pytest.param("FROM --platform=$BUILDPLATFORM base\n", id="platform in a variable"),
        pytest.param("ARG BASE=base\nFROM $BASE\n", id="default"),
        pytest.param(
            "ARG REG=ghcr.io OWNER=org\nARG BASE=$REG/$OWNER/base\nFROM ${BASE}:1\n", id="defaults of defaults"
        ),
        pytest.param("ARG A='x y' B=base\nFROM $B\n", id="several on a line"),
        pytest.param("ARG TAG\nFROM base:${TAG:-latest}\n", id="default value"),
        pytest.param("ARG GPU=1\nFROM ${GPU:+x/}base${GPU:+:gpu}\n", id="if set"),
        pytest.param("ARG GPU\nFROM base${GPU:+:gpu}\n", id="if not set"),
        pytest.param("FROM base-$TARGETARCH-x AS base-amd64-x\nFROM base\n", id="platform of the build"),
        pytest.param("ARG REG\nFROM $REG/base:$TAG\n", id="registry and tag that come from elsewhere"),
        pytest.param("FROM base AS b\nFROM b\n", id="through a stage"),
        pytest.param("FROM base AS B\nRUN x\nFROM b AS c\nFROM c\n", id="through stages in any case"),
    ],
)
def test_from_is_a_dependency_whatever_surrounds_the_name(text: str) -> None:
    image = child(text)
    assert image.parent == "base"
    assert image.needs == ("base",)


def test_build_args_override_defaults() -> None:
    image = child("ARG BASE=debian\nFROM $BASE\n", '[images.child]\nbuild-args = {BASE = "x/base:1"}')
    assert image.parent == "base"
    assert image.foreign_bases == ()


@pytest.mark.parametrize(
    ("text", "needs", "foreign"),
    [
        pytest.param("FROM debian\nCOPY --from=fonts /f /f\n", ("fonts",), ("debian",), id="COPY from an image"),
        pytest.param("FROM debian\nRUN --mount=from=x/fonts:1,target=/f ls\n", ("fonts",), ("debian",), id="mount"),
        pytest.param(
            "FROM debian\nRUN --mount=type=cache,target=/c --mount=type=cache,from=fonts,target=/f ls\n",
            ("fonts",),
            ("debian",),
            id="several mounts",
        ),
        pytest.param(
            "FROM debian\nCOPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/\n",
            (),
            ("debian", "ghcr.io/astral-sh/uv:0.9"),
            id="COPY from a foreign image",
        ),
        pytest.param(
            "FROM alpine AS fonts\nFROM debian\nCOPY --from=fonts /f /f\n", (), ("alpine", "debian"), id="alias"
        ),
        pytest.param("FROM alpine AS f\nFROM debian\nCOPY --from=0 /f /f\n", (), ("alpine", "debian"), id="number"),
        pytest.param("FROM fonts\nCOPY --from=base a b\nCOPY --from=base c d\n", ("fonts", "base"), (), id="once each"),
        pytest.param(
            "FROM base AS unused\nFROM scratch\nCOPY a b\n", (), (), id="not from a stage that is not reached"
        ),
        pytest.param("FROM base AS used\nFROM scratch\nCOPY --from=used a b\n", ("base",), (), id="from a reached one"),
        pytest.param("FROM child:1\nCOPY --from=x/child:2 a b\n", (), ("child:1", "x/child:2"), id="its own name"),
        pytest.param(
            "FROM debian\nONBUILD COPY --from=fonts a b\n", (), ("debian",), id="not an ONBUILD for other images"
        ),
    ],
)
def test_all_dependencies_of_an_image(text: str, needs: tuple[str, ...], foreign: tuple[str, ...]) -> None:
    image = child(text)
    assert (image.needs, image.foreign_bases) == (needs, foreign)


def test_only_the_base_of_the_last_stage_is_the_parent() -> None:
    assert child("FROM base AS b\nFROM debian\nCOPY --from=b a b\n").parent is None


def test_the_sources_of_an_onbuild_are_dependencies_of_the_children() -> None:
    stack = read_stack(
        dockerfiles(
            parent="FROM scratch\nONBUILD COPY --from=tool /t /t\nONBUILD COPY --from=alpine /a /a\n",
            tool="FROM scratch\n",
            child="FROM parent\n",
            grandchild="FROM child\n",
        )
    )
    assert {image.name: image.needs for image in stack.images} == {
        "parent": (),
        "tool": (),
        "child": ("parent", "tool"),
        "grandchild": ("child",),
    }
    assert stack.by_name["child"].foreign_bases == ("alpine",)


def test_a_platform_other_than_the_default_may_be_built() -> None:
    tree = dockerfiles(a="FROM debian-$TARGETARCH\n")
    assert read_stack(tree).images[0].foreign_bases == ("debian-amd64",)
    assert read_stack(tree, platform="linux/arm64").images[0].foreign_bases == ("debian-arm64",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "FROM $BASE\n",
            ":1: FROM $BASE: no ARG before the first FROM declares BASE, so no build arg can set it. Write there: ARG "
            "BASE",
            id="never declared",
        ),
        pytest.param("FROM ${A:?the-base}\n", ":1: FROM ${A:?the-base}: A: the-base.", id="required"),
        pytest.param("ARG A=${B\nFROM x\n", ":1: ARG A=${B: ", id="default that cannot be expanded"),
        pytest.param(
            "FROM Debian\n",
            ":1: FROM Debian: 'Debian' is neither a valid image reference (lower case) nor an earlier stage.",
            id="upper case",
        ),
        pytest.param(
            "FROM x AS Y\nFROM Y\n", ":2: FROM Y: 'Y' is neither a valid image reference", id="stage in upper case"
        ),
        pytest.param(
            "FROM x\nCOPY --from=1 a b\n", ":2: COPY from=1: no such stage before this one.", id="number too high"
        ),
        pytest.param(
            "FROM x\nCOPY --from=0 a b\n", ":2: COPY from=0: no such stage before this one.", id="number of itself"
        ),
        pytest.param(
            "FROM x\nCOPY --from=later a b\nFROM y AS later\nCOPY --from=0 a b\n",
            ":2: COPY from=later: no such stage before this one.",
            id="stage below",
        ),
        pytest.param(
            "FROM x\nCOPY --from=$Y a b\n", ":2: COPY from=$Y: variables are not expanded here", id="variable"
        ),
        pytest.param(
            "FROM x\nRUN --mount=from=0,target=/y z\n",
            ":2: RUN from=0: a mount cannot refer to a stage by number",
            id="mount",
        ),
        pytest.param(
            "FROM x\nCOPY --from=a/B a b\n",
            ":2: COPY from=a/B: neither a valid image reference nor a stage.",
            id="invalid reference",
        ),
    ],
)
def test_an_invalid_source_of_a_stage_is_a_problem_with_its_line(text: str, problem: str) -> None:
    (found,) = problems(dockerfiles(a=text))
    assert found.startswith(f"images/a/Dockerfile{problem}")
