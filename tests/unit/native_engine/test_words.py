import pytest

from native_engine.words import handed_on


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("call plan --json", "call plan --as-json"),
        ("call --source=.. plan --only a --json", "call --source=.. plan --only a --as-json"),
        ("call history --tag t --json", "call history --tag t --as-json"),
        ("call --json build-stack", "call --json build-stack"),
        ("call --json plan", "call --json plan"),
        ("query --json", "query --json"),
        ("", ""),
    ],
)
def test_json_is_rewritten_where_a_function_has_its_own(words: str, expected: str) -> None:
    assert handed_on(words.split()) == expected.split()
