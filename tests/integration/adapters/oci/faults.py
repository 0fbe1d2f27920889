"""Scripted faults of a registry: when something goes wrong, and how.

A fault gets a request before the registry does (`Act`): it may reply itself, change the registry's reply, do something
first, or return None, which cuts the connection.
"""

import json
import re
import threading
from collections.abc import Callable
from typing import NamedTuple


class Request(NamedTuple):
    """A request; `path` includes the query. The content is read by `content`, or a part of it by `read`."""

    method: str
    path: str
    headers: dict[str, str]
    read: Callable[[int | None], bytes]

    def content(self) -> bytes:
        return self.read(None)


class Reply(NamedTuple):
    """A reply. With `cut_at`, only so many bytes of the content are sent, then the connection is cut."""

    status: int
    headers: dict[str, str]
    content: bytes = b""
    cut_at: int | None = None


Act = Callable[[Request, Callable[[], Reply]], Reply | None]


class Fault:
    """Acts on the `at`-th request whose method and path match (and then `times` of them in a row)."""

    def __init__(self, method: str, path: str, act: Act, *, at: int = 1, times: int = 1) -> None:
        self._method = method
        self._path = re.compile(path)
        self._active = range(at, at + times)
        self._act = act
        self.seen = 0

    def acts_on(self, request: Request) -> Act | None:
        if request.method != self._method or not self._path.search(request.path):
            return None
        self.seen += 1
        return self._act if self.seen in self._active else None


def refusal(status: int, code: str = "", message: str = "", **headers: str) -> Reply:
    """Return an error reply as registries send it; headers are given with _ for -."""
    errors = [{"code": code, "message": message, "detail": None}] if code else []
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"Content-Type": "application/json", **spelled}, json.dumps({"errors": errors}).encode())


def answering(reply: Reply) -> Act:
    """Send this reply, and do nothing else."""
    return lambda _request, _serve: reply


def refusing(status: int, code: str = "", message: str = "", **headers: str) -> Act:
    """Send an error reply, and do nothing else."""
    return answering(refusal(status, code, message, **headers))


def cutting(_request: Request, _serve: Callable[[], Reply]) -> None:
    """Cut the connection before anything is done."""


def cutting_midway(request: Request, _serve: Callable[[], Reply]) -> None:
    """Cut the connection when half of the content has arrived."""
    request.read(int(request.headers.get("content-length", "0")) // 2)


def cutting_after(_request: Request, serve: Callable[[], Reply]) -> None:
    """Do what was requested, and cut the connection before the reply."""
    serve()


def altering(change: Callable[[Reply], Reply]) -> Act:
    """Do what was requested, and change the reply."""
    return lambda _request, serve: change(serve())


def meanwhile(action: Callable[[], object]) -> Act:
    """Do something else first."""

    def act(_request: Request, serve: Callable[[], Reply]) -> Reply:
        action()
        return serve()

    return act


def keeping_silent(until: threading.Event) -> Act:
    """Send nothing until an event is set, then cut the connection."""

    def act(_request: Request, _serve: Callable[[], Reply]) -> None:
        until.wait()

    return act
