"""The whole way from published stacks to a wiki's repository, with others who write at the same time."""

import random
from pathlib import Path

import anyio
import pytest

from ci.adapters.git.wiki import GitWiki, open_wiki
from ci.commands.wiki import ATTEMPTS, ReadWiki, WikiResult, write_wiki
from ci.errors import ExternalError
from ci.wiki.model import WikiInput
from ci.wiki.pages import BEGIN, END, MARK, render_pages
from ci.wiki.repository import WikiChange
from tests.clocks import QuickClock
from tests.integration.adapters.wiki.server import TOKEN, WikiServer
from tests.unit.wiki.wikis import STABLE, TAGS, with_published

pytestmark = pytest.mark.anyio
BEFORE, AFTER = b"Welcome!\r\n\n<b>ours</b> \xff\n", b"\nAsk the staff.  \r\nNo end of line"
HOME = BEFORE + f"{BEGIN}\nold text\n{END}".encode() + AFTER


class State:
    """A registry whose stacks change: what is published is the newest `count` of the sample."""

    def __init__(self, count: int) -> None:
        self.count = count

    @property
    def wiki(self) -> WikiInput:
        return with_published(self.count)

    async def read(self) -> WikiInput:
        return self.wiki


async def write(server: WikiServer, state: State) -> WikiResult:
    async with open_wiki(server.address) as repository:
        return await write_wiki(repository, state.read, clock=QuickClock())


def expected(wiki: WikiInput) -> dict[str, bytes]:
    """Return the files of a wiki in which people wrote nothing but Home."""
    pages = {f"{name}.md": text.encode() for name, text in render_pages(wiki).items()}
    return pages | {"Home.md": BEFORE + pages["Home.md"].removesuffix(b"\n") + AFTER}


async def test_the_pages_of_people_stay_byte_for_byte(server: WikiServer) -> None:
    person = b"# Ours\r\n\xff no end"
    server.write(Home=HOME, Guide=person)
    await write(server, State(1))
    files = dict(server.files())
    assert files.pop("Guide.md") == person
    assert files == expected(with_published(1))


async def test_the_second_time_there_is_no_commit(server: WikiServer) -> None:
    server.write(Home=HOME)
    await write(server, State(1))
    commits = server.commits
    result = await write(server, State(1))
    assert result.change.is_empty
    assert server.commits == commits == 2


async def test_pages_of_a_stack_that_is_gone_are_removed(server: WikiServer) -> None:
    server.write(Home=HOME)
    await write(server, State(3))
    assert f"r-notebook-{TAGS[0]}.md" in server.files()
    result = await write(server, State(2))
    assert len(result.change.removed) == 4
    assert server.files() == expected(with_published(2))


async def test_a_dry_run_writes_nothing(server: WikiServer) -> None:
    server.write(Home=HOME)
    async with open_wiki(server.address) as repository:
        result = await write_wiki(repository, State(1).read, dry_run=True)
    assert f"r-notebook-{STABLE}.md" in result.change.written
    assert server.files() == {"Home.md": HOME}


async def test_whoever_is_overtaken_reads_the_registry_again(server: WikiServer) -> None:
    server.write(Home=HOME)
    state = State(3)
    overtaken: list[str] = []

    def overtake(path: str) -> None:
        """Before the first push is served, a stack is removed, and somebody else writes the wiki."""
        if path.endswith("/git-receive-pack") and not overtaken:
            overtaken.append(path)
            state.count = 2
            anyio.run(write, server, state)

    server.before = overtake
    result = await write(server, state)
    assert overtaken
    assert result.attempts == 2
    assert server.files() == expected(with_published(2))


async def test_of_many_writers_the_last_has_the_final_state(server: WikiServer) -> None:
    server.write(Home=HOME)
    attempts: list[int] = []

    for _round in range(3):
        state, all_have_read = State(0), anyio.Event()

        async def publish_and_read(state: State = state, all_have_read: anyio.Event = all_have_read) -> WikiInput:
            """Return what is older already, if it is not the last, when all have the same head."""
            state.count = min(state.count + 1, 3)
            wiki = state.wiki
            if state.count == 3:
                all_have_read.set()
            await all_have_read.wait()
            return wiki

        async def run(read: ReadWiki = publish_and_read) -> None:
            async with open_wiki(server.address) as repository:
                attempts.append((await write_wiki(repository, read)).attempts)

        async with anyio.create_task_group() as tasks:
            for _writer in range(3):
                tasks.start_soon(run)
        assert server.files() == expected(with_published(3))
        server.write(**{f"r-notebook-{STABLE}": MARK.encode()})
    assert sum(attempts) > len(attempts)


async def test_whoever_is_always_overtaken_gives_up_with_a_sentence(server: WikiServer) -> None:
    server.write(Home=HOME)
    pushes: list[str] = []

    def overtake(path: str) -> None:
        if path.endswith("/git-receive-pack"):
            pushes.append(path)
            server.write(Guide=str(len(pushes)).encode())

    server.before = overtake
    with pytest.raises(ExternalError, match=rf"in each of {ATTEMPTS} attempts somebody else pushed"):
        await write(server, State(1))
    assert len(pushes) == ATTEMPTS
    assert sorted(server.files()) == ["Guide.md", "Home.md"]


async def test_nothing_is_written_if_the_registry_cannot_be_read(server: WikiServer) -> None:
    server.write(Home=HOME)

    async def fail() -> WikiInput:
        raise ExternalError("The registry did not answer.")

    async with open_wiki(server.address) as repository:
        with pytest.raises(ExternalError, match="did not answer"):
            await write_wiki(repository, fail)
    assert server.commits == 1


async def test_what_is_not_a_page_keeps_its_mode(server: WikiServer) -> None:
    blob = server.git("hash-object", "-w", "--stdin", stdin=b"\x89PNG\r\n").decode().strip()
    home = server.git("hash-object", "-w", "--stdin", stdin=HOME).decode().strip()
    folder = server.git("mktree", stdin=f'100755 blob {blob}\t"odd \\\\ \\"name\\n.png"\n'.encode()).decode().strip()
    entries = f"100644 blob {home}\tHome.md\n120000 blob {blob}\tlink\n040000 tree {folder}\tpictures\n"
    tree = server.git("mktree", stdin=entries.encode()).decode().strip()
    person = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    server.git("update-ref", "refs/heads/main", server.git(*person, "commit-tree", "-m", "m", tree).decode().strip())
    await write(server, State(1))
    listed = server.git("ls-tree", "main", "link", "pictures").decode()
    assert listed == f"120000 blob {blob}\tlink\n040000 tree {folder}\tpictures\n"


async def test_the_token_is_in_the_environment_of_git_only(
    server: WikiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.write(Home=HOME)
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE_CURL", str(trace))
    monkeypatch.setenv("GIT_TRACE_REDACT", "0")
    address, clone = server.address, tmp_path / "clone"
    clone.mkdir()
    secrets = [TOKEN.encode(), address.settings[f"http.{address.url}.extraHeader"].split()[-1].encode()]
    arguments: list[bytes] = []
    environments: list[bytes] = []

    def look(path: str) -> None:
        if path.endswith("/git-receive-pack"):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    arguments.append((process / "cmdline").read_bytes())
                    environments.append((process / "environ").read_bytes())
                except OSError:  # it has ended
                    continue

    server.before = look
    result = await write_wiki(GitWiki(address, clone), State(1).read)
    assert any(b"remote-https" in one for one in arguments)
    assert any(secrets[1] in one for one in environments)
    files = [path.read_bytes() for path in clone.rglob("*") if path.is_file()]
    assert len(files) > 5
    shown = [*arguments, *files, repr(result).encode(), repr(address).encode()]
    assert [one for one in shown if any(secret in one for secret in secrets)] == []
    assert not trace.exists()


async def test_large_pages_travel(server: WikiServer) -> None:
    server.write(Home=HOME)
    # What does not shrink: git sends more than 1 MB in chunks.
    source = random.Random(0)  # noqa: S311 (nothing secret)
    noise = {f"Page-{number}.md": source.randbytes(400_000) for number in range(4)}
    async with open_wiki(server.address) as repository:
        head = await repository.read()
        await repository.push(head, WikiChange(written=noise), "Pages\n")
    assert server.files() == {"Home.md": HOME, **noise}


async def test_the_repository_is_sound(server: WikiServer) -> None:
    server.write(Home=HOME)
    await write(server, State(1))
    assert server.git("fsck", "--strict") == b""
