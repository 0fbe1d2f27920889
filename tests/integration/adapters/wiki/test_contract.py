"""What every WikiRepository does: the real one behind HTTPS, and the fake of the unit tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ci.adapters.git.wiki import open_wiki
from ci.errors import ExternalError
from ci.wiki.repository import PushResult, WikiChange, WikiRepository
from tests.integration.adapters.wiki.server import WikiServer, wiki_server
from tests.memory_wiki import MemoryWiki

pytestmark = pytest.mark.anyio
Wiki = tuple[WikiRepository, WikiServer | MemoryWiki]
HOME = b"Hello\r\nw\xc3\xb6rld, no end of line"


@pytest.fixture(params=["git", "memory"])
async def wiki(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Wiki]:
    """A repository without a page, and a person with access to it."""
    if request.param == "memory":
        memory = MemoryWiki()
        yield memory, memory
        return
    with wiki_server(tmp_path) as server:
        async with open_wiki(server.address) as git:
            yield git, server


async def test_without_a_first_page(wiki: Wiki) -> None:
    with pytest.raises(ExternalError, match="has no page yet"):
        await wiki[0].read()


async def test_a_change_is_there_afterwards(wiki: Wiki) -> None:
    repository, person = wiki
    person.write(Home=HOME, Old=b"old", Kept=b"")
    head = await repository.read()
    assert head.files == {"Home.md": HOME, "Old.md": b"old", "Kept.md": b""}
    change = WikiChange(written={"New.md": b"new\n", "Kept.md": b"1"}, removed=("Old.md",))
    assert await repository.push(head, change, "Pages\n") is PushResult.PUSHED
    again = await repository.read()
    assert again.files == {"Home.md": HOME, "New.md": b"new\n", "Kept.md": b"1"}
    assert again.commit != head.commit


async def test_a_push_upon_an_old_head_writes_nothing(wiki: Wiki) -> None:
    repository, person = wiki
    person.write(Home=HOME)
    head = await repository.read()
    person.write(Home=b"edited")
    assert await repository.push(head, WikiChange(written={"New.md": b"new"}), "Pages\n") is PushResult.MOVED
    assert (await repository.read()).files == {"Home.md": b"edited"}


async def test_after_a_lost_race_it_can_push(wiki: Wiki) -> None:
    repository, person = wiki
    person.write(Home=HOME)
    head = await repository.read()
    person.write(Page=b"1")
    change = WikiChange(written={"New.md": b"new"})
    assert await repository.push(head, change, "Pages\n") is PushResult.MOVED
    assert await repository.push(await repository.read(), change, "Pages\n") is PushResult.PUSHED
    assert (await repository.read()).files == {"Home.md": HOME, "Page.md": b"1", "New.md": b"new"}
