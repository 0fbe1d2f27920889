import pytest

from ci.stack.config import read_settings
from ci.stack.reader import read_stack
from ci.stack.wiki_config import WikiSettings
from tests.unit.trees import MemoryTree

PATH = "images/stack.toml"
URL = "https://github.com/ucsd-ets/stack.wiki.git"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", WikiSettings()),
        (f'[wiki]\nurl = "{URL}"\npublished = 0\n', WikiSettings(url=URL, published=0)),
        ("[wiki]\npublished = 50\n", WikiSettings(published=50)),
    ],
)
def test_what_is_read(text: str, expected: WikiSettings) -> None:
    assert read_stack(MemoryTree({"images/base/Dockerfile": "FROM debian:12\n", PATH: text})).wiki == expected


@pytest.mark.parametrize("line", ["published = -1", "published = 51", 'published = "20"', "url = 1", "pages = 3"])
def test_what_is_wrong_is_named(line: str) -> None:
    problems: list[str] = []
    read_settings(f"[wiki]\n{line}\n", PATH, problems)
    (problem,) = problems
    assert problem.startswith(f"{PATH}:")
    assert "wiki" in problem
    assert line.partition(" ")[0] in problem
