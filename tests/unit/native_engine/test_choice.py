from collections.abc import Callable

import pytest

from native_engine.choice import Cli, CliFacts, Engine, choose_cli, choose_engine, version_in


def never() -> bool:
    raise AssertionError("asked although the answer does not matter")


def test_a_named_engine_wins_without_a_look_at_the_container_runtime() -> None:
    assert choose_engine("unix:///somewhere.sock", never) is Engine.NAMED


@pytest.mark.parametrize(("answers", "chosen"), [(True, Engine.RUNTIME), (False, Engine.NATIVE)])
def test_a_container_runtime_that_answers_comes_before_the_native_engine(answers: bool, chosen: Engine) -> None:  # noqa: FBT001
    assert choose_engine("", lambda: answers) is chosen


def saying(version: str) -> Callable[[str], str]:
    return lambda _command: version


@pytest.mark.parametrize(
    ("engine", "facts", "chosen"),
    [
        pytest.param(
            Engine.NATIVE, CliFacts("/my/dagger", "/bin/dagger", saying("1"), kit_built=True), Cli.NAMED, id="named"
        ),
        pytest.param(
            Engine.NATIVE, CliFacts("", "/bin/dagger", saying("1"), kit_built=True), Cli.KIT, id="native takes its own"
        ),
        pytest.param(
            Engine.RUNTIME,
            CliFacts("", "/bin/dagger", saying("1"), kit_built=True),
            Cli.PATH,
            id="right version on PATH",
        ),
        pytest.param(
            Engine.RUNTIME,
            CliFacts("", "/bin/dagger", saying("2"), kit_built=True),
            Cli.KIT,
            id="wrong version on PATH",
        ),
        pytest.param(
            Engine.RUNTIME,
            CliFacts("", "/bin/dagger", saying("2"), kit_built=False),
            Cli.FETCHED,
            id="wrong and not built",
        ),
        pytest.param(Engine.NAMED, CliFacts("", None, saying("1"), kit_built=False), Cli.FETCHED, id="none anywhere"),
    ],
)
def test_the_command_comes_from_the_first_place_that_has_the_pinned_version(
    engine: Engine, facts: CliFacts, chosen: Cli
) -> None:
    assert choose_cli(engine, facts, "1") is chosen


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("dagger v0.21.8 (image://registry.dagger.io/engine:v0.21.8) linux/amd64\n", "0.21.8"),
        ("usage: dagger COMMAND", ""),
        ("dagger", ""),
        ("", ""),
    ],
)
def test_the_version_is_read_from_what_the_command_prints(answer: str, version: str) -> None:
    assert version_in(answer) == version
