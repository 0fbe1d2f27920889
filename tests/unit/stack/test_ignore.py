import pytest

from ci.stack.ignore import read_ignore


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        pytest.param("a\nb/*.c\n", ("a", "b/*.c"), id="as they are"),
        pytest.param("# a\n\n  b  \n", ("b",), id="comments, blank lines and blanks"),
        pytest.param("  # a\n", ("# a",), id="an indented # begins a name"),
        pytest.param("/a\n//b\n./c/../d/\n", ("a", "b", "d"), id="paths are tidied"),
        pytest.param("*\n!keep\n! /and/this\n", ("*", "!keep", "!and/this"), id="exceptions"),
        pytest.param("a\r\nb\r\n", ("a", "b"), id="CRLF"),
        pytest.param("\ufeffa\n", ("a",), id="byte order mark"),
        pytest.param("/\n", ("/",), id="the root alone"),
        pytest.param("!\n", ("!",), id="an exception of nothing is handed on"),
        pytest.param("", (), id="empty"),
    ],
)
def test_patterns_are_read_as_docker_reads_them(text: str, patterns: tuple[str, ...]) -> None:
    assert read_ignore(text) == patterns
