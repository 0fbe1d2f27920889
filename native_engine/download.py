"""Downloads the pinned `dagger` command and checks it against the published SHA-256."""

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
READ_TIMEOUT = 30.0  # seconds without a byte after which a download fails
CHUNK = 1 << 20


def archive_name(version: str, system: str, machine: str) -> str:
    """Return the file name of the release archive; SYSTEM and MACHINE are spelled as in Python's `platform`."""
    if system not in {"Linux", "Darwin"} or machine.lower() not in MACHINES:
        raise EngineError(
            f"Dagger has no release for {system} on {machine}: install dagger yourself and put it on PATH."
        )
    return f"dagger_v{version}_{system.lower()}_{MACHINES[machine.lower()]}.tar.gz"


def published_digest(checksums: str, archive: str, url: str) -> str:
    """Return the SHA-256 of ARCHIVE from CHECKSUMS, which has lines "<sha256>  <name>"."""
    for line in checksums.splitlines():
        digest, _, name = line.partition(" ")
        if name.strip().lstrip("*") == archive:
            return digest.lower()
    raise EngineError(f"{url} does not list {archive}: dagger was not installed.")


def fetch_cli(base_url: str, version: str, cache: Path) -> Path:
    """Return the command of VERSION below CACHE, downloaded if it is missing; concurrent calls write the same file."""
    archive = archive_name(version, platform.system(), platform.machine())
    target = cache / f"dagger-{version}" / "dagger"
    if target.exists():
        return target
    folder = f"{base_url.rstrip('/')}/{version}"
    checksums = f"{folder}/checksums.txt"
    expected = published_digest(_read(checksums), archive, checksums)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
            packed = Path(scratch) / archive
            _save(f"{folder}/{archive}", packed, expected)
            _unpack(packed, Path(scratch) / "dagger", f"{folder}/{archive}").replace(target)
    except OSError as error:
        raise EngineError(f"Cannot install dagger in {target.parent}: {error}.") from error
    return target


def _open(url: str) -> http.client.HTTPResponse:
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(url, timeout=READ_TIMEOUT)  # noqa: S310 (the user's own URL)
    except urllib.error.HTTPError as error:
        error.close()
        raise EngineError(f"{url}: {error.code} {error.reason}: dagger was not installed.") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise EngineError(
            f"Cannot reach {url} ({reason}): install dagger yourself and put it on PATH, or set "
            f"DAGGER_DOWNLOAD_URL to a mirror of the releases."
        ) from error
    return response


def _read(url: str) -> str:
    with _open(url) as response:
        try:
            return response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"{url}: the connection broke off: run the command again.") from error


def _save(url: str, path: Path, expected: str) -> None:
    digest, received = hashlib.sha256(), 0
    with _open(url) as response, path.open("wb") as file:
        length = response.headers.get("Content-Length", "")
        while chunk := _read_chunk(response, url):
            received += len(chunk)
            digest.update(chunk)
            file.write(chunk)
    if length.isdecimal() and received < int(length):
        raise EngineError(f"{url}: the connection broke off after {received} of {length} bytes: run the command again.")
    if digest.hexdigest() != expected:
        raise EngineError(
            f"{url} has the SHA-256 {digest.hexdigest()}, but the published one is {expected}: dagger was not "
            f"installed. Find out why the file was changed before you try again."
        )


def _read_chunk(response: IO[bytes], url: str) -> bytes:
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(f"{url}: the connection broke off: run the command again.") from error


def _unpack(packed: Path, command: Path, url: str) -> Path:
    """Extract only the member `dagger` of the archive, to COMMAND: no path in the archive is used."""
    try:
        with tarfile.open(packed) as archive:
            member = archive.extractfile("dagger") or io.BytesIO()  # None for a member that is not a file
            with command.open("wb") as file:
                shutil.copyfileobj(member, file)
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise EngineError(f"{url} does not contain the dagger command: dagger was not installed.") from error
    if command.stat().st_size == 0:
        raise EngineError(f"{url} does not contain the dagger command: dagger was not installed.")
    command.chmod(0o755)
    return command
