import subprocess
import sys
from pathlib import Path

import pytest

from native_engine.lock import locked

HOLD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from native_engine.lock import locked
with locked(Path(sys.argv[1]), "build"):
    print("held", flush=True)
    sys.stdin.read()
"""
CHECKOUT = Path(__file__).resolve().parents[3]


def test_a_second_run_says_what_it_waits_for_and_continues_when_the_first_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path), str(CHECKOUT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.2; kill -9 {holder.pid}"])
        with locked(tmp_path, "start"):
            assert holder.wait() == -9
        killer.wait()
    assert capsys.readouterr().err == f"engine: waiting for process {holder.pid} to build\n"
