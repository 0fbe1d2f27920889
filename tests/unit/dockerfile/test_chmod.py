import pytest

from ci.dockerfile.chmod import is_octal, octal


@pytest.mark.parametrize(
    ("symbolic", "expected"),
    [
        ("u=rwx,go=rx", "0755"),
        ("a=r", "0444"),
        ("ugo=rwx", "0777"),
        ("u=rw,g=r,o=", "0640"),
        ("a=,u+rwx", "0700"),
        ("a=rwx,go-w", "0755"),
        ("a=r+x-r", "0111"),
        ("u=rr,go=xx", "0411"),
        ("a+x", None),
        ("u=rwx", None),
        ("u=rwx,go+r", None),
        ("u=rwx,g=u,o=", None),
        ("a=rX", None),
        ("a=rwxs", None),
        ("=rwx", None),
        ("0755", None),
        ("", None),
    ],
)
def test_symbolic_modes(symbolic: str, expected: str | None) -> None:
    assert octal(symbolic) == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("755", True), ("0755", True), ("000644", True), ("4755", True), ("17777", False), ("888", False), ("", False)],
)
def test_octal_modes(mode: str, expected: bool) -> None:  # noqa: FBT001
    assert is_octal(mode) is expected
