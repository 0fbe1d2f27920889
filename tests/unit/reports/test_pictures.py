"""Which pictures a report looks for: where the browser's fixture leaves those of failed tests."""

from ci.reports.pictures import wanted_pictures
from ci.reports.problems import picture_path
from ci.stack.image import SuiteKind
from tests.unit.reports import runs


def test_pictures_of_failed_and_flaky_tests_are_wanted() -> None:
    folder = "logs/base-notebook/base-notebook-server"
    assert wanted_pictures(runs.RED) == (f"{folder}/test_launcher[chromium].png", f"{folder}/test_kernel.png")


def test_a_picture_is_called_as_the_test_without_its_file_and_class() -> None:
    suite = runs.suite("a", SuiteKind.SERVER)
    test = runs.passed("folder/test_a.py::TestPage::test_it[x::y/z]")
    assert picture_path("b", suite, test) == "logs/b/a-server/test_it[x::y/z].png"
