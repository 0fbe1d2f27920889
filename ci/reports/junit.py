"""All suites of a run as one JUnit report, for programs that show test results.

The format is pytest's own: https://github.com/pytest-dev/pytest/blob/main/testing/example_scripts/junit-10.xsd
"""

from xml.etree import ElementTree as ET

from ci.results import RunReport
from ci.suite_results import SuiteOutcome, SuiteReport, TestOutcome, TestResult


def render_junit(report: RunReport) -> str:
    """Return JUnit XML with a suite for each suite of each image, named `image / origin / kind`.

    A suite that failed without a failed test gets an error of its own, so that no reader takes it for green.
    """
    return _render([_suite(image.name, suite) for image in report.images for suite in image.suites])


def render_suite(image: str, suite: SuiteReport) -> str:
    """Return one suite's JUnit XML from its report, for a suite whose pytest wrote none."""
    return _render([_suite(image, suite)])


def _render(suites: list[ET.Element]) -> str:
    root = ET.Element("testsuites", name="stack")
    root.extend(suites)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(image: str, report: SuiteReport) -> ET.Element:
    name = f"{image} / {report.origin} / {report.kind}"
    suite = ET.Element("testsuite", name=name, time=f"{report.seconds:.3f}")
    for test in report.tests:
        suite.append(_case(name, test))
    if report.outcome is not SuiteOutcome.PASSED and all(test.outcome.ok for test in report.tests):
        case = ET.SubElement(suite, "testcase", classname=name, name="the suite as a whole")
        _add(case, "error", report.outcome, report.why)
    for count, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(1 for _ in suite.iter(tag))))
    return suite


def _case(suite: str, test: TestResult) -> ET.Element:
    case = ET.Element("testcase", classname=suite, name=test.name, time=f"{test.seconds:.3f}")
    match test.outcome:
        case TestOutcome.FAILED:
            _add(case, "failure", test.outcome, test.text)
        case TestOutcome.ERROR | TestOutcome.UNFINISHED:
            _add(case, "error", test.outcome, test.text)
        case TestOutcome.SKIPPED | TestOutcome.XFAILED:
            _add(case, "skipped", test.outcome, test.text)
        case TestOutcome.FLAKY:
            ET.SubElement(case, "system-out").text = _printable(
                f"flaky: it passed when rerun. The first time:\n{test.text}"
            )
        case TestOutcome.PASSED:
            pass
    return case


def _add(case: ET.Element, tag: str, outcome: str, text: str) -> None:
    ET.SubElement(case, tag, message=outcome).text = _printable(text)


def _printable(text: str) -> str:
    """Replace the characters that XML cannot contain: control characters except tab and line break."""
    return "".join(one if one in "\t\n" or one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
