"""Downloading the dagger command, from a real HTTP server on loopback."""

import hashlib
import io
import os
import platform
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from native_engine.download import archive_name, fetch_cli
from native_engine.errors import EngineError

CHECKOUT = Path(__file__).resolve().parents[3]
ARCHIVE = archive_name("0.21.8", platform.system(), platform.machine())
SCRIPT = b'#!/bin/sh\necho "fetched $*"\n'


def archive_of(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


GOOD = archive_of("dagger", SCRIPT)


def checksums(content: bytes, name: str = ARCHIVE) -> bytes:
    return f"{'0' * 64}  another.tar.gz\n{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


class Releases:
    """The responses of the server by file name, and its requests; a response can be truncated to a length."""

    def __init__(self) -> None:
        self.files = {ARCHIVE: GOOD, "checksums.txt": checksums(GOOD)}
        self.truncated: dict[str, int] = {}
        self.requests: list[str] = []


@pytest.fixture
def releases() -> Releases:
    return Releases()


@pytest.fixture
def url(releases: Releases) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/releases/0.21.8/")
            releases.requests.append(name)
            if name not in releases.files:
                self.send_error(404)
                return
            content = releases.files[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: releases.truncated.get(name, len(content))])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/releases"
        server.shutdown()


def files_in(cache: Path) -> list[str]:
    return [path.name for path in cache.rglob("*") if path.is_file()]


def test_a_good_archive_is_installed_once(url: str, releases: Releases, tmp_path: Path) -> None:
    command = fetch_cli(url, "0.21.8", tmp_path)
    assert command == tmp_path / "dagger-0.21.8" / "dagger"
    assert command.read_bytes() == SCRIPT
    assert os.access(command, os.X_OK)
    assert fetch_cli(url, "0.21.8", tmp_path) == command
    assert releases.requests == ["checksums.txt", ARCHIVE]
    assert files_in(tmp_path) == ["dagger"]


def other_checksum(releases: Releases) -> None:
    releases.files["checksums.txt"] = checksums(b"other")


def unlisted(releases: Releases) -> None:
    releases.files["checksums.txt"] = checksums(GOOD, "elsewhere.tar.gz")


def no_checksums(releases: Releases) -> None:
    del releases.files["checksums.txt"]


def no_archive(releases: Releases) -> None:
    del releases.files[ARCHIVE]


def truncated(releases: Releases) -> None:
    releases.truncated[ARCHIVE] = len(GOOD) - 10


def truncated_checksums(releases: Releases) -> None:
    releases.truncated["checksums.txt"] = 20


def published(content: bytes) -> Callable[[Releases], None]:
    def publish(releases: Releases) -> None:
        releases.files |= {ARCHIVE: content, "checksums.txt": checksums(content)}

    return publish


@pytest.mark.parametrize(
    ("break_releases", "message"),
    [
        pytest.param(
            other_checksum,
            r"has the SHA-256 \w{64}, but the published one is \w{64}: dagger was not",
            id="wrong checksum",
        ),
        pytest.param(unlisted, rf"checksums\.txt does not list {ARCHIVE}", id="unlisted"),
        pytest.param(no_checksums, r"checksums\.txt: 404 Not Found: dagger was not installed", id="no checksums"),
        pytest.param(no_archive, rf"{ARCHIVE}: 404 Not Found: dagger was not installed", id="no archive"),
        pytest.param(truncated, rf"{ARCHIVE}: the connection broke off after \d+ of {len(GOOD)} bytes", id="truncated"),
        pytest.param(truncated_checksums, r"checksums\.txt: the connection broke off", id="truncated checksums"),
        pytest.param(published(b"no archive"), r"does not contain the dagger command", id="no archive inside"),
        pytest.param(
            published(archive_of("README", b"")), r"does not contain the dagger command", id="without the command"
        ),
        pytest.param(published(archive_of("dagger", b"")), r"does not contain the dagger command", id="empty command"),
    ],
)
def test_nothing_else_is_installed(
    url: str, releases: Releases, tmp_path: Path, break_releases: Callable[[Releases], None], message: str
) -> None:
    break_releases(releases)
    with pytest.raises(EngineError, match=message):
        fetch_cli(url, "0.21.8", tmp_path)
    assert files_in(tmp_path) == []


def test_a_download_succeeds_after_a_failed_one(url: str, releases: Releases, tmp_path: Path) -> None:
    truncated(releases)
    with pytest.raises(EngineError):
        fetch_cli(url, "0.21.8", tmp_path)
    releases.truncated.clear()
    assert fetch_cli(url, "0.21.8", tmp_path).read_bytes() == SCRIPT


def test_an_unreachable_server_is_one_sentence_with_two_solutions(tmp_path: Path) -> None:
    with pytest.raises(
        EngineError, match=r"Cannot reach .* \(.*refused\): install dagger .* or set DAGGER_DOWNLOAD_URL to"
    ):
        fetch_cli("http://127.0.0.1:1/releases", "0.21.8", tmp_path)


def test_a_cache_that_cannot_be_written_is_one_sentence(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"Cannot install dagger in .*file/dagger-0\.21\.8: .*Not a directory"):
        fetch_cli(url, "0.21.8", tmp_path / "file")


def test_two_concurrent_runs_both_run_the_command_with_their_words_unchanged(url: str, tmp_path: Path) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path),
        "DAGGER_DOWNLOAD_URL": url,
        "DAGGER_NATIVE_PREFIX": str(tmp_path / "none"),
        "_EXPERIMENTAL_DAGGER_RUNNER_HOST": "tcp://127.0.0.1:1",
    }
    command = [sys.executable, "-I", str(CHECKOUT / "daggerw"), "call", "plan", "--json", "two words"]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, env=environment, text=True, stdout=pipe, stderr=pipe) for _ in range(2)]
    for process in running:
        output, errors = process.communicate(timeout=30)
        assert (process.returncode, output) == (0, "fetched call plan --json two words\n"), errors
    assert files_in(tmp_path) == ["dagger"]
