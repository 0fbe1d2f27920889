import dockerfile  # type: ignore[import-not-found]  # compiled, and published without types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci.dockerfile.lexer import complete, join, split
from ci.dockerfile.parser import parse_instructions


@pytest.mark.parametrize(
    ("raw", "text", "height"),
    [
        pytest.param("RUN a", "RUN a", 1, id="one line"),
        pytest.param("  RUN a  ", "RUN a  ", 1, id="indented"),
        pytest.param("RUN a \\\n  b", "RUN a   b", 2, id="continued"),
        pytest.param("RUN a \\\n# why\n\n  # and\n b", "RUN a  b", 5, id="comments and blank lines between"),
        pytest.param("RUN a \\  \n b", "RUN a  b", 2, id="blanks after the backslash"),
        pytest.param("RUN a \\\r\n b\r", "RUN a  b", 2, id="CRLF"),
        pytest.param("RUN a\\\\\nb", "RUN a\\\\", 1, id="two backslashes end the line"),
        pytest.param("RUN <<EOF\n# kept\nEOF", "RUN <<EOF", 1, id="the body of a heredoc is not joined"),
        pytest.param("RUN a \\", "RUN a ", 1, id="the file ends in a continuation"),
        pytest.param("\\\nRUN a", "RUN a", 2, id="a backslash alone comes first"),
    ],
)
def test_lines_are_joined(raw: str, text: str, height: int) -> None:
    line = join(raw)
    assert (line.text, line.height) == (text, height)
    assert "".join(raw[offset] for offset in line.offsets) == text


@pytest.mark.parametrize(
    ("raw", "is_complete"),
    [
        pytest.param("RUN a", True, id="one line"),
        pytest.param("RUN a \\", False, id="continued into nothing"),
        pytest.param("RUN a \\\n# only a comment\n", False, id="continued into a comment"),
        pytest.param("RUN a \\\nb", True, id="continued and completed"),
    ],
)
def test_an_instruction_that_the_file_cuts_off_is_incomplete(raw: str, *, is_complete: bool) -> None:
    assert join(raw).is_complete is is_complete
    assert join(complete(raw)).is_complete


@pytest.mark.parametrize(
    ("text", "keyword", "flags", "rest"),
    [
        pytest.param("RUN a  b ", "RUN", [], "a  b", id="no flag"),
        pytest.param("COPY --from=x --link a b", "COPY", ["--from=x", "--link"], "a b", id="flags"),
        pytest.param("RUN a --b", "RUN", [], "a --b", id="what follows the first word is no flag"),
        pytest.param("RUN -- a", "RUN", [], "a", id="the end of flags"),
        pytest.param('COPY --chown="a b" x y', "COPY", ["--chown=a b"], "x y", id="quoted blanks"),
        pytest.param(r"COPY --chown=a\ b x y", "COPY", ["--chown=a b"], "x y", id="escaped blanks"),
        pytest.param("FROM", "FROM", [], "", id="nothing more"),
        pytest.param("RUN --network=none", "RUN", ["--network=none"], "", id="a flag and nothing more"),
    ],
)
def test_a_line_is_split(text: str, keyword: str, flags: list[str], rest: str) -> None:
    found = split(text)
    assert (found.keyword.text, [flag.text for flag in found.flags], found.rest.text) == (keyword, flags, rest)
    assert text[found.rest.start : found.rest.end] == rest


def test_words_are_split_at_blanks_even_within_quotes() -> None:
    assert [word.text for word in split('COPY a "b c" d').words] == ["a", '"b', 'c"', "d"]


def test_pairs_are_split_at_blanks_outside_quotes() -> None:
    found = split(r"""ARG A=1 B="two words" C='it is' D=a\ b E='\' F="\" " G""")
    pairs = ["A=1", 'B="two words"', "C='it is'", r"D=a\ b", r"E='\'", r'F="\" "', "G"]
    assert [word.text for word in found.quoted_words] == pairs


def test_tokens_are_replaced_in_place() -> None:
    line = join("COPY --from=a \\\n  # why\n  x   y /z")
    found = split(line.text)
    x, y, _ = found.words
    changed = line.replace([(found.flags[0], "--from=b"), (y, "longer/y"), (x, "")])
    assert changed == "COPY --from=b \\\n  # why\n     longer/y /z"


def test_a_token_on_several_lines_is_replaced_as_a_whole() -> None:
    line = join("COPY --fr\\\nom=a x y")
    (flag,) = split(line.text).flags
    assert line.replace([(flag, "--from=b")]) == "COPY --from=b x y"


def test_an_instruction_is_shown_on_one_line_without_its_indentation() -> None:
    line = join("RUN apt-get update \\\n      # why\n   && echo 'a  b' \\\n\n  c")
    assert line.as_one_line == "RUN apt-get update && echo 'a  b' c"


PIECES = st.sampled_from(
    [
        "--a=b",
        "--c",
        "x",
        "'y z'",
        '"q r"',
        "\\",
        "\\\n",
        "\n# note\n",
        " ",
        "\t",
        "=",
        "é",
        "$V",
        "--",
        "\r\n",
        '"',
        "'",
    ]
)


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_instructions_are_lexed_as_by_the_official_parser(tail: str) -> None:
    text = f"RUN a\nCOPY {tail}\nRUN b\n"
    try:
        instructions = parse_instructions(text, "Dockerfile")
    except Exception:  # noqa: BLE001  # what the parser rejects is never lexed
        return
    for instruction, command in zip(instructions, dockerfile.parse_string(text), strict=True):
        assert instruction.logical_line.text == command.original
        if command.original.isascii():  # the parser takes the bytes of flags for characters
            assert tuple(flag.text for flag in instruction.tokens.flags) == instruction.flags
            if instruction.keyword == "COPY" and not instruction.json:
                assert tuple(word.text for word in instruction.tokens.words) == instruction.words
