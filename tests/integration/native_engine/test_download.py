"""Fetching the dagger command, from a real HTTP server on loopback."""

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
    """What the server answers, by file name, and how often each was asked for; a page may be cut to a length."""

    def __init__(self) -> None:
        self.pages = {ARCHIVE: GOOD, "checksums.txt": checksums(GOOD)}
        self.cut: dict[str, int] = {}
        self.asked: list[str] = []


@pytest.fixture
def releases() -> Releases:
    return Releases()


@pytest.fixture
def url(releases: Releases) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/releases/0.21.8/")
            releases.asked.append(name)
            if name not in releases.pages:
                self.send_error(404)
                return
            page = releases.pages[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page[: releases.cut.get(name, len(page))])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class calls it so)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/releases"
        server.shutdown()


def left_in(cache: Path) -> list[str]:
    return [path.name for path in cache.rglob("*") if path.is_file()]


def test_a_good_archive_is_installed_once(url: str, releases: Releases, tmp_path: Path) -> None:
    command = fetch_cli(url, "0.21.8", tmp_path)
    assert command == tmp_path / "dagger-0.21.8" / "dagger"
    assert command.read_bytes() == SCRIPT
    assert os.access(command, os.X_OK)
    assert fetch_cli(url, "0.21.8", tmp_path) == command
    assert releases.asked == ["checksums.txt", ARCHIVE]
    assert left_in(tmp_path) == ["dagger"]


def other_checksum(releases: Releases) -> None:
    releases.pages["checksums.txt"] = checksums(b"other")


def unlisted(releases: Releases) -> None:
    releases.pages["checksums.txt"] = checksums(GOOD, "elsewhere.tar.gz")


def no_checksums(releases: Releases) -> None:
    del releases.pages["checksums.txt"]


def no_archive(releases: Releases) -> None:
    del releases.pages[ARCHIVE]


def truncated(releases: Releases) -> None:
    releases.cut[ARCHIVE] = len(GOOD) - 10


def truncated_checksums(releases: Releases) -> None:
    releases.cut["checksums.txt"] = 20


def published(content: bytes) -> Callable[[Releases], None]:
    def publish(releases: Releases) -> None:
        releases.pages |= {ARCHIVE: content, "checksums.txt": checksums(content)}

    return publish


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        pytest.param(
            other_checksum, r"has the SHA-256 \w{64}, but \w{64} was published: it was not", id="wrong checksum"
        ),
        pytest.param(unlisted, rf"checksums\.txt does not list {ARCHIVE}", id="unlisted"),
        pytest.param(no_checksums, r"checksums\.txt answered 404 Not Found", id="no checksums"),
        pytest.param(no_archive, rf"{ARCHIVE} answered 404 Not Found", id="no archive"),
        pytest.param(truncated, rf"{ARCHIVE} broke off after \d+ of {len(GOOD)} bytes", id="truncated"),
        pytest.param(truncated_checksums, r"checksums\.txt broke off", id="truncated checksums"),
        pytest.param(published(b"no archive"), r"holds no dagger command", id="no archive inside"),
        pytest.param(published(archive_of("README", b"")), r"holds no dagger command", id="without the command"),
        pytest.param(published(archive_of("dagger", b"")), r"holds no dagger command", id="empty command"),
    ],
)
def test_nothing_is_installed_of_anything_else(
    url: str, releases: Releases, tmp_path: Path, spoil: Callable[[Releases], None], sentence: str
) -> None:
    spoil(releases)
    with pytest.raises(EngineError, match=sentence):
        fetch_cli(url, "0.21.8", tmp_path)
    assert left_in(tmp_path) == []


def test_the_next_try_is_not_hindered_by_a_failed_one(url: str, releases: Releases, tmp_path: Path) -> None:
    truncated(releases)
    with pytest.raises(EngineError):
        fetch_cli(url, "0.21.8", tmp_path)
    releases.cut.clear()
    assert fetch_cli(url, "0.21.8", tmp_path).read_bytes() == SCRIPT


def test_a_server_that_is_not_there_is_one_sentence_with_two_ways_out(tmp_path: Path) -> None:
    with pytest.raises(
        EngineError, match=r"cannot be reached \(.*refused\): install dagger .* with DAGGER_DOWNLOAD_URL"
    ):
        fetch_cli("http://127.0.0.1:1/releases", "0.21.8", tmp_path)


def test_a_cache_that_cannot_be_written_is_one_sentence(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"cannot be put into .*file/dagger-0\.21\.8: .*Not a directory"):
        fetch_cli(url, "0.21.8", tmp_path / "file")


def test_two_at_once_both_run_the_command_and_their_words_and_exit_code_pass_through(url: str, tmp_path: Path) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path),
        "DAGGER_DOWNLOAD_URL": url,
        "DAGGER_NATIVE_PREFIX": str(tmp_path / "none"),
        "_EXPERIMENTAL_DAGGER_RUNNER_HOST": "tcp://127.0.0.1:1",
    }
    command = [sys.executable, "-I", str(CHECKOUT / "daggerw"), "call", "two words"]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, env=environment, text=True, stdout=pipe, stderr=pipe) for _ in range(2)]
    for process in running:
        printed, told = process.communicate(timeout=30)
        assert (process.returncode, printed) == (0, "fetched call two words\n"), told
    assert left_in(tmp_path) == ["dagger"]


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "dagger_v1.2.3_linux_amd64.tar.gz"),
        ("Linux", "aarch64", "dagger_v1.2.3_linux_arm64.tar.gz"),
        ("Darwin", "arm64", "dagger_v1.2.3_darwin_arm64.tar.gz"),
    ],
)
def test_each_machine_has_an_archive_of_its_own(system: str, machine: str, name: str) -> None:
    assert archive_name("1.2.3", system, machine) == name


def test_a_machine_without_releases_is_one_sentence() -> None:
    with pytest.raises(EngineError, match="There is no dagger command for Linux on riscv64: install one"):
        archive_name("1.2.3", "Linux", "riscv64")
