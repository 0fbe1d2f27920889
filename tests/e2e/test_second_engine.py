"""A second engine beside the one of all tests: it runs what the first does, and shares nothing with it."""

import os
import subprocess
import sys
import uuid

from native_engine.client import RUNNER_HOST
from tests.e2e.conftest import ROOT
from tests.e2e.second_engine import SecondEngine


def run_with_cache(address: str, volume: str, script: str) -> str:
    """Run a script in a container whose /kept is a cache volume; return what it printed."""
    words = ["container", "from", "--address=debian:bookworm-slim", "with-mounted-cache", "--path=/kept"]
    words += [f"--cache={volume}", "with-exec", f"--args=sh,-c,{script}; : {uuid.uuid4()}", "stdout"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "daggerw"), "core", *words],
        env={**os.environ, RUNNER_HOST: address},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_runs_containers_and_has_a_cache_of_its_own(other_engine: SecondEngine) -> None:
    first, volume = os.environ[RUNNER_HOST], f"engines-{uuid.uuid4()}"
    assert run_with_cache(first, volume, "echo first > /kept/word") == ""
    assert run_with_cache(other_engine.address, volume, "ls /kept") == ""
    assert run_with_cache(first, volume, "ls /kept") == "word\n"
