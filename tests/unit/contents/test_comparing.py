import msgspec
import pytest

from ci.contents.comparing import compare_stacks
from ci.contents.credentials import looks_like_credential
from ci.contents.difference import Change, ImageDifference, LayerState, Setting, StackDifference
from ci.contents.model import ImageConfig, System
from tests.unit.contents.samples import NEW, OLD, contents, kernel, layer, package, packages, stack

NUMPY, NUMPY_2, DPLYR = package("pip:numpy=1.26"), package("pip:numpy=2.1"), package("R:dplyr=1.1")


def told(difference: StackDifference) -> dict[str, list[str]]:
    return {
        image.image: [
            f"{one.change} {one.name} {one.old} -> {one.new}, by {one.brought_by}, also in {','.join(one.also_in)}"
            for one in image.packages
        ]
        for image in difference.images
    }


def one_image(old: dict[str, object], new: dict[str, object]) -> ImageDifference:
    (image,) = compare_stacks(stack(OLD, contents("base", **old)), stack(NEW, contents("base", **new))).images
    return image


def test_a_change_of_the_base_is_told_once() -> None:
    old = stack(OLD, *(contents(name, NUMPY) for name in ("ml", "base", "ds", "r")))
    new = stack(NEW, *(contents(name, NUMPY_2) for name in ("ml", "base", "ds", "r")))
    difference = compare_stacks(old, new)
    assert told(difference) == {"base": ["up numpy 1.26 -> 2.1, by base, also in ds,ml,r"], "ds": [], "ml": [], "r": []}
    assert list(told(difference)) == ["base", "ds", "ml", "r"]
    repeated = told(compare_stacks(old, new, inherited=True))
    assert repeated["ml"] == repeated["base"]


def test_another_change_of_the_same_package_below_is_told_there() -> None:
    old = stack(OLD, *(contents(name, NUMPY) for name in ("base", "ds", "ml")))
    new = stack(NEW, contents("base", NUMPY_2), contents("ds", NUMPY), contents("ml", NUMPY_2))
    assert told(compare_stacks(old, new)) == {
        "base": ["up numpy 1.26 -> 2.1, by base, also in "],
        "ds": [],
        # ds, which is between, does not have the change: so ml did not get it from base.
        "ml": ["up numpy 1.26 -> 2.1, by ml, also in "],
    }


def test_only_some_images_are_told_and_the_rest_still_explains_them() -> None:
    old = stack(OLD, contents("base", NUMPY), contents("r", NUMPY))
    new = stack(NEW, contents("base", NUMPY_2), contents("r", NUMPY_2, DPLYR))
    assert told(compare_stacks(old, new, images=["r"])) == {"r": ["added dplyr None -> 1.1, by r, also in "]}


def test_a_new_image_adds_what_its_parent_does_not_have() -> None:
    old, new = stack(OLD, contents("base", NUMPY)), stack(NEW, contents("base", NUMPY), contents("r", NUMPY, DPLYR))
    there = compare_stacks(old, new)
    assert told(there)["r"] == ["added dplyr None -> 1.1, by r, also in "]
    assert there.images[1].old is None
    assert there.changed
    back = compare_stacks(new, old)
    assert told(back)["r"] == ["removed dplyr 1.1 -> None, by r, also in "]
    assert back.images[1].new is None
    assert back.images[1].download is None


def test_a_stack_does_not_differ_from_itself() -> None:
    layers = (layer("a", 10),)
    one = stack(OLD, contents("base", NUMPY, layers=layers), contents("r", DPLYR, layers=layers))
    difference = compare_stacks(one, one)
    assert not difference.changed
    assert [image.download for image in difference.images] == [0, 0]


def test_an_image_without_a_description_is_said_to_be_unread() -> None:
    old = stack(OLD, contents("base", NUMPY), missing={"r": "it was published without a description"})
    new = stack(NEW, contents("base", NUMPY), contents("r", NUMPY))
    difference = compare_stacks(old, new)
    assert list(told(difference)) == ["base"]
    assert difference.unread == (f"r of {OLD} is not compared: it was published without a description",)
    assert difference.changed
    assert compare_stacks(old, new, images=["base"]).unread == ()


def test_key_versions_change_and_the_operating_system_is_one() -> None:
    old = System(os_name="Debian", versions={"OS": "Debian 12.14", "Python": "3.9.20", "CUDA": "13.2", "R": "4.2.2"})
    new = System(os_name="Debian 12.15", versions={"Python": "3.11.2", "CUDA": "12.8", "Julia": "1.11"})
    image = one_image({"system": old}, {"system": new})
    assert [(one.name, one.change, one.old, one.new) for one in image.versions] == [
        ("OS", Change.CHANGED, "Debian 12.14", "Debian 12.15"),
        ("Python", Change.UP, "3.9.20", "3.11.2"),
        ("Julia", Change.ADDED, None, "1.11"),
        ("CUDA", Change.DOWN, "13.2", "12.8"),
        ("R", Change.REMOVED, "4.2.2", None),
    ]


def test_kernels() -> None:
    old = (kernel("python3"), kernel("ir", "R"), kernel("gone"))
    new = (kernel("python3", "Python 3.11"), kernel("ir", "R"), kernel("new", location="/usr/share/jupyter/kernels"))
    image = one_image({"kernels": old}, {"kernels": new})
    assert [(one.name, one.change, one.old, one.new) for one in image.kernels] == [
        ("gone", Change.REMOVED, "Python 3 (python)", None),
        ("new", Change.ADDED, None, "Python 3 (python)"),
        ("python3", Change.CHANGED, "Python 3 (python)", "Python 3.11 (python)"),
    ]


def test_every_setting_is_compared() -> None:
    old = ImageConfig(
        user="jovyan", entrypoint=("tini", "--"), command=("start",), environment={"A": "1", "GONE": "x"},
        labels={"a": "1", "org.opencontainers.image.created": "2026-01-01", "org.opencontainers.image.revision": "a",
                "org.opencontainers.image.version": "1", "org.opencontainers.image.base.digest": "sha256:1",
                "edu.ucsd.datahub.key": "0"},
        ports=("8888/tcp",),
    )  # fmt: skip
    new = ImageConfig(
        user="root", workdir="/home", entrypoint=("tini",), command=("start",), environment={"A": "2"},
        labels={"a": "2", "org.opencontainers.image.created": "2026-02-02"}, volumes=("/data",),
        healthcheck=("CMD", "curl"), stop_signal="SIGTERM",
    )  # fmt: skip
    image = one_image({"config": old}, {"config": new})
    assert [(one.setting.value, one.name, one.change.value, one.old, one.new) for one in image.config] == [
        ("user", "", "changed", "jovyan", "root"),
        ("working directory", "", "added", None, "/home"),
        ("entrypoint", "", "changed", "tini --", "tini"),
        ("environment", "A", "changed", "1", "2"),
        ("environment", "GONE", "removed", "x", None),
        ("label", "a", "changed", "1", "2"),
        ("port", "8888/tcp", "removed", "exposed", None),
        ("volume", "/data", "added", None, "declared"),
        ("health check", "", "added", None, "CMD curl"),
        ("stop signal", "", "added", None, "SIGTERM"),
    ]


def test_a_credential_is_said_to_have_changed_and_not_shown() -> None:
    old, new = ImageConfig(environment={"DB_PASSWORD": "hunter2"}), ImageConfig(environment={"DB_PASSWORD": "hunter3"})
    image = one_image({"config": old}, {"config": new})
    (change,) = image.config
    assert (change.setting, change.name, change.change, change.hidden) == (
        Setting.ENVIRONMENT, "DB_PASSWORD", Change.CHANGED, True,
    )  # fmt: skip
    assert b"hunter" not in msgspec.json.encode(image)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JUPYTER_TOKEN", "abc"),
        ("AWS_SECRET_ACCESS_KEY", "abc"),
        ("API_KEY", "abc"),
        ("", "start --token=abc"),
        ("PIP_INDEX_URL", "https://user:pass@pypi.example.edu/simple"),
        ("X", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("X", "AKIAIOSFODNN7EXAMPLE"),
        ("X", "-----BEGIN OPENSSH PRIVATE KEY-----"),
        ("X", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc"),
    ],
)
def test_what_looks_like_a_credential(name: str, value: str) -> None:
    assert looks_like_credential(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/opt/venv/bin:/usr/bin"),
        ("LANG", "C.UTF-8"),
        ("JUPYTER_TOKEN", ""),
        ("KEYBOARD", "us"),
        ("HOME_URL", "https://www.debian.org/"),
        ("AUTHORS", "UCSD"),
    ],
)
def test_what_does_not(name: str, value: str) -> None:
    assert not looks_like_credential(name, value)


def test_layers_are_matched_by_digest_and_then_by_instruction() -> None:
    old = (
        layer("base", 100, "FROM debian"), layer("a", 10, "RUN apt", "base"), layer("c1", 1, "COPY . /x", "base"),
        layer("c2", 2, "COPY . /x", "base"), layer("gone", 5, "RUN old", "base"),
    )  # fmt: skip
    new = (
        layer("base", 100, "FROM debian"), layer("b", 15, "RUN apt", "base"), layer("c2", 2, "COPY . /x", "base"),
        layer("c3", 3, "COPY . /x", "base"), layer("new", 7, "RUN new", "base"),
    )  # fmt: skip
    image = one_image({"layers": old}, {"layers": new})
    assert [(one.state.value, one.old, one.new, one.old_size, one.new_size) for one in image.layers] == [
        ("same", "base", "base", 100, 100),
        ("changed", "a", "b", 10, 15),
        ("same", "c2", "c2", 2, 2),
        ("changed", "c1", "c3", 1, 3),
        ("new", None, "new", None, 7),
        ("gone", "gone", None, 5, None),
    ]
    assert image.download == 15 + 3 + 7


def test_a_layer_that_is_twice_in_an_image_is_downloaded_once() -> None:
    image = one_image({"layers": ()}, {"layers": (layer("a", 10), layer("a", 10))})
    assert image.download == 10


def test_layers_are_not_compared_with_what_was_not_uploaded() -> None:
    known: dict[str, object] = {"layers": (layer("a", 10, "RUN apt"),)}
    assert one_image(known, {"layers": ()}).layers == ()
    assert one_image({"layers": ()}, known).layers == ()
    assert len(compare_stacks(stack(OLD), stack(NEW, contents("base", **known))).images[0].layers) == 1


@pytest.mark.parametrize("name", ["base.name", "base.digest", "created", "revision", "source", "title", "version"])
def test_labels_of_publishing_are_no_settings(name: str) -> None:
    labelled = ImageConfig(labels={f"org.opencontainers.image.{name}": "x", "of.the.image": "1"})
    image = one_image({"config": labelled}, {"config": ImageConfig()})
    assert [change.name for change in image.config] == ["of.the.image"]


def test_what_was_not_uploaded_has_no_known_download() -> None:
    assert one_image({}, {}).download is None
    image = one_image({"layers": (layer("a", 10, "RUN apt"),)}, {"layers": (layer("", None, "RUN apt"),)})
    assert [one.state for one in image.layers] == [LayerState.UNKNOWN]
    assert image.download is None


def test_it_can_be_written_and_read() -> None:
    old, new = stack(OLD, contents("base", NUMPY)), stack(NEW, contents("base", NUMPY_2, *packages("npm:x=1.0.0")))
    difference = compare_stacks(old, new)
    assert msgspec.json.decode(msgspec.json.encode(difference), type=StackDifference) == difference
