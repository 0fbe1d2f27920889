import pytest

from ci.errors import RequestError
from ci.publish.tags import stable_tag


@pytest.mark.parametrize(
    ("tag", "stable"),
    [
        ("2023.2-a1239a", "2023.2-stable"),
        ("2026.4-a1239ab", "2026.4-stable"),
        ("2026.10-a1239ab", "2026.10-stable"),
        (f"2026.1-{'0' * 40}", "2026.1-stable"),
    ],
)
def test_a_tag_tells_its_stable_tag(tag: str, stable: str) -> None:
    assert stable_tag(tag) == stable


@pytest.mark.parametrize(
    "tag",
    [
        "", "stable", "2026.4-stable", "2026.4", "2026.4-", "2026.4-a1239", f"2026.4-{'0' * 41}", "2026.4-A1239AB",
        "2026.4-a1239ag", "26.4-a1239ab", "2026-a1239ab", "2026.100-a1239ab", "2026.4_a1239ab", "2026.4-a1239ab ",
        "2026.4-a1239ab\n", "x2026.4-a1239ab", "2026.4-a1239ab-dirty", "\u0662026.4-a1239ab", "latest",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(tag: str) -> None:
    with pytest.raises(RequestError, match=r"For example 2023\.2-a1239a becomes 2023\.2-stable"):
        stable_tag(tag)
