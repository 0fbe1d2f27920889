"""Opens the registry of a stack, as we and as the engine reach it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import dagger
from dagger import dag

from ci.adapters.engine.registry import EngineRegistry
from ci.adapters.registry.access import Access, Credentials
from ci.adapters.registry.registry import HttpRegistry
from ci.assembly.arguments import reach, read_password
from ci.errors import RequestError
from ci.pipeline.places import Places
from ci.pipeline.survey import Shelf
from ci.stack.model import Stack


class RegistryWish(NamedTuple):
    """How a user names the registry. An empty name is that of stack.toml."""

    name: str = ""
    username: str = ""
    password: dagger.Secret | None = None
    service: dagger.Service | None = None


class Opened(NamedTuple):
    """The registry of a stack, as we and as the engine reach it."""

    shelf: Shelf
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
    places = Places(registry=name)
    host = places.repository("any").host
    credentials, secret = None, None
    if wish.password:
        password = await read_password(wish.password)
        credentials = Credentials(username=wish.username, password=password)
        secret = dag.set_secret("registry-password", password)
    address = f"http://{await reach(wish.service, '--registry-service')}" if wish.service else ""
    access = Access(host=host, credentials=credentials, address=address)
    async with HttpRegistry(access) as registry:
        shelf = Shelf(registry=registry, places=places, has_login=credentials is not None)
        yield Opened(shelf, EngineRegistry(host, wish.username, secret, wish.service, stack.compression))
