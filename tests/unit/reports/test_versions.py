from msgspec.structs import replace

from ci.planning.plan import Plan
from ci.reports.text import render_run
from ci.reports.versions import render_versions
from ci.results import ImageReport, Outcome, RunReport
from tests.unit.reports import runs
from tests.unit.reports.plans import planned

BASE = {"OS": "Debian 12.15", "Python": "3.11.2", "JupyterLab": "4.6.6"}


def run_of(*images: tuple[str, str | None, dict[str, str], tuple[str, ...]]) -> RunReport:
    """Return a run of images, each with its parent, its key versions and what could not be read in it."""
    return RunReport(
        plan=Plan(images=tuple(planned(name, parent) for name, parent, _, _ in images)),
        images=tuple(
            ImageReport(name=name, outcome=Outcome.BUILT, versions=versions, contents_notes=notes)
            for name, _, versions, notes in images
        ),
        started="T",
        seconds=5,
        jobs=1,
    )


def test_an_image_shows_what_is_not_as_in_its_parent() -> None:
    report = run_of(
        ("base", None, BASE, ()),
        ("ds", "base", BASE, ()),
        ("r-notebook", "base", {**BASE, "R": "4.2.2", "Python": "3.13.1"}, ()),
    )
    assert render_versions(report) == [
        "Key versions:",
        "  base        Debian 12.15, Python 3.11.2, JupyterLab 4.6.6",
        "  ds          as in base",
        "  r-notebook  Python 3.13.1, R 4.2.2, the others as in base",
    ]


def test_all_are_shown_where_one_of_the_parents_is_gone_or_the_parent_is_not_known() -> None:
    less = {"OS": "Debian 12.15", "Python": "3.11.2"}
    for report in (run_of(("base", None, BASE, ()), ("ds", "base", less, ())), run_of(("ds", "elsewhere", less, ()))):
        assert render_versions(report)[-1].split("  ")[-1] == "Debian 12.15, Python 3.11.2"


def test_what_could_not_be_read_is_said_once_at_the_image_that_brought_it() -> None:
    known, more = "The package database /var/lib/rpm is not read.", "/opt/x/METADATA has no version."
    report = run_of(("base", None, {}, (known,)), ("ds", "base", {}, (known, more)), ("r", "base", {}, (known,)))
    assert render_versions(report) == ["Key versions:", f"  base  {known}", f"  ds    {more}"]


def test_long_lists_are_wrapped_below_each_other() -> None:
    report = run_of(("base", None, {f"Program{number}": "1.2.3" for number in range(20)}, ()))
    _, first, *others = render_versions(report)
    assert first.startswith("  base  Program0 1.2.3, ")
    assert others[0].startswith("        Program")
    assert max(map(len, (first, *others))) <= 120


def test_a_run_shows_them_below_what_failed() -> None:
    report = replace(runs.RED, publication=None)
    text = render_run(report)
    assert text.index("test_server.py::test_launcher[chromium] failed") < text.index("Key versions:\n  base-notebook")
    assert "Key versions" not in render_run(run_of(("base", None, {}, ())))


def test_a_version_stays_on_its_line() -> None:
    assert render_versions(run_of(("base", None, {"Python": "3\n\x1b[31m|\t4"}, ())))[1] == "  base  Python 3 | 4"
