"""Which call of a fleet gets which words."""

import ast
from pathlib import Path

import pytest

from native_engine.errors import EngineError
from native_engine.fleet_words import CONSTRUCTOR, ROUTES, Function, read_words

CI = Path(__file__).parents[3] / "ci"
ON = ("--on", "tcp://a:1", "--on=tcp://b:1")
OF_A_CALL = {"machines", "shares", "share", "kept"}
"""What the fleet itself gives to a function."""


def options_of(file: str, function: str) -> set[str]:
    """Return the options of a Dagger function, as the command line spells them."""
    for node in ast.walk(ast.parse((CI / file).read_text())):
        if isinstance(node, ast.AsyncFunctionDef) and node.name == function.replace("-", "_"):
            return {one.arg.replace("_", "-") for one in node.args.args} - {"self"}
    raise AssertionError(function)


@pytest.mark.parametrize("function", Function)
def test_a_function_gets_all_options_that_it_has(function: Function) -> None:
    routed = {name for name, functions in ROUTES.items() if function in functions}
    assert routed == options_of("sharing_functions.py", function) - OF_A_CALL


def test_what_a_fleet_does_not_take_of_build_report() -> None:
    """The options of parts of a stack, and those without which nothing is published."""
    assert options_of("module.py", "build-report") - {*ROUTES} == {"only", "retest", "publish", "describe"}


def test_the_options_of_the_module() -> None:
    tree = ast.parse((CI / "module.py").read_text())
    (module,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Datahub")
    fields = {ast.unparse(node.target) for node in module.body if isinstance(node, ast.AnnAssign)}
    assert fields == {*CONSTRUCTOR}


def test_each_call_gets_its_own_words_in_their_order() -> None:
    words = read_words(
        [
            *ON,
            *("-m", "github.com/o/r@v1", "--source=.", "build-report", "--publish", "--refresh", "--jobs", "3"),
            *("--build-arg", "A=1", "--build-arg=B=--x", "--accept-growth", "a reason", "-o", "out"),
            *("--registry-password", "env:P"),
        ]
    )
    common = ["--build-arg=A=1", "--build-arg=B=--x"]
    start = ["--mod=github.com/o/r@v1", "call", "--source=."]
    login = "--registry-password=env:P"
    assert words.call(Function.DIVIDE, "-o", "x") == [*start, "divide", "--refresh", *common, login, "-o", "x"]
    assert words.call(Function.SHARE) == [*start, "build-share", "--jobs=3", *common, login]
    assert words.call(Function.GATHER) == [*start, "gather", *common, "--accept-growth=a reason", login]
    assert (words.engines, words.machines, words.output) == (("tcp://a:1", "tcp://b:1"), 2, Path("out"))


def test_fewer_machines_than_engines() -> None:
    assert read_words([*ON, "--machines=1"]).machines == 1


@pytest.mark.parametrize(
    ("words", "problems"),
    [
        pytest.param([], ["--on is missing: give the address of each engine"], id="no engine"),
        pytest.param([*ON, "--on", "tcp://a:1"], ["--on tcp://a:1 is there 2 times"], id="the same address"),
        pytest.param([*ON, "--machines", "0"], ["--machines=0: give how many"], id="no machine"),
        pytest.param([*ON, "--registry"], ["--registry needs a value"], id="no value"),
        pytest.param(
            [*ON, "--publish=false"], ["--publish=false: a fleet shares images by the registry"], id="no push"
        ),
        pytest.param([*ON, "--refresh=no"], ["--refresh=no: --refresh takes no value but"], id="flag"),
        pytest.param(
            [*ON, "--only", "r", "--dry"],
            ["Not known here: --only, r, --dry. A fleet publishes a whole stack, and takes --on, ", "--registry."],
            id="unknown words",
        ),
        pytest.param(
            ["--registry-password", "tell-nobody", "--build-secret=tell-nobody"],
            ["--on is missing", "--registry-password takes no text", "--build-secret takes no text"],
            id="secrets, and all problems at once",
        ),
    ],
)
def test_what_is_refused(words: list[str], problems: list[str]) -> None:
    with pytest.raises(EngineError) as caught:
        read_words(words)
    for problem in problems:
        assert problem in str(caught.value) or problem.removesuffix(".") in str(caught.value)
    assert "tell-nobody" not in str(caught.value)
