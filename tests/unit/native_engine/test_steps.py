import os
from pathlib import Path

import pytest

from native_engine.errors import EngineError
from native_engine.inputs import digest_of
from native_engine.steps import BuildDir, Step, make_in_parallel, make_step, replace_folder


@pytest.fixture
def build_dir(tmp_path: Path) -> BuildDir:
    folder = BuildDir(tmp_path)
    folder.prepare()
    return folder


def counting(made: list[str], name: str, inputs: str | None = "1") -> Step:
    return Step(name, inputs, lambda: made.append(name))


def test_a_made_step_is_not_made_again_until_its_inputs_change(
    build_dir: BuildDir, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[str] = []
    make_step(counting(made, "compile"), build_dir)
    make_step(counting(made, "compile"), build_dir)
    assert made == ["compile"]
    make_step(counting(made, "compile", inputs="2"), build_dir)
    assert made == ["compile", "compile"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "engine: compile …"
    assert lines[1].startswith("engine: compile done in 0.")


def test_a_step_without_inputs_leaves_no_stamp(build_dir: BuildDir) -> None:
    made: list[str] = []
    make_step(counting(made, "packages", inputs=None), build_dir)
    make_step(counting(made, "packages", inputs=None), build_dir)
    assert made == ["packages", "packages"]


def test_a_failed_step_runs_again_even_if_it_succeeded_before(build_dir: BuildDir) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    made: list[str] = []
    make_step(counting(made, "compile"), build_dir)
    with pytest.raises(EngineError, match=r"step compile: \[Errno 28\] No space left on device\."):
        make_step(Step("compile", "2", fail), build_dir)
    assert not build_dir.is_made(counting(made, "compile", "1"))
    assert not build_dir.is_made(counting(made, "compile", "2"))


def test_temporary_files_of_a_killed_run_are_deleted_and_its_results_stay(build_dir: BuildDir) -> None:
    (build_dir.scratch / "partial").mkdir()
    make_step(counting([], "compile"), build_dir)
    build_dir.prepare()
    assert list(build_dir.scratch.iterdir()) == []
    assert build_dir.is_made(counting([], "compile"))


def test_a_failing_group_does_not_stop_the_others_and_all_errors_are_raised(build_dir: BuildDir) -> None:
    def fail(text: str) -> None:
        raise EngineError(text)

    made: list[str] = []
    groups = [
        [Step("one", "1", lambda: fail("one is broken")), counting(made, "after one")],
        [counting(made, "two"), Step("three", "1", lambda: fail("three is broken"))],
    ]
    with pytest.raises(EngineError) as caught:
        make_in_parallel(groups, build_dir)
    assert str(caught.value) == "one is broken\nthree is broken"
    assert made == ["two"]


def test_a_new_folder_replaces_the_old_one(tmp_path: Path) -> None:
    for name in ("made", "target"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    replace_folder(tmp_path / "made", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["made"]


def test_a_digest_changes_with_contents_names_and_texts(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file"
    file.parent.mkdir()
    file.write_text("1")
    first = digest_of(file.parent, "text")
    os.utime(file, (0, 0))
    (file.parent / "__pycache__").mkdir()
    (file.parent / "__pycache__" / "file.pyc").touch()
    assert digest_of(file.parent, "text") == first
    assert digest_of(file.parent, "other text") != first
    file.write_text("2")
    assert digest_of(file.parent, "text") != first
    file.write_text("1")
    file.rename(file.with_name("elif"))
    assert digest_of(file.parent, "text") != first
