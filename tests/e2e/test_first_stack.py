"""docs/first-stack.md, typed by a newcomer: every command of the page, in order, in one shell."""

import os
import re
import signal
import subprocess
import textwrap
from contextlib import suppress
from pathlib import Path

from native_engine.settings import read_settings
from tests.e2e.conftest import ROOT
from tests.programs import docker_registry, free_port

PAGE = ROOT / "docs" / "first-stack.md"
_BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"localhost:(\d+)")


def blocks(kind: str) -> list[str]:
    """Return what the page has to be typed (sh), or shows as printed (text)."""
    found = _BLOCK.finditer(PAGE.read_text())
    return [textwrap.dedent(block[2]) for block in found if block[1] == kind]


def test_the_port_of_the_registry_is_one_that_the_engine_here_leaves_free() -> None:
    assert set(_PORT.findall(PAGE.read_text())) == {"5050"}
    assert read_settings({}).mirror_port != int("5050")


def test_the_page_from_an_empty_folder_to_a_stable_tag(tmp_path: Path, engine: None) -> None:  # noqa: ARG001 (it must be up)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "dagger").write_text(f'#!/bin/sh\nexec "{ROOT}/daggerw" "$@"\n')
    (programs / "dagger").chmod(0o755)
    (programs / "docker-registry").symlink_to(docker_registry())
    first, *others = blocks("sh")
    assert first.startswith("export MODULE=")
    # This module, as it is, and a port that is free here. All else is what the page says.
    port = str(free_port())
    script = "\n".join(["set -eux", f"export MODULE={ROOT}", *(block.replace("5050", port) for block in others)])
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
    }
    (tmp_path / "gitconfig").write_text("[user]\nname = a maintainer\nemail = maintainer@example.org\n")
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            printed, _ = shell.communicate(timeout=500)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)  # the registry that the page starts
    assert shell.returncode == 0, printed
    for shown in blocks("text"):
        assert shown in printed, printed
    tree = {path.name for path in (tmp_path / "my-stack").iterdir()}
    assert tree == {".git", "images"}, "the stack is all that its source tree has"
    assert printed.count("1 passed") >= len(("base", "hello"))
    assert "\nhello" in printed
    commit = subprocess.run(
        ["git", "rev-parse", "--short=7", "HEAD"], cwd=tmp_path / "my-stack", check=True, capture_output=True, text=True
    ).stdout.strip()
    assert f"Published as localhost:{port}/trial/IMAGE:2026.4-{commit}: the tag was written for 2 images." in printed
    assert f"Already published: localhost:{port}/trial/IMAGE:2026.4-{commit}" in printed
    assert "2026.4-stable" in printed
