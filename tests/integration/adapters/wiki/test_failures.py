"""Every way in which a wiki cannot be reached, read or written is a sentence, and the token is in none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from msgspec.structs import replace

from ci.adapters.git.wiki import WikiAddress, open_wiki
from ci.errors import ExternalError
from ci.wiki.repository import WikiChange
from tests.integration.adapters.wiki.server import TOKEN, USER, WikiServer
from tests.programs import free_port

pytestmark = pytest.mark.anyio
CHANGE = WikiChange(written={"Page.md": b"text"})


async def failure(address: WikiAddress) -> str:
    """Return what is said when a page is written."""
    async with open_wiki(address) as wiki:
        with pytest.raises(ExternalError) as caught:
            await wiki.push(await wiki.read(), CHANGE, "Pages\n")
    text = str(caught.value)
    assert TOKEN not in text
    assert address.settings.get(f"http.{address.contacted}.extraHeader", "no header").split()[-1] not in text
    assert "\n" not in text
    return text


async def test_a_wrong_token(server: WikiServer) -> None:
    server.write(Home=b"x")
    text = await failure(replace(server.address, token="ghs_another"))  # noqa: S106 (of nothing)
    assert "did not accept the token. Give a token with `contents: write` that has not expired." in text


async def test_no_token(server: WikiServer) -> None:
    server.write(Home=b"x")
    assert "wants a login, and there is no --token" in await failure(replace(server.address, token=""))


async def test_a_token_that_may_not_write(server: WikiServer) -> None:
    server.write(Home=b"x")
    server.git("config", "http.receivepack", "false")
    assert "the token needs `contents: write`" in await failure(server.address)


async def test_no_page_yet(server: WikiServer) -> None:
    text = await failure(server.address)
    assert "has no page yet" in text
    assert f"open https://localhost:{server.port}/stack/wiki/_new once" in text


async def test_no_such_wiki(server: WikiServer) -> None:
    other = replace(server.address, url=server.address.url.replace("stack", "other"))
    assert "There is no wiki at" in await failure(other)


async def test_nothing_listens() -> None:
    address = WikiAddress(url=f"https://localhost:{free_port()}/x.wiki.git", username=USER, token=TOKEN)
    assert "cannot be reached. Nothing was written; try again later." in await failure(address)


async def test_a_certificate_that_is_not_trusted(server: WikiServer) -> None:
    server.write(Home=b"x")
    text = await failure(replace(server.address, ca=""))
    assert "cannot be reached" in text
    assert "certificate" in text


async def test_a_push_that_a_hook_refuses_is_no_lost_race(server: WikiServer) -> None:
    server.write(Home=b"x")
    hook = server.repository / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert "refused the push: [remote rejected] (pre-receive hook declined)" in await failure(server.address)


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    http = ThreadingHTTPServer(("localhost", 0), handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class Quiet(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name in the base class)
        pass


async def test_the_token_does_not_follow_a_redirection() -> None:
    seen: list[str] = []

    class Elsewhere(Quiet):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

    with listening(Elsewhere) as target:

        class Moved(Quiet):
            def do_GET(self) -> None:
                self.send_response(301)
                self.send_header("Location", f"{target}{self.path}")
                self.end_headers()

        with listening(Moved) as address:
            wiki = WikiAddress(url="https://x.test/x.wiki.git", username=USER, token=TOKEN, address=address)
            assert "has moved, and the token is not sent after it" in await failure(wiki)
    assert seen == []
