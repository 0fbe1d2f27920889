"""A second native engine on this machine, with an empty cache, for as long as a context is open."""

import os
import random
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from native_engine.client import RUNNER_HOST
from native_engine.network import overlapping_interface
from native_engine.settings import Settings, read_settings
from tests.programs import free_port

NATIVE = Path(__file__).parents[2] / "native_engine" / "native"
# What an engine is started with. Copied, and not linked: the mirror's program writes files in place.
COPIED = ("bin", "content", "module-base.tar", "registry", "stamps", "mirror", "layers")


class SecondEngine(NamedTuple):
    """Its address, for `_EXPERIMENTAL_DAGGER_RUNNER_HOST`, and the settings of `native_engine/native` for it."""

    address: str
    environment: Mapping[str, str]


@contextmanager
def second_engine() -> Iterator[SecondEngine]:
    """Start it from a copy of the programs of the engine that is up. Stopped and deleted at the end."""
    first = read_settings(os.environ)
    if os.environ.get(RUNNER_HOST) != first.runner_host:
        pytest.skip("a second engine is a copy of the native engine, and these tests run with another one")
    # Beside the first: a file system that engines can use, and a path as short as a socket's has to be.
    prefix = Path(tempfile.mkdtemp(prefix="dagger-", dir=first.prefix.parent))
    environment = {
        "DAGGER_NATIVE_PREFIX": str(prefix),
        "DAGGER_NATIVE_MIRROR_PORT": str(free_port()),
        "DAGGER_NATIVE_NETWORK": f"t{secrets.token_hex(4)}",
        "DAGGER_NATIVE_CIDR": _free_range(first),
        "DAGGER_NATIVE_POOL": "4",
    }
    try:
        sources = [path for name in COPIED if (path := first.prefix / name).exists()]
        subprocess.run(["cp", "-a", "--reflink=auto", *sources, prefix], check=True)
        _native("up", environment)
        yield SecondEngine(read_settings(environment).runner_host, environment)
    finally:
        _native("reset", environment, "--all")  # which stops it gently first, and leaves no folder
        shutil.rmtree(prefix, ignore_errors=True)


def _native(action: str, environment: Mapping[str, str], *options: str) -> None:
    done = subprocess.run(
        [NATIVE, action, *options], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"native_engine/native {action} failed:\n{done.stderr}"


def _free_range(first: Settings) -> str:
    """Return addresses that no network of this machine has."""
    addresses = subprocess.run(["ip", "-o", "-4", "addr"], capture_output=True, text=True, check=True).stdout
    ranges = [f"10.{number}.0.0/16" for number in range(100, 250)]
    random.shuffle(ranges)  # tests may run beside each other
    return next(one for one in ranges if not overlapping_interface(addresses, first._replace(network="t", cidr=one)))
