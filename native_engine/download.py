"""Fetches the pinned `dagger` command and believes only bytes whose SHA-256 was published beside them."""

import hashlib
import http.client
import io
import platform
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from native_engine.errors import EngineError

DEFAULT_URL = "https://dl.dagger.io/dagger/releases"
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
SILENCE = 30.0  # seconds without a byte after which a download is given up
CHUNK = 1 << 20


def archive_name(version: str, system: str, machine: str) -> str:
    """Name the release archive for a system and machine as Python's `platform` spells them."""
    if system not in {"Linux", "Darwin"} or machine.lower() not in MACHINES:
        raise EngineError(f"There is no dagger command for {system} on {machine}: install one and put it on PATH.")
    return f"dagger_v{version}_{system.lower()}_{MACHINES[machine.lower()]}.tar.gz"


def published_digest(checksums: str, archive: str, url: str) -> str:
    """Find ARCHIVE's line in a file of lines "<sha256>  <name>"."""
    for line in checksums.splitlines():
        digest, _, name = line.partition(" ")
        if name.strip().lstrip("*") == archive:
            return digest.lower()
    raise EngineError(f"{url} does not list {archive}: the dagger command was not installed.")


def fetch_cli(base_url: str, version: str, cache: Path) -> Path:
    """Return the command of VERSION below CACHE, fetched if need be; two at once each put the same file there."""
    archive = archive_name(version, platform.system(), platform.machine())
    target = cache / f"dagger-{version}" / "dagger"
    if target.exists():
        return target
    folder = f"{base_url.rstrip('/')}/{version}"
    checksums = f"{folder}/checksums.txt"
    wanted = published_digest(_read(checksums), archive, checksums)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
            packed = Path(scratch) / archive
            _save(f"{folder}/{archive}", packed, wanted)
            _unpack(packed, Path(scratch) / "dagger", f"{folder}/{archive}").replace(target)
    except OSError as error:
        raise EngineError(f"The dagger command cannot be put into {target.parent}: {error}.") from error
    return target


def _open(url: str) -> http.client.HTTPResponse:
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(url, timeout=SILENCE)  # noqa: S310 (the person's own URL)
    except urllib.error.HTTPError as error:
        error.close()
        raise EngineError(
            f"{url} answered {error.code} {error.reason}: the dagger command was not installed."
        ) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise EngineError(
            f"{url} cannot be reached ({reason}): install dagger yourself and put it on PATH, or name a copy of the "
            f"releases with DAGGER_DOWNLOAD_URL."
        ) from error
    return answer


def _read(url: str) -> str:
    with _open(url) as answer:
        try:
            return answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"{url} broke off: run the command again.") from error


def _save(url: str, path: Path, wanted: str) -> None:
    digest, received = hashlib.sha256(), 0
    with _open(url) as answer, path.open("wb") as file:
        announced = answer.headers.get("Content-Length", "")
        while block := _block(answer, url):
            received += len(block)
            digest.update(block)
            file.write(block)
    if announced.isdecimal() and received < int(announced):
        raise EngineError(f"{url} broke off after {received} of {announced} bytes: run the command again.")
    if digest.hexdigest() != wanted:
        raise EngineError(
            f"{url} has the SHA-256 {digest.hexdigest()}, but {wanted} was published: it was not installed. "
            f"Find out who changed it before you try again."
        )


def _block(answer: IO[bytes], url: str) -> bytes:
    try:
        return answer.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(f"{url} broke off: run the command again.") from error


def _unpack(packed: Path, command: Path, url: str) -> Path:
    """Take the one file that is wanted out of the archive; nothing in it decides where anything goes."""
    try:
        with tarfile.open(packed) as archive:
            member = archive.extractfile("dagger") or io.BytesIO()  # for an entry that is no file
            with command.open("wb") as file:
                shutil.copyfileobj(member, file)
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise EngineError(f"{url} holds no dagger command: it was not installed.") from error
    if command.stat().st_size == 0:
        raise EngineError(f"{url} holds no dagger command: it was not installed.")
    command.chmod(0o755)
    return command
