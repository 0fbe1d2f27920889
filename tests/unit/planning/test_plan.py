import json

import msgspec
import pytest

from ci.errors import RequestError
from ci.planning.plan import Plan, check_names, check_suites, make_plan
from ci.stack.model import Stack
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

FILES = {
    "images/base/Dockerfile": "FROM debian:bookworm-slim\n",
    "images/base/tests/server/test_up.py": "",
    "images/ds/Dockerfile": "FROM base\nCOPY --from=fonts /f /f\n",
    "images/ds/tests/image/test_ds.py": "",
    "images/fonts/Dockerfile": "FROM scratch\n",
    "images/ml/Dockerfile": "FROM ds\nCOPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/uv\n",
    "images/old/Dockerfile": "FROM base\n",
    "images/tests_common/image/test_user.py": "",
    "images/stack.toml": '[images.old]\nenabled = false\nreason = "no course uses it"\n',
}


@pytest.fixture
def stack() -> Stack:
    return read_stack(MemoryTree(FILES))


def test_everything_is_planned_needed_ones_first(stack: Stack) -> None:
    plan = make_plan(stack)
    names = [image.name for image in plan.images]
    assert names.index("base") < names.index("ds") < names.index("ml")
    assert names.index("fonts") < names.index("ds")
    assert plan.to_build == tuple(name for name in names if name != "old")
    assert {image.name: image.reason for image in plan.images}["old"] == "no course uses it"


def test_only_takes_an_image_and_all_it_needs(stack: Stack) -> None:
    plan = make_plan(stack, only=["ds"])
    assert {image.name: image.reason for image in plan.images} == {
        "base": "needed by ds",
        "fonts": "needed by ds",
        "ds": "named by --only",
    }


def test_the_plan_as_json(stack: Stack) -> None:
    plan = make_plan(stack, only=["ml"])
    images = {image["name"]: image for image in json.loads(msgspec.json.encode(plan))["images"]}
    assert images["ml"] == {
        "name": "ml",
        "parent": "ds",
        "needs": ["ds"],
        "foreign_bases": ["ghcr.io/astral-sh/uv:0.9"],
        "action": "build",
        "reason": "named by --only",
        "suites": ["common/image", "base/server", "ds/image"],
        "key": None,
        "digest": None,
        "retest": False,
    }
    assert images["ds"]["needs"] == ["base", "fonts"]
    assert images["base"]["parent"] is None


def test_the_plan_can_be_read_back(stack: Stack) -> None:
    plan = make_plan(stack)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


def test_all_wrong_names_are_told_at_once_with_the_nearest(stack: Stack) -> None:
    with pytest.raises(RequestError) as caught:
        make_plan(stack, only=["bsae", "xyz", "old"])
    assert str(caught.value).splitlines() == [
        "The stack has no image 'bsae'. Did you mean 'base'?",
        f"The stack has no image 'xyz'. Its images are: {', '.join(stack.by_name)}.",
        "The image 'old' is disabled in stack.toml: no course uses it",
    ]


def test_a_name_is_checked_before_it_is_used(stack: Stack) -> None:
    check_names(stack, ["ml"])
    with pytest.raises(RequestError, match="Did you mean 'ml'"):
        check_names(stack, ["mll"])


@pytest.mark.parametrize("suites", [[], ["image"], ["common/image", "server"], ["base/server"]])
def test_suites_are_named_by_kind_or_origin(stack: Stack, suites: list[str]) -> None:
    check_suites(stack, "ds", suites)


def test_suites_that_do_not_exist_are_refused_for_they_would_end_green(stack: Stack) -> None:
    with pytest.raises(RequestError) as caught:
        check_suites(stack, "base", ["imgae", "base/server", "gpu"])
    assert str(caught.value).splitlines() == [
        "base has no suite 'imgae'. Did you mean 'image'?",
        "base has no suite 'gpu'. Those that run here: common/image, base/server.",
    ]


def test_the_suites_of_an_image_called_as_a_kind_or_common_are_named_by_origin() -> None:
    files = {f"images/{name}/tests/image/test_a.py": "" for name in ("common", "image")}
    files |= {f"images/{name}/Dockerfile": "FROM x\n" for name in ("common", "image")}
    stack = read_stack(MemoryTree(files | {"images/tests_common/image/test_a.py": ""}))
    check_suites(stack, "image", ["image", "image/image", "tests_common/image"])
    check_suites(stack, "common", ["common/image"])
    with pytest.raises(RequestError):
        check_suites(stack, "image", ["common/image"])


def test_an_image_without_suites_cannot_be_tested() -> None:
    stack = read_stack(MemoryTree({"images/a/Dockerfile": "FROM x\n", "images/a/tests/gpu/test_a.py": ""}))
    with pytest.raises(RequestError, match="'a' has no suite that runs here"):
        check_suites(stack, "a", [])
