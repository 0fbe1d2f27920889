"""Registries that ask for a login, and clients for them, until a test is over."""

from contextlib import AsyncExitStack, ExitStack

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Credentials, Endpoint
from tests.integration.adapters.oci.clocks import QuickClock
from tests.integration.adapters.oci.images import stored
from tests.integration.adapters.oci.logins import Login
from tests.integration.adapters.oci.server import RegistryServer

BOB = Credentials(username="bob", password="tell-nobody-77")  # noqa: S106
WRONG = Credentials(username="bob", password="tell-nobody-78")  # noqa: S106
USERS = {"bob": BOB.password}


class World:
    """Servers and clients, until the test is over."""

    def __init__(self, clock: QuickClock, servers: ExitStack, clients: AsyncExitStack) -> None:
        self.clock = clock
        self._servers = servers
        self._clients = clients

    def server(self, login: Login | None = None) -> RegistryServer:
        server = self._servers.enter_context(RegistryServer(login=login).serving())
        stored(server, "t")
        return server

    async def client(self, server: RegistryServer, credentials: Credentials | None = None) -> HttpRegistry:
        access = Endpoint(host=server.host, credentials=credentials)
        return await self._clients.enter_async_context(HttpRegistry(access, clock=self.clock))
