"""A wiki in memory: a small fake of WikiRepository, which passes the same tests as the real one."""

import itertools

from typing_extensions import override

from ci.errors import ExternalError
from ci.wiki.repository import PushResult, WikiChange, WikiHead, WikiRepository


class MemoryWiki(WikiRepository):
    """`files` is its tree, None before its first page; `commits` counts."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = files
        self.commits = 0

    def write(self, **files: bytes) -> None:
        """Commit files as a person does, each name without its `.md`."""
        self.files = {**(self.files or {}), **{f"{name}.md": text for name, text in files.items()}}
        self.commits += 1

    @override
    async def read(self) -> WikiHead:
        if self.files is None:
            raise ExternalError("The wiki has no page yet.")
        return WikiHead(branch="refs/heads/main", commit=str(self.commits), files=dict(self.files))

    @override
    async def push(self, head: WikiHead, change: WikiChange, message: str) -> PushResult:
        if head.commit != str(self.commits):
            return PushResult.MOVED
        kept = {path: text for path, text in (self.files or {}).items() if path not in change.removed}
        self.files = dict(itertools.chain(kept.items(), change.written.items()))
        self.commits += 1
        return PushResult.PUSHED
