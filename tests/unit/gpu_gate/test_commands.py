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


def launch_line(settings: GpuSettings, reference: str = "docker.io/a/ml@sha256:0") -> str:
    return commands.launch_command(settings, reference, "gate-1", NONCE, Timing())


def test_an_echoed_command_line_proves_nothing() -> None:
    transcript = Transcript("gate-1", NONCE)
    transcript.feed(f"{launch_line(SETTINGS)}\n".encode())
    transcript.feed(f"\n{commands.pod_script(SETTINGS, NONCE)}\n".encode())
    evidence = transcript.close()
    assert (evidence.started, evidence.codes, evidence.junit, evidence.gpus) == (False, (), (), ())
    assert re.search(rf"<<\w+:{NONCE}", launch_line(SETTINGS)) is None


def test_no_value_is_interpreted_by_a_shell() -> None:
    settings = msgspec.structs.replace(SETTINGS, launch=f"/opt/{NASTY}", words=(NASTY,), tests=f"/{NASTY}")
    words = shlex.split(launch_line(settings, NASTY))
    assert words[words.index("-i") + 1] == NASTY
    assert {f"/opt/{NASTY}", NASTY} <= set(words)
    assert words[-3:-1] == ["bash", "-c"]
    assert f"python -m pytest {shlex.quote(f'/{NASTY}')} -v" in words[-1]


def test_launcher_and_pod_have_time_limits() -> None:
    settings = msgspec.structs.replace(SETTINGS, queue_limit=100, run_limit=50.5)
    words = shlex.split(launch_line(settings))
    assert words[:8] == ["exec", "env", "K8S_TIMEOUT_SECONDS=951", "timeout", "-s", "INT", "-k", "60"]
    assert words[8] == "391"
    assert "timeout -s INT -k 30 51 python" in words[-1]


@pytest.mark.parametrize(("workspace", "there"), [("DS_1", True), ("", False)])
def test_without_a_workspace_there_is_no_option(workspace: str, *, there: bool) -> None:
    assert ("-W" in shlex.split(launch_line(msgspec.structs.replace(SETTINGS, workspace=workspace)))) == there
