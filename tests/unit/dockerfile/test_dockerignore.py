import posixpath

import pytest

from ci.dockerfile.dockerignore import IgnorePatterns, pattern_faults, read_ignore


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        pytest.param("a\nb/*.c\n", ("a", "b/*.c"), id="as they are"),
        pytest.param("# a\n\n  b  \n", ("b",), id="comments, blank lines and blanks"),
        pytest.param("  # a\n", ("# a",), id="an indented # begins a name"),
        pytest.param("/a\n//b\n./c/../d/\n", ("a", "b", "d"), id="paths are normalized"),
        pytest.param("*\n!keep\n! /and/this\n", ("*", "!keep", "!and/this"), id="exceptions"),
        pytest.param("a\r\nb\r\n", ("a", "b"), id="CRLF"),
        pytest.param("\ufeffa\n", ("a",), id="byte order mark"),
        pytest.param("/\n", ("/",), id="the root alone"),
        pytest.param("/ a\n", ("a",), id="a blank after a slash"),
        pytest.param("", (), id="empty"),
    ],
)
def test_patterns_are_read_as_docker_reads_them(text: str, patterns: tuple[str, ...]) -> None:
    problems: list[str] = []
    assert read_ignore(text, ".dockerignore", problems) == patterns
    assert problems == []


def test_all_invalid_patterns_are_listed_at_once() -> None:
    problems: list[str] = []
    read_ignore("ok\n!\n!/\n[a\n", "images/a/.dockerignore", problems)
    invalid = (
        "invalid pattern '[a'. Separate folders with /, put a backslash only before a special character such as * "
        "or [, and only single characters and ranges between [ and ]."
    )
    no_effect = "a line with only ! has no effect. Remove it."
    assert problems == [
        f"images/a/.dockerignore:2: {no_effect}",
        f"images/a/.dockerignore:3: {no_effect}",
        f"images/a/.dockerignore:4: {invalid}",
    ]


# Each was compared with the results of moby/patternmatcher 0.6.1.
@pytest.mark.parametrize(
    ("patterns", "ignored", "kept"),
    [
        pytest.param("a", "a a/b", "b b/a ab", id="a name is one at the root"),
        pytest.param("a/b", "a/b a/b/c", "b c/a/b", id="so is a path"),
        pytest.param("*", "a a/b .h", "", id="everything"),
        pytest.param("*.py", "x.py .py x.py/y", "a/x.py x.pyc", id="one folder deep"),
        pytest.param("*/x", "a/x a/x/b", "x a/b/x", id="a star for one folder"),
        pytest.param("**/x", "x a/x a/b/x a/x/b", "ax", id="two for any number of them"),
        pytest.param("**/*.py", "x.py a/b/x.py", "x.pyc", id="of any number, none too"),
        pytest.param("a/**", "a/b a/b/c", "a", id="what is in a folder"),
        pytest.param("a/**/x", "a/x a/b/x a/b/c/x", "a/bx", id="between folders"),
        pytest.param("**", "a a/b", "", id="all of it"),
        pytest.param("**.py", "x.py a/x.py", "x.pyc", id="two stars as a beginning"),
        pytest.param("**a*", "ab c/ab", "ba", id="which mean something else beside a wildcard"),
        pytest.param("a**", "a ab a/b abc/d", "b", id="two stars as an end"),
        pytest.param("a**b", "ab a/b", "axb", id="and in the middle"),
        pytest.param("**/**", "a a/b", "", id="four of them"),
        pytest.param("?.c", "a.c é.c", "ab.c .c", id="a question mark"),
        pytest.param("a?b", "axb", "a/b", id="which does not match a slash"),
        pytest.param("[a-c]x", "ax cx", "dx x", id="a range"),
        pytest.param("[^a-c]x", "dx", "ax", id="what is not in a range"),
        pytest.param("[!a]x", "ax !x", "bx", id="where ! means itself"),
        pytest.param("[.+]x [(]y", ".x +x (y", "ax", id="special characters of regular expressions in a range"),
        pytest.param(r"a\*b", "a*b", "ab axb", id="an escaped star"),
        pytest.param(r"[\]\-]x", "]x -x", "ax", id="escapes in a range"),
        pytest.param("a.b+(c)|{$}", "a.b+(c)|{$}", "axb+(c)|{$}", id="not a regular expression"),
        pytest.param("a]b", "a]b", "ab", id="a closing bracket alone"),
        pytest.param("^a", "^a", "a", id="a caret"),
        pytest.param("?^b", "", "a^b", id="which matches nothing beside a wildcard"),
        pytest.param("* !a", "b b/a", "a a/b", id="all but a folder"),
        pytest.param("a !a/b/c", "a/x a/b a/b/x", "a/b/c a/b/c/d", id="an exception below a folder"),
        pytest.param("**/x !a/**/x", "x b/x", "a/x a/b/x", id="an exception with stars"),
        pytest.param("!a a", "a a/b", "", id="the last one decides"),
        pytest.param("a !a/b a/b/c", "a/b/c a/x", "a/b a/b/d", id="an exception of an exception"),
        pytest.param("**/secret !a", "a/secret b/secret", "a a/b", id="an exception of a folder that is not ignored"),
        pytest.param("*.md !README*.md README-s*.md", "x.md README-s.md", "README.md README-x.md", id="three steps"),
        pytest.param(".", "", "a", id="the root matches nothing"),
        pytest.param("/", "", "a", id="nor does a slash"),
        pytest.param("", "", "a", id="no patterns"),
    ],
)  # fmt: skip
def test_patterns_match_as_in_the_engine(patterns: str, ignored: str, kept: str) -> None:
    rules = IgnorePatterns(patterns.split())
    paths = {*ignored.split(), *kept.split()}
    assert {path for path in paths if rules.match(path)} == {*ignored.split()}


def test_blanks_and_line_breaks_in_names_match_as_other_characters() -> None:
    rules = IgnorePatterns(["a *", "b?c"])
    assert [path for path in ("a b", "a", "b\nc", "a \n") if rules.match(path)] == ["a b", "b\nc", "a \n"]


def test_the_order_of_calls_does_not_matter() -> None:
    patterns = ["**/b", "!a", "a/b/c*", "!a/b/c2"]
    paths = ["a/b/c2/d", "a/b/c1", "a/b", "a", "x/b/a", "x"]
    one_by_one = [IgnorePatterns(patterns).match(path) for path in paths]
    rules = IgnorePatterns(patterns)
    assert [rules.match(path) for path in paths] == one_by_one
    assert [rules.match(path) for path in reversed(paths)] == one_by_one[::-1]


@pytest.mark.parametrize(
    "pattern",
    [
        "[", "[]", "[a", "[^]", "[]a]", "[-]", "[a-]", "[c-a]", "a\\", "a\\b", "\\d", "[\\d]", "[*]", "[?]",
        "[[:alpha:]]", "[[]", "![a", "\\é",
    ],
)  # fmt: skip
def test_a_pattern_that_docker_rejects_or_interprets_otherwise_is_a_problem(pattern: str) -> None:
    (fault,) = pattern_faults(pattern)
    assert fault.startswith(f"invalid pattern {pattern!r}.")


@pytest.mark.parametrize("pattern", ["a", "!a", "**/[a-z]*?", "\\!a", "[\\[]", "a b", "é", posixpath.join("a", "..")])
def test_valid_patterns_are_no_problem(pattern: str) -> None:
    assert list(pattern_faults(pattern)) == []
