import re
import shlex

import msgspec
import pytest

from ci.gpu_gate import commands
from ci.gpu_gate.ports import Timing
from ci.gpu_gate.transcript import Transcript
from ci.stack.gpu_config import GpuSettings

NONCE = "0123456789abcdef"
SETTINGS = GpuSettings(image="ml", host="h", user="u", gpu_class="small", workspace="DS_1")
NASTY = "a b'c\"d$(id)`id`;&|<>*?~#!\\e\nf"


def line(settings: GpuSettings, reference: str = "docker.io/a/ml@sha256:0") -> str:
    return commands.launch_line(settings, reference, "gate-1", NONCE, Timing())


def test_a_line_that_is_echoed_proves_nothing() -> None:
    transcript = Transcript("gate-1", NONCE)
    transcript.feed(f"{line(SETTINGS)}\n".encode())
    transcript.feed(f"\n{commands.pod_script(SETTINGS, NONCE)}\n".encode())
    evidence = transcript.close()
    assert (evidence.started, evidence.codes, evidence.junit, evidence.gpus) == (False, (), (), ())
    assert re.search(rf"<<\w+:{NONCE}", line(SETTINGS)) is None


def test_no_value_is_read_by_a_shell() -> None:
    settings = msgspec.structs.replace(SETTINGS, launch=f"/opt/{NASTY}", words=(NASTY,), tests=f"/{NASTY}")
    words = shlex.split(line(settings, NASTY))
    assert words[words.index("-i") + 1] == NASTY
    assert {f"/opt/{NASTY}", NASTY} <= set(words)
    assert words[-3:-1] == ["bash", "-c"]
    assert f"python -m pytest {shlex.quote(f'/{NASTY}')} -v" in words[-1]


def test_everything_is_bounded_over_there() -> None:
    settings = msgspec.structs.replace(SETTINGS, queue_limit=100, run_limit=50.5)
    words = shlex.split(line(settings))
    assert words[:8] == ["exec", "env", "K8S_TIMEOUT_SECONDS=951", "timeout", "-s", "INT", "-k", "60"]
    assert words[8] == "391"
    assert "timeout -s INT -k 30 51 python" in words[-1]


@pytest.mark.parametrize(("workspace", "there"), [("DS_1", True), ("", False)])
def test_no_workspace_is_no_word(workspace: str, *, there: bool) -> None:
    assert ("-W" in shlex.split(line(msgspec.structs.replace(SETTINGS, workspace=workspace)))) == there
