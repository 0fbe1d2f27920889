from itertools import pairwise

import pytest

from ci.stack.graph import cycles, ordered


@pytest.mark.parametrize(
    ("needs", "found"),
    [
        pytest.param({"a": (), "b": ("a",), "c": ("a", "b")}, [], id="none"),
        pytest.param({"a": ("b",), "b": ("a",)}, ["a -> b -> a"], id="two"),
        pytest.param({"a": ("a",)}, ["a -> a"], id="itself"),
        pytest.param({"a": ("b",), "b": ("c",), "c": ("b",)}, ["b -> c -> b"], id="without those that only lead to it"),
        pytest.param(
            {"a": ("b", "c"), "b": ("c",), "c": ("a",)}, ["a -> c -> a", "b -> c -> a -> b"], id="short ones first"
        ),
        pytest.param({"a": ("b",), "b": ("a",), "c": ("d",), "d": ("c",)}, ["a -> b -> a", "c -> d -> c"], id="each"),
    ],
)
def test_each_cycle_is_shown_as_a_path(needs: dict[str, tuple[str, ...]], found: list[str]) -> None:
    assert list(cycles(needs)) == found


def test_dependencies_come_first_otherwise_by_name() -> None:
    assert ordered({"z": (), "b": ("z",), "a": (), "c": ("b", "a")}) == ("a", "z", "b", "c")


def test_a_chain_may_be_of_any_length() -> None:
    """Deeper than the recursion limit; and no search from every image, which took a minute."""
    names = [f"i{number:04}" for number in range(3000)]
    needs = {name: (needed,) for name, needed in pairwise(names)} | {names[-1]: ()}
    assert list(cycles(needs)) == []
    assert ordered(needs) == tuple(reversed(names))
