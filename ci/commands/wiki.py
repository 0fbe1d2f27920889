"""`wiki`: the pages are made from the registry, and pushed on top of whatever the wiki is at that moment.

The registry is read after the head of the wiki. So of two that write at once, the one whose push succeeds last has read
a state at least as new as the other's; the one whose push is refused reads both again.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import msgspec

from ci.clock import Clock, backoff
from ci.commands.registry import NO_REGISTRY
from ci.errors import ExternalError, RequestError
from ci.stack.model import Stack
from ci.wiki.merging import merge_pages
from ci.wiki.model import WikiInput
from ci.wiki.pages import render_pages
from ci.wiki.repository import PushResult, WikiChange, WikiRepository

ReadWiki = Callable[[], Awaitable[WikiInput]]
"""Reads the registry, anew each time it is called."""

ATTEMPTS = 8
_FIRST_WAIT = 0.25
"""Seconds; at most doubled with each attempt."""
_NO_WIKI = (
    "No wiki is given: name its repository with --url, for example https://github.com/OWNER/NAME.wiki.git, or as "
    "wiki.url in stack.toml."
)
_SUFFIX = ".wiki.git"
_GITHUB = "github.com"


class WikiResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was written, or in a dry run would be, and after how many attempts. `pages` is the number of all."""

    change: WikiChange
    pages: int
    attempts: int
    dry_run: bool = False


async def write_wiki(
    repository: WikiRepository, read: ReadWiki, *, dry_run: bool = False, clock: Clock | None = None
) -> WikiResult:
    """Bring the wiki up to date. What is the same already is not written, and makes no commit.

    Raises ExternalError for a wiki that cannot be read or written, and what `read` and `render_pages` raise. If the
    registry cannot be read nothing is written: half of it would remove pages.
    """
    clock = clock or Clock()
    for attempt in range(1, ATTEMPTS + 1):
        head = await repository.read()
        pages = render_pages(await read())
        change = merge_pages(head.files, pages)
        result = WikiResult(change=change, pages=len(pages), attempts=attempt, dry_run=dry_run)
        if dry_run or change.is_empty:
            return result
        if await repository.push(head, change, _message(change)) is PushResult.PUSHED:
            return result
        if attempt < ATTEMPTS:
            await clock.sleep(backoff(attempt, _FIRST_WAIT, clock.chance()))
    raise ExternalError(
        f"The wiki was not written: in each of {ATTEMPTS} attempts somebody else pushed to it first. Run this again "
        "when the other runs have ended."
    )


def _message(change: WikiChange) -> str:
    removed = f", {len(change.removed)} removed" if change.removed else ""
    return f"Pages from the registry: {len(change.written)} written{removed}\n"


def page_prefix(url: str) -> str:
    """Return what links to the pages of a wiki begin with, from the URL of its repository; nothing without one."""
    return f"{url.removesuffix(_SUFFIX)}/wiki/" if url else ""


def required_wiki_url(given: str, stack: Stack, registry: str) -> str:
    """Return the URL of a wiki's repository, as `wiki_url` does.

    `given` and `registry` are the options. Raises RequestError that says all that is missing, the registry too.
    """
    url = wiki_url(given, stack)
    problems = [] if url else [_NO_WIKI]
    if not registry and not stack.registry:
        problems.append(NO_REGISTRY)
    if problems:
        raise RequestError("\n".join(problems))
    return url


def wiki_url(given: str, stack: Stack) -> str:
    """Return the URL of a wiki's repository: the option's, else that of stack.toml, else that of the source on GitHub.

    It is empty if none of them says it. Raises RequestError for a URL that has a login in it, or is not a wiki's.
    """
    url = given or stack.wiki.url
    if not url and urlsplit(stack.source).hostname == _GITHUB:
        url = stack.source.rstrip("/").removesuffix(".git") + _SUFFIX
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise RequestError("The URL of the wiki has a login in it: give the token with --token, and the URL without.")
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or not url.endswith(_SUFFIX):
        raise RequestError(
            f"{url.partition('?')[0]!r} is not the repository of a wiki: expected https://HOST/OWNER/NAME{_SUFFIX}. "
            "The pages must not go into a repository with sources."
        )
    return url
