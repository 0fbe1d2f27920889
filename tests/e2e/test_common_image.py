"""Suites of an image whose name is also the word for the suites of all images."""

from pathlib import Path

from tests.e2e.conftest import Call, MakeTree
from tests.e2e.notebook_stack import PYTHON, SUITE

FILES = {
    "images/common/Dockerfile": f"FROM debian:bookworm-slim\n{PYTHON}",
    "images/common/tests/image/test_own.py": SUITE,
    "images/ds/Dockerfile": "FROM common\n",
    "images/tests_common/image/test_all.py": "def test_it():\n    assert False, 'for every image'\n",
}


def test_a_common_suite_that_fails_is_red_for_an_image_called_common(
    call: Call, tree: MakeTree, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    done = call("--source", tree(FILES), "build-report", "-o", report)
    assert done.returncode == 0, done.stderr
    assert (report / "exit-code").read_text() == "1\n"
    summary = (report / "summary.txt").read_text()
    for image in ("common", "ds"):
        assert f"{image}: tests_common/image: test_all.py::test_it failed" in summary
        assert "test_all" in (report / f"logs/{image}/tests_common-image.xml").read_text()
        assert "test_own" in (report / f"logs/{image}/common-image.xml").read_text()
