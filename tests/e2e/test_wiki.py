"""The wiki as a workflow writes it: ./daggerw call wiki, to git's http-backend behind TLS and a password."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from native_engine.settings import read_settings
from tests.e2e.conftest import ROOT, Call
from tests.e2e.notebook_stack import FILES, IMAGES, Operator, commit, new_operator
from tests.integration.adapters.oci.bridge import Bridge, bridge_to
from tests.integration.adapters.oci.debian import DebianRegistry
from tests.integration.adapters.wiki.server import TOKEN, WikiServer, wiki_server
from tests.integration.adapters.wiki.test_writing import AFTER, BEFORE, HOME

STABLE = "2026.4-stable"
GUIDE = b"# How to\r\n\xff without an end"
ROUNDS = int(os.environ.get("WIKI_ROUNDS", "2"))
"""How often two writers race; the more the longer."""


class Author(Operator):
    """An operator with two published stacks, and a wiki."""

    server: WikiServer
    door: Bridge
    first: str
    second: str

    @property
    def wiki_words(self) -> tuple[str, ...]:
        os.environ["WIKI_TOKEN"] = TOKEN
        return (
            *("--url", self.server.address.url, "--service", f"tcp://localhost:{self.door.port}"),
            *("--token", "env:WIKI_TOKEN"),
        )

    def write_wiki(self, *more: str) -> str:
        done = self.run("wiki", *self.wiki_words, *more)
        assert TOKEN not in done.stdout + done.stderr
        assert done.returncode == 0, done.stderr
        return done.stdout

    def begin_wiki(self) -> "subprocess.Popen[bytes]":
        """Begin to write the wiki, and do not wait for it."""
        words = ("call", "--source", str(self.repository.root), "wiki", *self.registry, *self.wiki_words)
        return subprocess.Popen([sys.executable, str(ROOT / "daggerw"), *words], cwd=ROOT, stderr=subprocess.PIPE)

    def change_stable(self) -> None:
        """Promote the second stack, or if it is stable go back to the first."""
        words = ("tag", "--tag", self.second, "--accept-without-gpu", "this stack has no GPU")
        is_second = self.stack(STABLE) == self.stack(self.second)
        done = self.run(*(("rollback", "--tag", STABLE) if is_second else words))
        assert done.returncode == 0, done.stderr

    def expected(self, folder: Path) -> Mapping[str, bytes]:
        """Return the files of a wiki with all of the registry, and the pages of people."""
        done = self.run("wiki-pages", "--url", self.server.address.url, "-o", str(folder))
        assert done.returncode == 0, done.stderr
        pages = {path.name: path.read_bytes() for path in folder.iterdir()}
        return pages | {"Home.md": BEFORE + pages["Home.md"].removesuffix(b"\n") + AFTER, "Guide.md": GUIDE}


@pytest.fixture(scope="module")
def author(
    tmp_path_factory: pytest.TempPathFactory, call: Call, debian: DebianRegistry, bridge: Bridge
) -> Iterator[Author]:
    folder = tmp_path_factory.mktemp("wiki")
    author = Author(new_operator(folder, call, debian, bridge).repository, call, debian, bridge)
    assert author.publish() == dict.fromkeys(IMAGES, "built"), author.errors
    author.first = author.tag
    commit(author.repository, {"images/r/Dockerfile": f"{FILES['images/r/Dockerfile']}RUN touch /more\n"})
    assert author.publish() == {**dict.fromkeys(IMAGES, "reused"), "r": "built"}, author.errors
    author.second = author.tag
    done = author.run("tag", "--tag", author.first, "--accept-without-gpu", "this stack has no GPU")
    assert done.returncode == 0, done.stderr
    with wiki_server(folder) as author.server:
        author.server.write(Home=HOME, Guide=GUIDE)
        with bridge_to(f"localhost:{author.server.port}", author.server.ca.read_text()) as author.door:
            yield author


def test_pages_come_once_and_the_token_is_seen_nowhere(author: Author, tmp_path: Path) -> None:
    seen: list[str] = []
    author.server.before = lambda _path: seen.extend(command_lines())
    printed = author.write_wiki("--dry-run")
    assert f"write   r-{STABLE}.md" in printed
    assert author.server.commits == 1
    author.write_wiki()
    author.server.before = lambda _path: None
    assert dict(author.server.files()) == author.expected(tmp_path / "pages")
    assert "the wiki says all this already" in author.write_wiki()
    assert author.server.commits == 2

    assert any("fast-import" in line or "http-backend" in line or "ls-remote" in line for line in seen)
    assert not [line for line in seen if TOKEN in line]
    logs = read_settings(os.environ).prefix / "logs"
    assert not [path for path in logs.iterdir() if TOKEN.encode() in path.read_bytes()]
    config = (author.server.repository / "config").read_text()
    assert TOKEN not in config


def command_lines() -> list[str]:
    """Return the command line of every process of this machine, those of the engine's containers included."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_two_writers_the_final_state_stays(author: Author, tmp_path: Path, number: int) -> None:
    """Between the reading and the push of one, the stable tag changes and another writes: before it, or at once."""
    others: list[subprocess.Popen[bytes]] = []

    def overtake(path: str) -> None:
        if path.endswith("/git-receive-pack") and not others:
            author.change_stable()
            others.append(author.begin_wiki())
            if number % 2:
                others[0].wait()

    author.server.before = overtake
    # One of these is new to the wiki, so that the first writer has something to push.
    author.change_stable()
    author.write_wiki()
    _, errors = others[0].communicate()
    assert others[0].returncode == 0, errors.decode()
    author.server.before = lambda _path: None
    assert dict(author.server.files()) == author.expected(tmp_path / "pages")


def test_a_page_of_a_person_in_the_way_is_an_error(author: Author) -> None:
    author.server.write(Packages=b"mine\n")
    done = author.run("wiki", *author.wiki_words)
    assert done.returncode == 1
    assert "Packages.md" in done.stderr
    assert author.server.files()["Packages.md"] == b"mine\n"
