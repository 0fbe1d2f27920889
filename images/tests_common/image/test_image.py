"""What holds for every image of the stack, whatever it is for."""

import grp
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path("/home/jovyan")
SYSTEM = ("/bin", "/etc", "/lib", "/opt", "/sbin", "/srv", "/usr", "/var")
# Debian's own, as its base system has them.
SETUID = {"chage", "chfn", "chsh", "expiry", "gpasswd", "mount", "newgrp", "passwd", "su", "umount", "unix_chkpwd"}


def walk(*roots: str) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield every file and folder below some roots, links aside."""
    for root in roots:
        for folder, folders, files in os.walk(root):
            for name in (*folders, *files):
                path = Path(folder, name)
                if not path.is_symlink():
                    try:
                        yield path, path.stat()
                    except PermissionError:
                        continue  # what this user cannot see, it cannot change


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user of the image would: without the path that brings pytest along."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def test_the_user_is_jovyan() -> None:
    user = pwd.getpwuid(os.getuid())
    assert (user.pw_name, user.pw_uid, user.pw_gid) == ("jovyan", 1000, 100)
    assert os.getgid() == 100
    assert Path(user.pw_dir) == HOME


def test_the_home_is_the_users_own_and_can_be_written() -> None:
    status = HOME.stat()
    assert (status.st_uid, grp.getgrgid(status.st_gid).gr_name) == (1000, "users")
    probe = HOME / ".probe"
    probe.write_text("x")
    probe.unlink()


def test_the_home_holds_no_left_overs() -> None:
    assert {path.name for path in HOME.iterdir()} <= {".bash_logout", ".bashrc", ".profile"}


def test_no_system_folder_can_be_written_by_everybody() -> None:
    open_to_all = [
        str(path)
        for path, status in walk(*SYSTEM)
        if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX and not stat.S_ISCHR(status.st_mode)
    ]
    assert open_to_all == []


def test_nothing_runs_with_rights_beyond_debians_own() -> None:
    raised = {path.name for path, status in walk("/usr", "/opt") if status.st_mode & (stat.S_ISUID | stat.S_ISGID)
              and path.is_file()}  # fmt: skip
    assert raised <= SETUID


def test_the_python_packages_fit_together() -> None:
    checked = run("python3", "-m", "pip", "check")
    assert checked.returncode == 0, checked.stdout


def test_text_is_utf_8() -> None:
    spoken = run("python3", "-c", "import locale; print(locale.getpreferredencoding(), 'µ')")
    assert spoken.stdout == "UTF-8 µ\n"


@pytest.mark.parametrize("name", ["python3", "pip", "jupyter", "jupyter-lab"])
def test_commands_come_from_the_environment(name: str) -> None:
    assert shutil.which(name) == f"/opt/venv/bin/{name}"


def test_packages_can_be_added_by_the_user() -> None:
    assert os.access("/opt/venv/lib", os.W_OK)


def test_no_secrets_lie_about() -> None:
    names = {".netrc", ".pypirc", "id_rsa", "id_ed25519", ".git-credentials", "credentials"}
    assert [
        str(path) for path, _ in walk("/home", "/opt", "/etc", "/srv") if path.name in names and path.is_file()
    ] == []


def test_the_image_keeps_to_its_budget() -> None:
    budget = os.environ["IMAGE_SIZE_BUDGET"]
    if not budget:
        pytest.skip(f"stack.toml sets no size-budget for {os.environ['IMAGE_NAME']}")
    used = run("du", "--summarize", "--bytes", "--one-file-system", "/")
    assert int(used.stdout.split()[0]) <= int(budget)
