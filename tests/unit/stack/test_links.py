import pytest

from ci.stack.links import Outside, resolve

LINKS = {
    "a": "b/c",
    "b/up": "../a",
    "b/twice": "up",
    "folder": "b",
    "self": "self",
    "one": "two",
    "two": "./one",
    "b/out": "../../x",
    "b/etc": "/etc",
    "via": "folder/out",
    "root": "b/..",
    "back": "../tree/a",
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("plain/file", "plain/file"),
        ("a", "b/c"),
        ("b/up", "b/c"),
        ("b/twice", "b/c"),
        ("folder/up", "b/c"),
        ("folder/c", "b/c"),
        ("a/more", "b/c/more"),
        ("root", ""),
        ("root/a", "b/c"),
        ("self", None),
        ("one", None),
        ("b/out", Outside("b/out", "../../x")),
        ("b/etc", Outside("b/etc", "/etc")),
        ("folder/etc/passwd", Outside("b/etc", "/etc")),
        ("via", Outside("b/out", "../../x")),
        ("back", Outside("back", "../tree/a")),
    ],
)
def test_where_a_path_leads(path: str, found: str | Outside | None) -> None:
    assert resolve(path, LINKS) == found
