"""Summaries and annotations for GitHub: inert, bounded, failures first."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from ci.planning.plan import Plan
from ci.reports.annotations import LONGEST_MESSAGE, MOST, render_annotations
from ci.reports.markdown import MOST_BYTES, bounded, code, fence, table
from ci.reports.summary import render_summary
from ci.results import Failure, ImageReport, Outcome, RunReport
from ci.stack.image import SuiteKind
from ci.suite_results import SuiteOutcome, TestOutcome, TestResult
from tests.unit.reports import runs, verdicts
from tests.unit.reports.large_run import large_run
from tests.unit.reports.plans import planned


def tokens(markdown: str) -> list[Token]:
    """Read Markdown as GitHub does, addresses without brackets included."""
    parser = MarkdownIt("gfm-like", {"linkify": True})
    return [one for token in parser.parse(markdown) for one in (token, *(token.children or ()))]


def planted() -> RunReport:
    """Return a run in which every text that is not ours is hostile."""
    text = " ".join(runs.PLANTED)
    tests = tuple(
        TestResult(name=name, outcome=outcome, text=f"```\n{name}\n~~~\n````\n<b>")
        for name in runs.PLANTED
        for outcome in (TestOutcome.FAILED, TestOutcome.FLAKY)
    )
    failure = Failure(path=text, line=3, instruction=text, message=f"{text}\n\n# {text}", output=f"```\n{text}\n")
    images = (
        ImageReport(
            name="r", outcome=Outcome.FAILED, failure=failure, versions={text: text}, contents_notes=runs.PLANTED
        ),
        ImageReport(name="base", outcome=Outcome.TESTS_FAILED, suites=(runs.suite("base", SuiteKind.IMAGE, *tests),)),
    )
    plan = Plan(images=(planned("r", reason=text), planned("base", reason="a\\|b`|`c`` |")), notes=(text,))
    budgets = (
        replace(verdicts.ACCEPTED, image=text, accepted=text, grown=tuple(map(verdicts.grown, runs.PLANTED, range(5)))),
        replace(verdicts.OVER, problem=text),
        replace(verdicts.unjudged("r"), problem=text),
    )
    return RunReport(
        plan=plan, images=images, started="T", seconds=5, jobs=1, baseline=runs.RED.baseline, budgets=budgets
    )


def test_nothing_planted_becomes_a_link_a_picture_or_html() -> None:
    found = tokens(render_summary(planted()))
    kinds = {token.type for token in found} - {"text", "code_inline", "fence", "inline", "softbreak"}
    assert not {kind for kind in kinds if kind.startswith(("link", "image", "html_block"))}
    assert {token.content for token in found if token.type == "html_inline"} <= {"<br>"}
    assert any(token.type == "code_inline" and runs.PLANTED[2] in token.content for token in found)
    bold = [after.content for token, after in pairwise(found) if token.type == "strong_open"]
    assert "b" not in bold


def test_rows_of_the_table_keep_their_cells() -> None:
    found = tokens(render_summary(planted()))
    rows, cells = (sum(token.type == kind for token in found) for kind in ("tr_open", "td_open"))
    # The images, their budgets, and the versions of the one that was described; each table has a row of headers.
    assert (rows, cells) == (3 + 3 + 2, 2 * 6 + 2 * 4 + 2)


def test_failures_come_before_the_images() -> None:
    text = render_summary(runs.RED)
    assert text.startswith("## ❌ The run FAILED: 5 images")
    places = [text.index(words) for words in ("What failed", "tidyvrese`", "`test_server.py::test_launch", "Images")]
    assert places == sorted(places)
    assert "last 30 of 260 lines; all are in `logs/r-notebook/build.log`" in text
    row = "| `base-notebook` | 303 MB | 322 MB | +19 MB grew | 2 of 4 | 190 MB |"
    assert row in text.replace("\N{NO-BREAK SPACE}", " ")


def test_key_versions_and_what_could_not_be_read_are_a_table() -> None:
    text = render_summary(runs.RED)
    versions, note = (
        "Debian GNU/Linux 12.15, Python 3.11.2, JupyterLab 4.6.6, JupyterHub 6.1.1",
        "x-1.dist-info/METADATA",
    )
    (line,) = [line for line in text.splitlines() if line.startswith(f"| `base-notebook` | `{versions}`<br>")]
    assert note in line
    assert "pandas 3.0.1" in text
    assert text.index("### Images") < text.index("### Key versions")


def test_a_green_run_says_where_it_is_published() -> None:
    text = render_summary(runs.green())
    assert text.startswith("## ✅ 4 images: 4 built")
    assert "`Published as ghcr.io/example/IMAGE:2026.4-a1239ab: the tag was written for 3 images;" in text
    assert "What failed" not in text


@given(st.text(), st.text())
def test_any_text_stays_in_its_cell_as_code(first: str, second: str) -> None:
    found = tokens("\n".join(table(("a", "b"), [(code(first), code(second))])))
    assert sum(token.type == "td_open" for token in found) == 2
    assert not {token.type for token in found} & {"link_open", "image", "html_inline", "html_block", "em_open"}


@given(st.lists(st.text().filter(lambda line: "\n" not in line and "\r" not in line), min_size=1))
def test_any_lines_stay_in_their_block(lines: list[str]) -> None:
    found = tokens(f"{fence(lines)}\n\nafter\n")
    assert found[0].type == "fence"
    assert found[-2].content == "after"


def test_a_summary_is_cut_between_two_lines_and_says_so() -> None:
    whole = [f"| row {number} é |" for number in range(200_000)]
    text = bounded(whole)
    assert len(text.encode()) <= MOST_BYTES
    *kept, blank, ending = text.rstrip("\n").split("\n")
    assert kept == whole[: len(kept)]
    assert blank == ""
    assert ending.startswith("**The rest is left out")
    assert bounded(["a", "b"]) == "a\nb\n"


def test_the_summary_of_a_large_run_fits() -> None:
    assert len(render_summary(large_run()).encode()) <= MOST_BYTES


def unescaped(line: str) -> tuple[dict[str, str], str]:
    """Return the properties and the message of an annotation, as GitHub reads them."""

    def text(value: str) -> str:
        codes = {"%0A": "\n", "%0D": "\r", "%3A": ":", "%2C": ",", "%25": "%"}
        return re.sub("%(?:0A|0D|3A|2C|25)", lambda found: codes[found[0]], value)

    found = re.fullmatch(r"::error (.*?)::(.*)", line)
    assert found, line
    return {name: text(value) for name, _, value in (one.partition("=") for one in found[1].split(","))}, text(found[2])


def many(images: int, tests: int) -> RunReport:
    """Return a run of images with failed tests, and a build that failed at its end."""
    failed = tuple(
        TestResult(name=f"test_a.py::test_{n}", outcome=TestOutcome.FAILED, text=f"{'x' * 9000}\nE  assert {n}")
        for n in range(tests)
    )
    built = [
        ImageReport(name=f"i{n}", outcome=Outcome.TESTS_FAILED, suites=(runs.suite(f"i{n}", SuiteKind.IMAGE, *failed),))
        for n in range(images)
    ]
    failure = Failure(path="images/z/Dockerfile", line=4, instruction="RUN a\n::error::b", message="100 %: exit, 1")
    reports = (*built, ImageReport(name="z", outcome=Outcome.FAILED, failure=failure))
    plan = Plan(images=tuple(planned(image.name) for image in reports))
    return RunReport(plan=plan, images=reports, started="T", seconds=5, jobs=1)


def test_builds_come_first_and_each_suite_before_the_second_of_one() -> None:
    lines = [unescaped(line) for line in render_annotations(many(3, 2)).splitlines()]
    titles = [properties["title"] for properties, _ in lines]
    assert titles == ["z: failed", *(f"i{n}: i{n}/image failed" for n in (0, 1, 2, 0, 1, 2))]
    properties, message = lines[0]
    assert properties == {"file": "images/z/Dockerfile", "line": "4", "title": "z: failed"}
    assert message == "RUN a\n::error::b\n100 %: exit, 1"
    assert [message.splitlines()[0] for _, message in lines[1:]] == ["test_a.py::test_0"] * 3 + [
        "test_a.py::test_1"
    ] * 3
    assert lines[1][0]["file"] == "images/i0/tests/image/test_a.py"


def test_the_tenth_annotation_says_how_many_more_there_are() -> None:
    lines = render_annotations(many(12, 50)).splitlines()
    assert len(lines) == MOST
    properties, message = unescaped(lines[-1])
    assert properties == {"title": "592 more failures"}
    assert message.startswith("592 more failures are not shown here. All are in report.html")
    assert len(render_annotations(many(9, 1)).splitlines()) == MOST


def test_a_long_message_keeps_its_end() -> None:
    _, message = unescaped(render_annotations(many(1, 1)).splitlines()[1])
    assert len(message) <= LONGEST_MESSAGE
    assert message.startswith("test_a.py::test_0\n…x")
    assert message.endswith("E  assert 0")


def test_a_suite_without_a_result_is_annotated_once() -> None:
    suite = runs.suite("a", SuiteKind.SERVER, outcome=SuiteOutcome.ERROR, why="its server failed: exit code 1")
    image = ImageReport(name="a", outcome=Outcome.TESTS_FAILED, suites=(suite,))
    report = replace(runs.RED, images=(image,), plan=Plan(images=(planned("a"),)), budgets=())
    ((properties, message),) = [unescaped(line) for line in render_annotations(report).splitlines()]
    assert properties == {"file": "images/a/tests/server", "title": "a: a/server error"}
    assert message == "its server failed: exit code 1"
