import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci.dockerfile.expansion import ExpansionError, expand
from ci.dockerfile.lexer import escape_word, quote

VALUES = {"A": "one", "EMPTY": "", "PATH": "/usr/bin:/bin:/sbin", "FILE": "a.tar.gz"}


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("plain", "plain"),
        ("$A", "one"),
        ("x${A}y", "xoney"),
        ("$A.b", "one.b"),
        ("$Ab", ""),
        ("${A:-b}", "one"),
        ("${EMPTY:-b}", "b"),
        ("${EMPTY-b}", ""),
        ("${NONE-b}", "b"),
        ("${NONE:-$A/${NONE:-c}}", "one/c"),
        ("${A:+b}", "b"),
        ("${EMPTY:+b}", ""),
        ("${EMPTY+b}", "b"),
        ("${NONE+b}", ""),
        ("${A:?no}", "one"),
        ("${EMPTY?no}", ""),
        (r"\$A", "$A"),
        (r"a\ b", "a b"),
        ("'$A'", "$A"),
        ('"$A"', "one"),
        (r'"\$A \" \\ \n"', '$A " \\ \\n'),
        ("a\"b\"'c'''", "abc"),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("$1x", "x"),
        ("${PATH#*:}", "/bin:/sbin"),
        ("${PATH##*:}", "/sbin"),
        ("${PATH%:*}", "/usr/bin:/bin"),
        ("${PATH%%:*}", "/usr/bin"),
        ("${PATH#nothing}", "/usr/bin:/bin:/sbin"),
        ("${FILE%.???}", "a.tar.gz"),
        ("${FILE%.??}", "a.tar"),
        ("${PATH/bin/x}", "/usr/x:/bin:/sbin"),
        ("${PATH//bin/x}", "/usr/x:/x:/sx"),
        (r"${PATH//\/bin/}", "/usr:::/sbin".replace(":::", "::")),
        (r"${FILE/\*/x}", "a.tar.gz"),
        ("${FILE/*./x}", "xgz"),
        (r"""${PATH#"\/usr"}""", "/usr/bin:/bin:/sbin"),
        ("$@$?x", "x"),
    ],
)
def test_variables_are_expanded_as_by_docker(word: str, text: str) -> None:
    assert expand(word, VALUES).text == text


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("${NONE:?set it}", "NONE: set it"),
        ("${EMPTY:?}", "EMPTY: a value is required"),
        ("${NONE?}", "NONE: a value is required"),
        ("${A", "unsupported substitution ${A…}"),
        ("${A:-b", "a closing } is missing"),
        ("${}", "a name is missing"),
        ("${A^}", "unsupported substitution ${A^…}"),
        ("'a", "a closing single quote is missing"),
        ('"a', "a closing double quote is missing"),
        (r"${A/\a/b}", "backslash"),
    ],
)
def test_a_word_that_docker_rejects_is_rejected_with_the_reason(word: str, why: str) -> None:
    with pytest.raises(ExpansionError) as error:
        expand(word, VALUES)
    assert why in str(error.value)


def test_variables_without_a_value_are_listed() -> None:
    assert expand("$A $B ${C:-$D} ${EMPTY} '$E'", VALUES).missing == {"B", "C", "D"}


@settings(max_examples=100, deadline=None, database=None)
@given(st.text(st.sampled_from("ab $'\"\\{}#é\t:-"), max_size=8))
def test_a_quoted_value_expands_to_itself(value: str) -> None:
    assert expand(quote(value), {"a": "wrong", "ab": "wrong"}).text == value
    assert expand(escape_word(value), {"a": "wrong", "ab": "wrong"}).text == value


@pytest.mark.parametrize(
    ("value", "text"),
    [("3.12", "3.12"), ("", "''"), ("a b", "'a b'"), ("it's", '"it\'s"'), ("'$x'", "\"'\\$x'\""), ("$x", "'$x'")],
)
def test_values_are_quoted_no_more_than_they_need(value: str, text: str) -> None:
    assert quote(value) == text
