"""A wiki's git repository, by GitPython. Nothing is checked out: what is not written stays as it is, byte for byte.

The token is in the environment of git and nowhere else: not in the address, in arguments or in a file. No configuration
of a user or a system is read, and no redirection is followed, since git would send the token there, too.
"""

import os
import re
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
import msgspec
from typing_extensions import override

from ci.adapters.git.program import MissingGitError, run_git
from ci.errors import ExternalError
from ci.wiki.repository import PushResult, WikiChange, WikiHead, WikiRepository

_LIMIT = 180
"""Seconds of one git command."""
_STALLED = 60
"""Seconds without a byte after which git gives up."""
_AUTHOR = "datahub wiki <noreply@datahub.invalid>"
_REF = "refs/heads/datahub-wiki"
_HIDDEN = "***"
_REASON_SHOWN = 300
_STATUS = re.compile(r"returned error: (\d{3})")
_REJECTED = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)
# What a server says of a push that lost a race: between its look at the branch and the update, another came.
_LOST_RACE = re.compile(
    r"\[rejected\]|cannot lock ref|failed to lock|failed to update ref|incorrect old value|reference already exists",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"could not resolve|failed to connect|couldn't connect|connection (?:refused|reset|timed out)|timed? ?out|ssl"
    r"|certificate|unexpected disconnect|hung up|empty reply|bytes/sec|proxy|gnutls|recv failure|send failure",
    re.IGNORECASE,
)
_TRACES = ("TRACE", "TRACE_CURL", "TRACE_PACKET", "TRACE2", "TRACE2_EVENT", "TRACE2_PERF")


class WikiAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a wiki is, and the login. `address` is contacted instead of the `https://HOST` of the URL, if given."""

    url: str
    """`https://github.com/OWNER/NAME.wiki.git`, without a login."""
    username: str = ""
    token: str = ""
    address: str = ""
    ca: str = ""
    """A file with the certificates that are trusted; empty for the system's."""

    def __repr__(self) -> str:
        return f"WikiAddress({self.url})"

    @property
    def contacted(self) -> str:
        """The URL that git gets."""
        return re.sub(r"^https?://[^/]+", self.address.rstrip("/"), self.url) if self.address else self.url

    @property
    def settings(self) -> Mapping[str, str]:
        """The configuration of git."""
        header = {f"http.{self.contacted}.extraHeader": f"Authorization: Basic {self._basic}"} if self.token else {}
        return {
            "credential.helper": "",
            "http.followRedirects": "false",
            "http.lowSpeedLimit": "1",
            "http.lowSpeedTime": str(_STALLED),
            "gc.auto": "0",
            **header,
        }

    def hide(self, text: str) -> str:
        """Return a text without the token, in whatever form it travels."""
        for secret in (self._basic, self.token) if self.token else ():
            text = text.replace(secret, _HIDDEN)
        return text

    @property
    def _basic(self) -> str:
        return b64encode(f"{self.username}:{self.token}".encode()).decode()


@asynccontextmanager
async def open_wiki(address: WikiAddress) -> AsyncIterator["GitWiki"]:
    """Open a wiki; a folder of its own is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="wiki-") as folder:
        yield GitWiki(address, Path(folder))


class GitWiki(WikiRepository):
    """A wiki behind HTTP. `folder` is an empty one, which becomes a bare repository."""

    def __init__(self, address: WikiAddress, folder: Path) -> None:
        self._address = address
        self._folder = folder

    @override
    async def read(self) -> WikiHead:
        return await anyio.to_thread.run_sync(self._read)

    @override
    async def push(self, head: WikiHead, change: WikiChange, message: str) -> PushResult:
        return await anyio.to_thread.run_sync(self._push, head, change, message)

    def _read(self) -> WikiHead:
        if not (self._folder / "HEAD").exists():
            self._git("init", "--quiet", "--bare", "--template=", ".")
        branch = self._default_branch()
        self._git("fetch", "--quiet", "--depth=1", "--no-tags", self._address.contacted, f"+{branch}:{_REF}")
        commit = self._git("rev-parse", _REF).decode().strip()
        return WikiHead(branch=branch, commit=commit, files=self._files(commit))

    def _default_branch(self) -> str:
        listed = self._git("ls-remote", "--symref", self._address.contacted, "HEAD").decode(errors="replace")
        found = re.search(r"^ref: (\S+)\tHEAD$", listed, re.MULTILINE)
        if not found or not re.search(r"^[0-9a-f]{40,}\tHEAD$", listed, re.MULTILINE):
            raise ExternalError(f"The wiki {self._address.url} has no page yet. {self._first_page()}")
        return found[1]

    def _files(self, commit: str) -> Mapping[str, bytes]:
        """Return the files of a commit. Only the content of Markdown is read."""
        entries = [entry.partition(b"\t") for entry in self._git("ls-tree", "-r", "-z", commit).split(b"\0") if entry]
        objects = {os.fsdecode(path): head.split()[2] for head, _, path in entries}
        pages = {path: name for path, name in objects.items() if path.lower().endswith(".md")}
        batch = self._git("cat-file", "--batch", stdin=b"".join(name + b"\n" for name in pages.values()))
        contents = dict(zip(pages, _blobs(batch), strict=True))
        return {path: contents.get(path, b"") for path in objects}

    def _push(self, head: WikiHead, change: WikiChange, message: str) -> PushResult:
        self._git("fast-import", "--quiet", "--force", "--date-format=now", stdin=_commit(head, change, message))
        words = ("push", "--porcelain", self._address.contacted, f"{_REF}:{head.branch}")
        status, output, error = self._run(words)
        rejected = _REJECTED.search(output.decode(errors="replace"))
        if status == 0:
            return PushResult.PUSHED
        if rejected and _LOST_RACE.search(f"{rejected[1]}\n{error}"):
            return PushResult.MOVED
        if rejected:
            raise ExternalError(f"The wiki {self._address.url} refused the push: {self._shown(rejected[1])}")
        raise ExternalError(self._explain(words, error))

    def _git(self, *words: str, stdin: bytes = b"") -> bytes:
        status, output, error = self._run(words, stdin)
        if status:
            raise ExternalError(self._explain(words, error))
        return output

    def _run(self, words: Sequence[str], stdin: bytes = b"") -> tuple[int, bytes, str]:
        try:
            done = run_git(self._folder, words, self._variables(), stdin, _LIMIT)
        except MissingGitError as error:
            raise ExternalError(str(error)) from None
        return done.status, done.output, self._address.hide(done.error)

    def _variables(self) -> Mapping[str, str]:
        settings = self._address.settings
        found = {
            "HOME": str(self._folder),
            "GIT_DIR": str(self._folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "XDG_CONFIG_HOME": os.devnull,
            "GIT_CONFIG_PARAMETERS": "",
            "GIT_ALLOW_PROTOCOL": "https:http",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS": "",
            "GIT_CONFIG_COUNT": str(len(settings)),
            # Stronger than any configuration.
            **({"GIT_SSL_CAINFO": self._address.ca} if self._address.ca else {}),
            # Traces would hold what is sent.
            **{f"GIT_{name}": "0" for name in _TRACES},
        }
        for number, (name, value) in enumerate(settings.items()):
            found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return found

    def _explain(self, words: Sequence[str], error: str) -> str:
        """Return a sentence on why a git command failed."""
        url, token = self._address.url, self._address.token
        found = _STATUS.search(error)
        status = found[1] if found else ""
        said = f"Git says: {self._shown(error)}"
        if status == "403" or "denied" in error.lower():
            return f"The wiki {url} may not be written with this login: the token needs `contents: write`. {said}"
        if status == "401" or "Authentication failed" in error or "could not read Username" in error:
            login = "did not accept the token" if token else "wants a login, and there is no --token"
            return f"The wiki {url} {login}. Give a token with `contents: write` that has not expired. {said}"
        if status == "404" or "not found" in error.lower():
            return f"There is no wiki at {url}, or the token does not reach it. {self._first_page()} {said}"
        if status.startswith("3"):
            return f"The wiki {url} has moved, and the token is not sent after it: give its new address. {said}"
        if status.startswith("5") or _UNREACHABLE.search(error):
            return f"The wiki {url} cannot be reached. Nothing was written; try again later. {said}"
        return f"`git {words[0]}` failed on the wiki {url}. {said}"

    def _first_page(self) -> str:
        pages = self._address.url.removesuffix(".wiki.git")
        return f"It begins to exist with its first page: open {pages}/wiki/_new once, and save any text."

    def _shown(self, text: str) -> str:
        words = " ".join(word for word in self._address.hide(text).split() if word.isprintable())
        return words[:_REASON_SHOWN] or "nothing."


def _blobs(batch: bytes) -> Iterator[bytes]:
    """Yield the contents in the output of `git cat-file --batch`."""
    place = 0
    while place < len(batch):
        end = batch.index(b"\n", place)
        size = int(batch[place:end].split()[2])
        yield batch[end + 1 : end + 1 + size]
        place = end + size + 2


def _commit(head: WikiHead, change: WikiChange, message: str) -> bytes:
    """Return the stream of `git fast-import` for a commit on top of a head."""
    text = message.encode()
    return b"".join(
        [
            f"commit {_REF}\ncommitter {_AUTHOR} now\ndata {len(text)}\n".encode(),
            text,
            f"\nfrom {head.commit}\n".encode(),
            *(b"D " + _quoted(path) + b"\n" for path in change.removed),
            *(
                b"M 100644 inline " + _quoted(path) + f"\ndata {len(content)}\n".encode() + content + b"\n"
                for path, content in change.written.items()
            ),
            b"\n",
        ]
    )


def _quoted(path: str) -> bytes:
    escaped = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'
