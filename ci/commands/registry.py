"""Opens the registry of a stack, as we and as the engine reach it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import dagger
from dagger import dag

from ci.adapters.dagger_engine.errors import clean
from ci.adapters.dagger_engine.registry import EngineRegistry
from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Credentials, Endpoint
from ci.errors import ExternalError, RequestError
from ci.publish.registry_state import RegistrySession
from ci.publish.tags import TagLayout
from ci.stack.model import Stack


class RegistryWish(NamedTuple):
    """How a user names the registry. An empty name is that of stack.toml."""

    name: str = ""
    username: str = ""
    password: dagger.Secret | None = None
    service: dagger.Service | None = None


class Opened(NamedTuple):
    """The registry of a stack, as we and as the engine reach it."""

    shelf: RegistrySession
    engine: EngineRegistry


@asynccontextmanager
async def open_registry(stack: Stack, wish: RegistryWish) -> AsyncIterator[Opened | None]:
    """Open the registry of a stack; None if neither the user nor the stack names one. Raises RequestError."""
    name = wish.name or stack.registry
    if not name:
        if wish.username or wish.service:
            raise RequestError("Which registry? Name it with --registry, or as stack.registry in stack.toml.")
        yield None
        return
    if bool(wish.username) != bool(wish.password):
        raise RequestError("A login has two parts: give --registry-username and --registry-password, or neither.")
    places = TagLayout(registry=name)
    host = places.repository("any").host
    credentials, secret = None, None
    if wish.password:
        password = await read_password(wish.password)
        credentials = Credentials(username=wish.username, password=password)
        secret = dag.set_secret("registry-password", password)
    address = f"http://{await reach(wish.service, '--registry-service')}" if wish.service else ""
    access = Endpoint(host=host, credentials=credentials, address=address)
    async with HttpRegistry(access) as registry:
        shelf = RegistrySession(registry=registry, places=places, has_login=credentials is not None)
        yield Opened(shelf, EngineRegistry(host, wish.username, secret, wish.service, stack.compression))


def now() -> str:
    """Return the time, RFC 3339, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


async def read_password(secret: dagger.Secret) -> str:
    """Return a password. One that was read from a file often ends with the file's last newline, which is none of it."""
    return (await secret.plaintext()).rstrip("\r\n")


async def reach(service: dagger.Service, option: str) -> str:
    """Return where a service that was given as an option can be reached, HOST:PORT."""
    try:
        await service.start()
        return await service.endpoint()
    except dagger.QueryError as error:
        raise ExternalError(f"{option} cannot be reached: {clean(str(error))}") from error
