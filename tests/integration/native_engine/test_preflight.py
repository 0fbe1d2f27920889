import os
import socket
from pathlib import Path

from native_engine.preflight import owner_of_port, port_problem
from native_engine.settings import read_settings


def test_a_port_in_use_is_reported_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings = read_settings({"DAGGER_NATIVE_MIRROR_PORT": str(port)})
        owner = f"{Path('/proc/self/comm').read_text().strip()} (process {os.getpid()})"
        assert owner_of_port(port) == owner
        advice = "stop it, or set another port for the mirror with DAGGER_NATIVE_MIRROR_PORT."
        assert port_problem(settings) == f"Port {port} is in use by {owner}: {advice}"
    assert port_problem(settings) is None
