import pytest

from ci.dockerfile.parser import Dockerfile, onbuild_instructions, parse_dockerfile
from ci.errors import SpecError

PATH = "images/a/Dockerfile"
BACKSLASH = "Remove the directive and continue lines with a backslash."
BUILT_IN = "Remove the directive, or use docker/dockerfile, the built-in syntax."


def parse(text: str) -> Dockerfile:
    return parse_dockerfile(text, PATH)


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(SpecError) as error:
        parse(text)
    return error.value.problems


def test_instructions_know_their_lines_and_their_text() -> None:
    parsed = parse("# about\nARG A=1\n\nfrom x as Builder\nRUN a \\\n  # why\n  && b\nCOPY <<EOF /c\nd\nEOF\n")
    assert [(one.keyword, one.line, one.end) for one in parsed.instructions] == [
        ("ARG", 2, 2),
        ("FROM", 4, 4),
        ("RUN", 5, 7),
        ("COPY", 8, 10),
    ]
    run, copy = parsed.stages[0].body
    assert run.raw == "RUN a \\\n  # why\n  && b"
    assert run.location == f"{PATH}:5"
    assert copy.heredocs == ("d\n",)


def test_stages_have_names_in_lower_case() -> None:
    parsed = parse("FROM a AS Build\nRUN x\nFROM b\nFROM c as d\n")
    assert [(stage.index, stage.alias, len(stage.body)) for stage in parsed.stages] == [
        (0, "build", 1),
        (1, "", 0),
        (2, "d", 0),
    ]


def test_flags_are_read() -> None:
    copy, run = parse("FROM a\nCOPY --from=x --parents --link=false y /z\nRUN --network=none w\n").stages[0].body
    assert copy.flag("from") == "x"
    assert copy.flag("chown") == ""
    assert copy.has_flag("parents")
    assert not copy.has_flag("link")
    assert run.flag("network") == "none"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeffFROM a\nRUN b\n", id="byte order mark"),
        pytest.param("FROM a\r\nRUN b\r\n", id="CRLF"),
        pytest.param("FROM a\nRUN b", id="no line break at the end"),
        pytest.param("# syntax=docker/dockerfile:1.7-labs\n# escape=\\\nFROM a\nRUN b\n", id="usual directives"),
        pytest.param("# syntax=mirror.gcr.io/docker/dockerfile:1\nFROM a\nRUN b\n", id="mirror"),
        pytest.param(
            "# syntax=localhost:5000/a/b/docker/dockerfile-upstream@sha256:0\nFROM a\nRUN b\n", id="mirror of upstream"
        ),
        pytest.param("# Syntax = docker.io/docker/dockerfile-upstream:master\nFROM a\nRUN b\n", id="upstream syntax"),
        pytest.param("# hello\n# escape=`\nFROM a\nRUN b\n", id="a directive below a comment is a comment"),
        pytest.param("# check=skip=all\nFROM a\nRUN b\n", id="check directive"),
    ],
)
def test_unusual_but_valid_files_are_read(text: str) -> None:
    parsed = parse(text)
    assert [one.keyword for one in parsed.instructions] == ["FROM", "RUN"]
    assert parsed.text == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [f"{PATH}: the file is empty"], id="empty"),
        pytest.param("# only\n# comments\n", [f"{PATH}: the file is empty"], id="only comments"),
        pytest.param(
            "FROM a\n\\\n", [f"{PATH}:2: this backslash continues no instruction. Remove it."], id="backslash alone"
        ),
        pytest.param("FROM a\nRUN \0\n", [f"{PATH}:2: NUL character: this is not a text file."], id="NUL"),
        pytest.param("ARG A\n", [f"{PATH}: no FROM instruction: nothing to build."], id="no FROM"),
        pytest.param(
            "# escape=`\nFROM a\n",
            [
                f"{PATH}:1: the escape character '`' is not supported. {BACKSLASH}",
            ],
            id="escape character",
        ),
        pytest.param(
            "\ufeff# escape=\\\r\n# syntax=example.org/my/syntax:1\r\nFROM a\r\n",
            [
                f"{PATH}:2: the syntax 'example.org/my/syntax:1' is not supported. {BUILT_IN}",
            ],
            id="foreign syntax",
        ),
        pytest.param(
            "FORM a\n",
            [
                f"{PATH}:1: unknown instruction FORM. Did you mean 'FROM'?",
                f"{PATH}: no FROM instruction: nothing to build.",
            ],
            id="unknown instruction",
        ),
        pytest.param(
            "RUN b\nFROM a b\nFROM\nFROM a AS 1st\nCOPY x\nADD []\nONBUILD\nONBUILD FROM x\nONBUILD COPY x\n",
            [
                f"{PATH}:1: RUN before the first FROM, where only ARG is allowed.",
                f"{PATH}:2: expected FROM IMAGE or FROM IMAGE AS NAME, got: FROM a b",
                f"{PATH}:3: expected FROM IMAGE or FROM IMAGE AS NAME, got: FROM",
                f"{PATH}:4: invalid stage name '1st': use a letter, then letters, digits, '-', '_' and '.'.",
                f"{PATH}:5: COPY needs a source and a destination.",
                f"{PATH}:6: ADD needs a source and a destination.",
                f"{PATH}:7: ONBUILD needs an instruction.",
                f"{PATH}:8: FROM is not allowed after ONBUILD.",
                f"{PATH}:9: COPY needs a source and a destination.",
            ],
            id="all problems at once",
        ),
    ],
)
def test_a_dockerfile_that_cannot_be_fused_is_rejected(text: str, expected: list[str]) -> None:
    assert list(problems(text)) == expected


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param("FROM a\nRUN x\nRUN <<EOF\ny\n", 3, "unterminated heredoc", id="heredoc without an end"),
        pytest.param("FROM a\nENV A=1 \\\n    B\nRUN x\n", 3, "can't find = in", id="within a continued line"),
        pytest.param('FROM a\nRUN ["x", 1]\n', 2, "JSON array", id="JSON that is not of strings"),
        pytest.param("# c\n\nENV A\n", 3, "ENV must have two arguments", id="below comments"),
        pytest.param("FROM a\nONBUILD ENV A\nRUN b", 2, "ENV must have two arguments", id="after ONBUILD"),
    ],
)
def test_errors_of_the_parser_get_the_line_number_that_they_lack(text: str, line: int, words: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"{PATH}:{line}: ")
    assert words in problem


def test_an_onbuild_contains_an_instruction() -> None:
    text = (
        "FROM a\nONBUILD copy --from=x \\\n  # why\n  . /y\nRUN z\nONBUILD \\\n RUN <<EOF\n hi\nEOF\nONBUILD ARG V=1\n"
    )
    copy, run, arg = onbuild_instructions(parse(text).stages[0].body)
    assert (copy.keyword, copy.flag("from"), copy.words, copy.line) == ("COPY", "x", (".", "/y"), 2)
    assert (run.raw, run.heredocs, run.line, run.end) == ("RUN <<EOF\n hi\nEOF", (" hi\n",), 6, 9)
    assert arg.words == ("V=1",)
