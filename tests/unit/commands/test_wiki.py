"""The wiki command's rules, on a wiki in memory. tests/integration/adapters/wiki has real races."""

import pytest

from ci.commands.wiki import ATTEMPTS, page_prefix, required_wiki_url, wiki_url, write_wiki
from ci.errors import ExternalError, RequestError
from ci.stack.model import Stack
from ci.stack.reader import read_stack
from ci.wiki.model import WikiInput
from tests.clocks import QuickClock
from tests.memory_wiki import MemoryWiki
from tests.unit.trees import MemoryTree
from tests.unit.wiki.wikis import sample, with_published

GITHUB = "https://github.com/ucsd-ets/stack"


@pytest.mark.anyio
async def test_who_is_overtaken_waits_and_reads_both_again() -> None:
    wiki, clock = MemoryWiki({"Home.md": b"Hello\n"}), QuickClock()
    states = [with_published(1), with_published(2)]
    reads: list[int] = []

    async def read() -> WikiInput:
        reads.append(wiki.commits)
        if len(reads) == 1:
            wiki.write(Guide=b"mine")
        return states[len(reads) - 1]

    result = await write_wiki(wiki, read, clock=clock)
    assert (result.attempts, reads, clock.waits) == (2, [0, 1], [0.25])
    assert wiki.files is not None
    assert wiki.files["Guide.md"] == b"mine"
    assert len(wiki.files) == result.pages + 1


@pytest.mark.anyio
async def test_it_gives_up_after_so_many_attempts() -> None:
    wiki, clock = MemoryWiki({}), QuickClock()

    async def read() -> WikiInput:
        wiki.write(Guide=b"mine")
        return sample()

    with pytest.raises(ExternalError, match="Run this again when the other runs have ended"):
        await write_wiki(wiki, read, clock=clock)
    assert len(clock.waits) == ATTEMPTS - 1
    assert sum(clock.waits) < 60
    assert wiki.files == {"Guide.md": b"mine"}


@pytest.mark.parametrize(
    ("given", "configured", "source", "expected"),
    [
        ("https://x.test/a.wiki.git", "https://y.test/b.wiki.git", GITHUB, "https://x.test/a.wiki.git"),
        ("", "https://y.test/b.wiki.git", GITHUB, "https://y.test/b.wiki.git"),
        ("", "", GITHUB, f"{GITHUB}.wiki.git"),
        ("", "", f"{GITHUB}/", f"{GITHUB}.wiki.git"),
        ("", "", f"{GITHUB}.git", f"{GITHUB}.wiki.git"),
    ],
)
def test_where_the_wiki_is(given: str, configured: str, source: str, expected: str) -> None:
    assert wiki_url(given, stack(configured, source)) == expected


def test_where_its_pages_are() -> None:
    assert page_prefix(wiki_url("", stack(source=GITHUB))) == f"{GITHUB}/wiki/"
    assert page_prefix(wiki_url("", stack(source="https://gitlab.com/o/r"))) == ""


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "No wiki is given"),
        ("https://u:hunter2@x.test/a.wiki.git", "has a login in it"),
        ("https://hunter2@x.test/a.wiki.git", "has a login in it"),
        (GITHUB, "must not go into a repository with sources"),
        (f"{GITHUB}.git", "must not go into a repository with sources"),
        ("http://x.test/a.wiki.git", "expected https://"),
        ("git@github.com:o/r.wiki.git", "expected https://"),
        ("https://x.test/a.wiki.git?token=hunter2", "expected https://"),
        ("/srv/a.wiki.git", "expected https://"),
    ],
)
def test_what_is_no_wiki(url: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        required_wiki_url(url, stack(source="https://gitlab.com/o/r"), "docker.io/me")
    assert "hunter2" not in str(caught.value)


def test_all_that_is_missing_is_named() -> None:
    with pytest.raises(RequestError) as caught:
        required_wiki_url("", stack(), "")
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "No wiki is given",
        "No registry is given",
    ]
    with pytest.raises(RequestError, match=r"^No registry"):
        required_wiki_url("https://x.test/a.wiki.git", stack(), "")
    assert required_wiki_url("", stack("https://x.test/a.wiki.git"), "docker.io/me") == "https://x.test/a.wiki.git"


def stack(configured: str = "", source: str = "") -> Stack:
    text = f'[stack]\nsource = "{source}"\n[wiki]\nurl = "{configured}"\n'
    return read_stack(MemoryTree({"images/base/Dockerfile": "FROM debian:12\n", "images/stack.toml": text}))
