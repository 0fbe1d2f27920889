import pytest

from ci.errors import RequestError
from ci.oci.reference import Repository
from ci.stack.stack_tag import StackTag, version_problem

LONGEST = "v" * 87


@pytest.mark.parametrize(
    ("text", "version", "commit", "stable"),
    [
        ("2023.2-a1239a", "2023.2", "a1239a", "2023.2-stable"),
        ("2026.4-a1239ab", "2026.4", "a1239ab", "2026.4-stable"),
        (f"2026.1-{'0' * 40}", "2026.1", "0" * 40, "2026.1-stable"),
        ("fall26-a1239ab", "fall26", "a1239ab", "fall26-stable"),
        ("_X.-a1239ab", "_X.", "a1239ab", "_X.-stable"),
        (f"{LONGEST}-{'0' * 40}", LONGEST, "0" * 40, f"{LONGEST}-stable"),
    ],
)
def test_a_tag_is_version_and_commit(text: str, version: str, commit: str, stable: str) -> None:
    tag = StackTag.parse(text)
    assert tag == StackTag(version=version, commit=commit)
    assert (str(tag), tag.stable) == (text, stable)


@pytest.mark.parametrize(
    "text",
    [
        "", "stable", "2026.4-stable", "2026.4", "2026.4-", "2026.4-a1239", f"2026.4-{'0' * 41}", "2026.4-A1239AB",
        "2026.4-a1239ag", "2026.4_a1239ab", "2026.4-a1239ab ", "2026.4-a1239ab\n", "2026.4-a1239ab-dirty", "-a1239ab",
        "2026-4-a1239ab", ".4-a1239ab", "\u0662026.4-a1239ab", "latest", f"{LONGEST}v-a1239ab",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RequestError, match=r"is not a stack tag\. Expected VERSION-COMMIT, .* 2026\.4-a1239ab\."):
        StackTag.parse(text)


def test_a_stack_is_published_under_seven_digits_of_its_commit() -> None:
    assert str(StackTag.of_commit("2026.4", "a1239ab" + "0" * 33)) == "2026.4-a1239ab"


@pytest.mark.parametrize("version", ["2026.4", "fall26", "A_b.c", LONGEST])
def test_what_is_published_can_be_promoted_and_has_a_history(version: str) -> None:
    assert version_problem(version) == ""
    tag = StackTag.of_commit(version, "a" * 40)
    assert StackTag.parse(str(tag)) == tag
    repository = Repository.parse("registry.test/base")
    for text in (str(tag), f"{tag.stable}.history", f"{version}-{'a' * 40}"):
        assert repository.tagged(text).tag == text


@pytest.mark.parametrize("version", ["", "2026.4-beta", "feature/x", "2026 4", "-x", ".x", "ä", "1\n", f"{LONGEST}v"])
def test_a_version_that_cannot_be_in_a_tag_is_refused(version: str) -> None:
    assert "cannot be the version in a tag. Use at most 87 letters" in version_problem(version)
    with pytest.raises(RequestError, match=r"Invalid stack tag .*for example '2026\.4'"):
        StackTag(version=version, commit="a1239ab")


@pytest.mark.parametrize("commit", ["", "stable", "a1239", "A1239AB", "a" * 41])
def test_a_commit_that_cannot_be_in_a_tag_is_refused(commit: str) -> None:
    with pytest.raises(RequestError, match="is not a commit of 6 to 40 lower-case hexadecimal digits"):
        StackTag(version="2026.4", commit=commit)
