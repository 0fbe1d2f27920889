"""The two ways in which registries check a login: passwords and tokens."""

import base64
import itertools
import json
import re
from collections.abc import Container
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

from tests.integration.adapters.oci.faults import Reply, Request, refusal


class Login(Protocol):
    """Decides which requests are allowed."""

    def refuse(self, request: Request, repository: str, action: str) -> Reply | None:
        """Return the error reply for a request that is not allowed, None if it is. `action` is pull or push."""
        ...


class NoLogin:
    """Allows everything."""

    def refuse(self, request: Request, repository: str, action: str) -> Reply | None:  # noqa: ARG002 (the protocol's)
        return None


class Passwords:
    """Requires a password with each request."""

    def __init__(self, users: dict[str, str], *, readers: Container[str] = ()) -> None:
        self._users = users
        self._readers = readers

    def refuse(self, request: Request, repository: str, action: str) -> Reply | None:
        user = user_of(request, self._users)
        if user is None:
            return refusal(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate='Basic realm="r"')
        if action == "push" and user in self._readers:
            return refusal(403, "DENIED", f"requested access to {repository} is denied")
        return None


class Grant(NamedTuple):
    repository: str
    actions: frozenset[str]
    uses: int | None


class Tokens:
    """Requires tokens, which it issues itself. Each is valid for `uses` requests, then the registry forgets it.

    `anonymous`: what is allowed without a password; `readers`: the users who may not push.
    """

    def __init__(
        self,
        users: dict[str, str],
        *,
        readers: Container[str] = (),
        anonymous: frozenset[str] = frozenset({"pull"}),
        uses: int | None = None,
        extra: dict[str, object] | None = None,
    ) -> None:
        self.realm = ""  # the server's address, known once it runs
        self.scopes: list[str] = []
        self._users = users
        self._readers = readers
        self._anonymous = anonymous
        self._uses = uses
        self._extra = {"expires_in": 300} if extra is None else extra
        self._numbers = itertools.count(1)
        self.grants: dict[str, Grant] = {}

    def issue(self, request: Request) -> Reply:
        """Reply to a token request."""
        query = parse_qs(urlsplit(request.path).query)
        self.scopes.append(query["scope"][0])
        user = user_of(request, self._users)
        if user is None and "authorization" in request.headers:
            return refusal(401, "UNAUTHORIZED", "incorrect username or password")
        match = re.fullmatch(r"repository:([^:]+):([a-z,]+)", query["scope"][0])
        assert match, query
        allowed = {"pull", "push"} if user else self._anonymous
        if user in self._readers:
            allowed = {"pull"}
        token = f"token-{next(self._numbers)}-of-{user}"
        self.grants[token] = Grant(match[1], frozenset(match[2].split(",")) & allowed, self._uses)
        return Reply(200, {"Content-Type": "application/json"}, json.dumps({"token": token, **self._extra}).encode())

    def refuse(self, request: Request, repository: str, action: str) -> Reply | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        grant = self.grants.get(token)
        if grant and grant.uses is not None:
            self.grants[token] = grant._replace(uses=grant.uses - 1)
            grant = grant if grant.uses > 0 else None
        if grant and grant.repository == repository and action in grant.actions:
            return None
        actions = "pull,push" if action == "push" else "pull"
        error = ',error="insufficient_scope"' if grant else ""
        challenge = f'Bearer realm="{self.realm}/token",service="test",scope="repository:{repository}:{actions}"{error}'
        return refusal(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate=challenge)


def user_of(request: Request, users: dict[str, str]) -> str | None:
    """Return the user of a request with the right password, None for any other."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    user, _, password = base64.b64decode(encoded).decode().partition(":")
    return user if users.get(user) == password else None
