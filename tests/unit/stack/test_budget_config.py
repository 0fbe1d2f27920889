import pytest

from ci.errors import SpecError
from ci.stack.budget_config import Budget, BudgetTable, Reaction
from ci.stack.config import read_settings
from ci.stack.quantities import hundredths
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

PATH = "images/stack.toml"


def read(text: str) -> tuple[BudgetTable | None, list[str]]:
    problems: list[str] = []
    return read_settings(text, PATH, problems).budget, [problem.removeprefix(f"{PATH}: ") for problem in problems]


def stack_of(text: str) -> Budget | None:
    files = {"images/base/Dockerfile": "FROM debian:12\n", "images/ml/Dockerfile": "FROM base\n", PATH: text}
    return read_stack(MemoryTree(files)).budget


def test_without_the_table_there_is_no_budget() -> None:
    assert read("") == (None, [])
    assert stack_of("") is None


def test_every_key_is_optional() -> None:
    assert stack_of("[budget]\n") == Budget(
        against="", grow=1000, warn=500, floor=100_000_000, removed=Reaction.WARN, lower=Reaction.WARN
    )


def test_every_key_is_read() -> None:
    budget = stack_of(
        """
        [budget]
        against = "2026.3-stable"
        grow = "12.5 %"
        warn = "0.25%"
        floor = "2.5 GB"
        removed = "red"
        lower = "ok"
        [images.ml]
        grow = "25 %"
        """
    )
    assert budget == Budget(
        against="2026.3-stable", grow=1250, warn=25, floor=2_500_000_000, removed=Reaction.RED, lower=Reaction.OK,
        images={"ml": 2500},
    )  # fmt: skip
    assert (budget.grow_of("ml"), budget.grow_of("base")) == (2500, 1250)


def test_all_mistakes_are_listed_at_once() -> None:
    table, problems = read(
        """
        [budget]
        against = "a b"
        grow = "ten"
        warn = 5
        floor = "100MB"
        removed = "yellow"
        lowr = "ok"
        [images.base]
        grow = "10"
        """
    )
    assert table is None
    assert problems == [
        "unknown key budget.lowr. Did you mean 'lower'?",
        "budget.warn: expected a quoted string, got an integer.",
        "budget.removed: Invalid enum value 'yellow'.",
        "budget.grow: invalid percentage 'ten'. Expected one such as '10 %' or '2.5 %', with at most two decimals.",
        "budget.floor: invalid size '100MB'. Expected a size such as '800 MB' or '2.5 GB'.",
        "budget.against: 'a b' cannot be a tag. Expected one such as '2026.4-stable'.",
        "images.base.grow: invalid percentage '10'. Expected one such as '10 %' or '2.5 %', with at most two decimals.",
    ]


@pytest.mark.parametrize("text", ['grow = "5 %"\nwarn = "10 %"', 'warn = "20 %"', 'grow = "4.99 %"'])
def test_a_warning_after_the_limit_is_a_mistake(text: str) -> None:
    table, (problem,) = read(f"[budget]\n{text}\n")
    assert table is None
    assert problem.startswith("budget.warn: ")
    assert problem.endswith("nothing would ever be warned of.")


def test_an_images_own_limit_needs_a_budget() -> None:
    with pytest.raises(SpecError, match=r"images\.ml\.grow has no effect without a budget: add the table \[budget\]"):
        stack_of('[images.ml]\ngrow = "25 %"\n')


@pytest.mark.parametrize("empty", ["grow", "warn", "floor"])
def test_an_empty_value_is_a_mistake(empty: str) -> None:
    table, problems = read(f'[budget]\n{empty} = ""\n')
    assert table is None
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("text", "expected"), [("10 %", 1000), ("2.5%", 250), ("0.07 %", 7), ("100.10 %", 10010), ("0 %", 0)]
)
def test_percentages_are_exact(text: str, expected: int) -> None:
    assert hundredths(text) == expected


@pytest.mark.parametrize("text", ["", "10", "-1 %", "1.234 %", "1,5 %", "% 1", "1e2 %"])
def test_anything_else_is_no_percentage(text: str) -> None:
    with pytest.raises(ValueError, match="percentage"):
        hundredths(text)
