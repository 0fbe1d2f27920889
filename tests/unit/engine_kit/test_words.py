import pytest

from engine.words import handed_on


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("call plan --json", "call plan --as-json"),
        ("call --source=.. plan --only a --json", "call --source=.. plan --only a --as-json"),
        ("call --json build-stack", "call --json build-stack"),
        ("call --json plan", "call --json plan"),
        ("query --json", "query --json"),
        ("", ""),
    ],
)
def test_only_plans_json_is_rewritten(words: str, expected: str) -> None:
    assert handed_on(words.split()) == expected.split()
