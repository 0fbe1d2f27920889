import dagger

from ci.dagger_function import error_text
from ci.errors import ExternalError, RequestError

GROUP = ExceptionGroup("unhandled errors in a TaskGroup", [RequestError("No."), ExceptionGroup("x", [ValueError("1")])])


def test_planned_errors_are_shown_as_they_are_each_once() -> None:
    assert error_text(RequestError("No.")) == ("No.", True)
    group = ExceptionGroup("unhandled errors in a TaskGroup", [ExternalError("Lost."), ExternalError("Lost.")])
    assert error_text(group) == ("Lost.", True)
    assert error_text(GROUP) == ("No.", True)


def test_an_unexpected_error_is_a_sentence_that_says_where_to_report_it() -> None:
    for error in (ValueError("a\nb"), ExceptionGroup("unhandled errors in a TaskGroup", [ValueError("a b")])):
        text, is_planned = error_text(error)
        assert not is_planned
        assert text.startswith("The call failed: an unexpected error (ValueError: a b).")
        assert "open an issue" in text
        assert "TaskGroup" not in text


def test_what_the_engine_says_of_an_argument_is_no_bug() -> None:
    text, is_planned = error_text(dagger.DaggerError('secret env var not found: "X"'))
    assert is_planned
    assert "secret env var not found" in text
