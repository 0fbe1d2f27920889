import pytest

from ci.retention.tag_kinds import TagKind, read_tag_name, subject_of


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("k-0123456789abcdef", TagKind.CACHE),
        ("k-0123456789abcde", TagKind.OTHER),
        ("k-mine", TagKind.OTHER),
        (f"s-{'0' * 64}", TagKind.STAGING),
        (f"s-{'0' * 63}", TagKind.OTHER),
        (f"sha256-{'0' * 64}", TagKind.REFERRERS),
        (f"sha256-{'0' * 64}.sig", TagKind.OTHER),
        ("2026.4-stable", TagKind.STABLE),
        ("gpu-2026.4-stable", TagKind.STABLE),
        ("2026.4-stable.history", TagKind.HISTORY),
        ("gpu-2026.4-stable.history", TagKind.HISTORY),
        ("2026.4.stacks", TagKind.STACK_LIST),
        ("2026.4-a1239ab", TagKind.STACK),
        ("gpu-2026.4-a1239ab", TagKind.STACK),
        ("arm-2026.4-a1239ab", TagKind.OTHER),
        ("epoch", TagKind.OTHER),
        ("epoch.begun", TagKind.OTHER),
        ("latest", TagKind.OTHER),
    ],
)
def test_a_tag_is_for_what_its_name_says(tag: str, kind: TagKind) -> None:
    assert read_tag_name(tag, ["", "gpu-"]).kind is kind


def test_the_tag_of_a_stack_is_without_the_prefix_of_the_image() -> None:
    assert str(read_tag_name("gpu-2026.4-a1239ab", ["", "gpu-"]).stack) == "2026.4-a1239ab"


def test_the_tag_of_a_list_has_the_digest_of_its_subject() -> None:
    assert subject_of(f"sha256-{'0' * 64}") == f"sha256:{'0' * 64}"
