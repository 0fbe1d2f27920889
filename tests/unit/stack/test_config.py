import pytest

from ci.stack.config import ImageTable, Settings, StackTable, read_settings

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


@pytest.mark.parametrize("text", ["", "\ufeff", "[stack]\r\n[images]\r\n"], ids=["empty", "byte order mark", "CRLF"])
def test_everything_may_be_left_out(text: str) -> None:
    assert read(text) == (Settings(), [])


def test_all_mistakes_are_told_at_once() -> None:
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
        f"{PATH}: image is no key of this file. Did you mean 'images'?",
        f"{PATH}: stack.registri is no key of this file. Did you mean 'registry'?",
        f"{PATH}: stack.version: expected a text in quotes, got a number with a point.",
        f"{PATH}: stack.rebuild-all: expected a text in quotes, got a whole number.",
        f"{PATH}: images.base.build-args.A: expected a text in quotes, got a whole number.",
        f"{PATH}: images.base.build-args.C: expected a text in quotes, got a list.",
        f"{PATH}: images.base.enabled: expected true or false, got a text in quotes.",
        f"{PATH}: images.ml.dockerfil is no key of this file. Did you mean 'dockerfile'?",
        f"{PATH}: images.ml.build-args: expected a table, got a whole number.",
        f"{PATH}: images.ml.enabled is false without a reason. Say why in images.ml.reason; plans show it.",
        f"{PATH}: images.whole is a table: write [images.whole] above its keys.",
    ]
    assert settings.images["base"] == ImageTable()


def test_an_error_of_syntax_has_its_line() -> None:
    settings, problems = read('[stack]\nregistry = "x\n')
    assert settings == Settings()
    assert problems[0].startswith(f"{PATH}:2: this is no TOML: ")


def test_a_version_that_cannot_be_in_a_tag_is_a_problem() -> None:
    settings, problems = read('[stack]\nversion = "2026.4-beta"\nregistry = "quay.io/x"\n[tests]\nlimits = 3\n')
    assert problems[0] == (
        f"{PATH}: stack.version: '2026.4-beta' cannot be the version in a tag. Use at most 87 letters, digits, '.' "
        "and '_', not starting with '.', for example '2026.4'."
    )
    assert problems[1].startswith(f"{PATH}: tests.limits ")
    assert (settings.stack.version, settings.stack.registry) == ("", "quay.io/x")
