import pytest

from ci.oci.reference import is_image_name, is_reference, repository_name

DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("base", "base"),
        ("base:latest", "base"),
        ("ucsdets/base:2026.4-stable", "base"),
        ("localhost:5000/base", "base"),
        (f"localhost:5000/a/b/base:tag@{DIGEST}", "base"),
        (f"base@{DIGEST}", "base"),
        ("ghcr.io/org/base-notebook:v1", "base-notebook"),
        ("[::1]:5000/base", "base"),
    ],
)
def test_the_last_part_of_the_repository_is_the_name(reference: str, name: str) -> None:
    assert repository_name(reference) == name
    assert is_reference(reference)


@pytest.mark.parametrize("text", ["", ":tag", "/base", "Base", "base:", "a//b", "base:tag:tag", "a b", "$X", "base@x"])
def test_what_no_registry_could_answer_is_no_reference(text: str) -> None:
    assert not is_reference(text)


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("base-notebook", True), ("a.b_c__d---e", True), ("3d", True), ("cuda12", True),
        ("Base", False), ("-a", False), ("a-", False), ("a..b", False), ("a___b", False), ("a b", False),
    ],
)  # fmt: skip
def test_names_of_images(name: str, *, valid: bool) -> None:
    assert is_image_name(name) is valid
