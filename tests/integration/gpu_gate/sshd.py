"""A real OpenSSH server, with a launcher that really runs pytest.

As root, the server checks passwords with PAM, in a mount namespace with its own accounts: those of the machine are
neither used nor changed. As another user, the server only accepts that user, by key.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from ci.stack.gpu_config import GpuSettings
from tests.integration.gpu_gate.ssh_server import PASSWORD
from tests.programs import free_port, unpacked

NODE_FILES = Path(__file__).parent / "node"
PACKAGES = ("openssh-server", "openssh-sftp-server", "libwrap0")
IS_ROOT = os.geteuid() == 0
_PAM = "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n"
# Not root: OpenSSH accepts no signals from clients for processes of root.
_ACCOUNT = 64998
_ENTER = """
mount --bind {folder}/passwd /etc/passwd && mount --bind {folder}/shadow /etc/shadow &&
mount --bind {folder}/pam.d /etc/pam.d && mount -t tmpfs none /run && mkdir -m 755 /run/sshd && {python} && exec "$@"
"""


@dataclass(frozen=True)
class RealNode:
    """A running server."""

    folder: Path
    port: int
    user: str
    private_key: str
    host_key: str
    pid: int

    @property
    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key}"

    @property
    def pods(self) -> list[str]:
        return [path.name for path in (self.folder / "pods").iterdir()]

    def kill_sessions(self) -> None:
        for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)

    def settings(self, tests: Path, gpu_class: str = "small", **limits: float) -> GpuSettings:
        return GpuSettings(
            image="ml", host="127.0.0.1", port=self.port, user=self.user, gpu_class=gpu_class, workspace="DS_1",
            launch=str(self.folder / "bin" / "launch.sh"), tests=str(tests), min_passed=2, connect_limit=20,
            queue_limit=limits.get("queue_limit", 30), run_limit=limits.get("run_limit", 30),
        )  # fmt: skip

    def write_tests(self, text: str) -> Path:
        """Write a test file into a new folder that the account can read; return the folder."""
        folder = Path(tempfile.mkdtemp(prefix="it's the tests; exit 1 ", dir=self.folder))
        folder.chmod(0o755)
        (folder / "test_real.py").write_text(text)
        return folder


@contextmanager
def real_sshd(authentication: str) -> Iterator[RealNode]:
    """Run OpenSSH's server with one login method: publickey, password or keyboard-interactive."""
    if authentication != "publickey" and not IS_ROOT:
        pytest.skip("Only root can run a server that checks passwords.")
    with tempfile.TemporaryDirectory(prefix="login-node-") as place:
        folder = Path(place).resolve()
        folder.chmod(0o755)
        with _serving(folder, authentication) as node:
            yield node


@contextmanager
def _serving(folder: Path, authentication: str) -> Iterator[RealNode]:
    packages = unpacked(*PACKAGES)  # not installed, because that would start a server
    program = packages / "usr" / "sbin" / "sshd"
    private = _install(folder)
    port = free_port()
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    host_key.write_private_key(folder / "host_key")
    (folder / "host_key").chmod(0o600)
    (folder / "sshd_config").write_text(_config(folder, port, authentication))
    command = [str(program), "-D", "-e", "-f", str(folder / "sshd_config")]
    if IS_ROOT:
        _write_accounts(folder)
        command = ["unshare", "-m", "--propagation", "private", "sh", "-c", _enter(folder), "sh", *command]
    with (folder / "sshd.log").open("wb") as log:
        environment = {**os.environ, "LD_LIBRARY_PATH": str(packages / "usr" / "lib" / "x86_64-linux-gnu")}
        process = subprocess.Popen(command, stderr=log, stdout=log, env=environment, start_new_session=True)
    try:
        _wait(port, process, folder / "sshd.log")
        user = "grader" if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name
        yield RealNode(folder, port, user, private, host_key.export_public_key().decode(), process.pid)
    finally:
        # Sessions have process groups of their own; they end with the server.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def _install(folder: Path) -> str:
    """Install the launcher, kubectl and the programs of pods; return a private key that the server accepts."""
    for name, programs in {"bin": ("launch.sh", "kubectl"), "pod-bin": ("nvidia-smi",)}.items():
        (folder / name).mkdir()
        for program in programs:
            shutil.copy2(NODE_FILES / program, folder / name)
    python = folder / "pod-bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for name in ("pods", "home"):
        (folder / name).mkdir()
        if IS_ROOT:
            os.chown(folder / name, _ACCOUNT, _ACCOUNT)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_public_key(folder / "authorized_keys")
    return key.export_private_key().decode()


def _config(folder: Path, port: int, authentication: str) -> str:
    methods = {"publickey": "PubkeyAuthentication", "password": "PasswordAuthentication",
            "keyboard-interactive": "KbdInteractiveAuthentication"}  # fmt: skip
    lines = [f"{option} {'yes' if method == authentication else 'no'}" for method, option in methods.items()]
    return "\n".join([
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {folder}/host_key", "PidFile none", "StrictModes no",
        f"AuthorizedKeysFile {folder}/authorized_keys", f"UsePAM {'yes' if IS_ROOT else 'no'}",
        f"SetEnv PATH={folder}/bin:/usr/bin:/bin", *lines, "",
    ])  # fmt: skip


def _write_accounts(folder: Path) -> None:
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
    ).stdout.strip()
    accounts = Path("/etc/passwd").read_text()
    (folder / "passwd").write_text(
        f"{accounts}grader:x:{_ACCOUNT}:{_ACCOUNT}::{folder}/home:/bin/bash\nsshd:x:64999:65534::/run/sshd:/usr/sbin/nologin\n"
    )
    (folder / "shadow").write_text(f"root:*:19000::::::\ngrader:{hashed}:19000::::::\nsshd:*:19000::::::\n")
    (folder / "pam.d").mkdir()
    for name in ("sshd", "other"):
        (folder / "pam.d" / name).write_text(_PAM)


def _enter(folder: Path) -> str:
    """Return the script that sets up the namespace. Python gets mounted where the account cannot reach its folder."""
    steps = ["true"]
    homes = {Path(sys.prefix), Path(sys.base_prefix)}
    closed = {home: [above for above in home.parents if not above.stat().st_mode & 1] for home in homes}
    hidden = {home: above[-1] for home, above in closed.items() if above}
    for number, home in enumerate(hidden):
        steps.append(f"mkdir {folder}/python{number} && mount --bind {home} {folder}/python{number}")
    steps += [f"mount -t tmpfs -o mode=755 none {above}" for above in set(hidden.values())]
    for number, home in enumerate(hidden):
        steps.append(f"mkdir -p {home} && mount --bind {folder}/python{number} {home}")
    return _ENTER.format(folder=folder, python=" && ".join(steps))


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except ConnectionRefusedError:
            time.sleep(0.05)
    pytest.fail(f"OpenSSH's server did not start: {log.read_text()}")
