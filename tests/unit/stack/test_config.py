import pytest

from ci.stack.config import ImageTable, Settings, StackTable, read_settings
from ci.stack.quantities import bytes_of
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

PATH = "images/stack.toml"


def read(text: str) -> tuple[Settings, list[str]]:
    problems: list[str] = []
    return read_settings(text, PATH, problems), problems


def test_every_key_is_read() -> None:
    settings, problems = read(
        """
        [stack]
        registry = "docker.io/ucsdets"
        version = "2026.4"
        epoch = "november"
        rebuild-all = ["tools"]
        [images.base]
        build-args = {PYTHON = "3.12", EMPTY = ""}
        context = "../.."
        dockerfile = "Dockerfile.gpu"
        [images.old]
        enabled = false
        reason = "no course uses it"
        """
    )
    assert not problems
    assert settings.stack == StackTable(
        registry="docker.io/ucsdets", version="2026.4", epoch="november", rebuild_all=("tools",)
    )
    assert settings.images["base"] == ImageTable(
        build_args={"PYTHON": "3.12", "EMPTY": ""}, context="../..", dockerfile="Dockerfile.gpu"
    )
    assert settings.images["old"] == ImageTable(enabled=False, reason="no course uses it")


def test_highlights_are_packages() -> None:
    settings, problems = read('[describe]\nhighlights = ["pip:polars", "lab extension:@jupyter/x"]\n')
    assert (settings.describe.highlights, problems) == (("pip:polars", "lab extension:@jupyter/x"), [])
    files = {PATH: '[describe]\nhighlights = ["pip:polars"]\n', "images/base/Dockerfile": "FROM debian\n"}
    assert read_stack(MemoryTree(files)).highlights == ("pip:polars",)
    settings, problems = read('[describe]\nhighlights = ["polars", "cargo:x", "pip: "]\nhighlight = []\n')
    assert problems == [
        f"{PATH}: unknown key describe.highlight. Did you mean 'highlights'?",
        *(
            f"{PATH}: describe.highlights: {entry!r} is not a package such as 'pip:polars'. "
            "Before the colon is one of apt, apk, pip, conda, R, npm, Julia, lab extension."
            for entry in ("polars", "cargo:x", "pip: ")
        ),
    ]


@pytest.mark.parametrize("text", ["", "\ufeff", "[stack]\r\n[images]\r\n"], ids=["empty", "byte order mark", "CRLF"])
def test_everything_is_optional(text: str) -> None:
    assert read(text) == (Settings(), [])


def test_all_mistakes_are_listed_at_once() -> None:
    settings, problems = read(
        """
        [stack]
        version = 2026.4
        registri = "x"
        rebuild-all = ["ci", 1]
        [image.base]
        [images]
        whole = 3
        [images.base]
        build-args = {A = 1, B = "x", C = []}
        enabled = "no"
        [images.ml]
        enabled = false
        build-args = 3
        dockerfil = "X"
        """
    )
    assert problems == [
        f"{PATH}: unknown key image. Did you mean 'images'?",
        f"{PATH}: unknown key stack.registri. Did you mean 'registry'?",
        f"{PATH}: stack.version: expected a quoted string, got a decimal number.",
        f"{PATH}: stack.rebuild-all: expected a quoted string, got an integer.",
        f"{PATH}: images.base.build-args.A: expected a quoted string, got an integer.",
        f"{PATH}: images.base.build-args.C: expected a quoted string, got an array.",
        f"{PATH}: images.base.enabled: expected true or false, got a quoted string.",
        f"{PATH}: unknown key images.ml.dockerfil. Did you mean 'dockerfile'?",
        f"{PATH}: images.ml.build-args: expected a table, got an integer.",
        f"{PATH}: images.ml.enabled is false without a reason. Write one in images.ml.reason; plans show it.",
        f"{PATH}: images.whole must be a table: write [images.whole] above its keys.",
    ]
    assert settings.images["base"] == ImageTable()


@pytest.mark.parametrize("size", ["2.5", "2,5 GB", "2.5GB", "1 TB", "-1 GB"])
def test_an_invalid_size_is_a_problem(size: str) -> None:
    settings, problems = read(f'[images.a]\nsize-budget = "{size}"\n')
    assert problems == [
        f"{PATH}: images.a.size-budget: invalid size '{size}'. Expected a size such as '800 MB' or '2.5 GB'."
    ]
    assert bytes_of(settings.images["a"].size_budget) is None


@pytest.mark.parametrize(("size", "expected"), [("", None), ("800 MB", 800_000_000), ("2.5 GB", 2_500_000_000)])
def test_a_size_is_in_bytes(size: str, expected: int | None) -> None:
    settings, problems = read(f'[images.a]\nsize-budget = "{size}"\n')
    assert (bytes_of(settings.images["a"].size_budget), problems) == (expected, [])


def test_a_syntax_error_has_its_line_number() -> None:
    settings, problems = read('[stack]\nregistry = "x\n')
    assert settings == Settings()
    assert problems[0].startswith(f"{PATH}:2: invalid TOML: ")


def test_a_version_that_cannot_be_in_a_tag_is_a_problem() -> None:
    settings, problems = read('[stack]\nversion = "2026.4-beta"\nregistry = "quay.io/x"\n[tests]\nlimits = 3\n')
    assert problems[0] == (
        f"{PATH}: stack.version: '2026.4-beta' cannot be the version in a tag. Use at most 87 letters, digits, '.' "
        "and '_', not starting with '.', for example '2026.4'."
    )
    assert problems[1].startswith(f"{PATH}: unknown key tests.limits.")
    assert (settings.stack.version, settings.stack.registry) == ("", "quay.io/x")
