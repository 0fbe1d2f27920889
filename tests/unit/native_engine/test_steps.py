import os
import sys
from pathlib import Path

import pytest

from native_engine.errors import EngineError
from native_engine.inputs import digest_of
from native_engine.steps import Step, Workshop, make_side_by_side, make_step, replace_folder


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    opened = Workshop(tmp_path)
    opened.open_shop()
    return opened


def counting(made: list[str], name: str, inputs: str | None = "1") -> Step:
    return Step(name, inputs, lambda: made.append(name))


def test_a_made_step_is_not_made_again_until_its_inputs_change(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[str] = []
    make_step(counting(made, "bake"), workshop)
    make_step(counting(made, "bake"), workshop)
    assert made == ["bake"]
    make_step(counting(made, "bake", inputs="2"), workshop)
    assert made == ["bake", "bake"]
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "engine: bake …"
    assert told[1].startswith("engine: bake done in 0.")


def test_a_step_without_inputs_leaves_no_stamp(workshop: Workshop) -> None:
    made: list[str] = []
    make_step(counting(made, "packages", inputs=None), workshop)
    make_step(counting(made, "packages", inputs=None), workshop)
    assert made == ["packages", "packages"]


def test_a_failed_step_is_made_again_though_it_was_made_before(workshop: Workshop) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    made: list[str] = []
    make_step(counting(made, "bake"), workshop)
    with pytest.raises(EngineError, match=r"step bake: \[Errno 28\] No space left on device\."):
        make_step(Step("bake", "2", fail), workshop)
    assert not workshop.is_made(counting(made, "bake", "1"))
    assert not workshop.is_made(counting(made, "bake", "2"))


def test_what_a_killed_run_left_half_made_is_gone_and_what_it_made_stays(workshop: Workshop) -> None:
    (workshop.scratch / "half").mkdir()
    make_step(counting([], "bake"), workshop)
    workshop.open_shop()
    assert list(workshop.scratch.iterdir()) == []
    assert workshop.is_made(counting([], "bake"))


def test_lanes_go_on_beside_a_failing_one_and_all_errors_are_told(workshop: Workshop) -> None:
    def fail(text: str) -> None:
        raise EngineError(text)

    made: list[str] = []
    lanes = [
        [Step("one", "1", lambda: fail("one is broken")), counting(made, "after one")],
        [counting(made, "two"), Step("three", "1", lambda: fail("three is broken"))],
    ]
    with pytest.raises(EngineError) as caught:
        make_side_by_side(lanes, workshop)
    assert str(caught.value) == "one is broken\nthree is broken"
    assert made == ["two"]


def test_a_failing_command_shows_the_end_of_its_output_and_where_the_rest_is(workshop: Workshop) -> None:
    command = [sys.executable, "-c", "import sys; print(*range(30), sep='\\n', file=sys.stderr); sys.exit(3)"]
    with pytest.raises(EngineError) as caught:
        workshop.run("bake", command, env=os.environ)
    text = str(caught.value)
    assert f"ended with exit code 3; its whole output is in {workshop.logs / 'bake.log'}" in text
    assert text.splitlines()[-1].strip() == "29"
    assert "    5\n" not in text


def test_what_a_command_prints_is_returned_and_logged(workshop: Workshop) -> None:
    assert workshop.run("bake", ["echo", "bread"], env=os.environ) == "bread\n"
    assert (workshop.logs / "bake.log").read_text() == "$ echo bread\nbread\n"


def test_a_new_folder_takes_the_old_ones_place(tmp_path: Path) -> None:
    for name in ("made", "target"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    replace_folder(tmp_path / "made", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["made"]


def test_a_digest_tells_contents_names_and_texts_apart(tmp_path: Path) -> None:
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
