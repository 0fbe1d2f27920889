import os
import sys
from pathlib import Path

import pytest

from native_engine.errors import EngineError
from native_engine.steps import BuildDir


@pytest.fixture
def build_dir(tmp_path: Path) -> BuildDir:
    folder = BuildDir(tmp_path)
    folder.prepare()
    return folder


def test_a_failing_command_shows_the_end_of_its_output_and_the_path_of_its_log(build_dir: BuildDir) -> None:
    command = [sys.executable, "-c", "import sys; print(*range(30), sep='\\n', file=sys.stderr); sys.exit(3)"]
    with pytest.raises(EngineError) as caught:
        build_dir.run("compile", command, env=os.environ)
    text = str(caught.value)
    assert f"failed with exit code 3. Full output: {build_dir.logs / 'compile.log'}. Last lines:" in text
    assert text.splitlines()[-1].strip() == "29"
    assert "    5\n" not in text


def test_the_output_of_a_command_is_returned_and_logged(build_dir: BuildDir) -> None:
    assert build_dir.run("compile", ["echo", "hello"], env=os.environ) == "hello\n"
    assert (build_dir.logs / "compile.log").read_text() == "$ echo hello\nhello\n"
