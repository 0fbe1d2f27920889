"""Registries that require a login, and clients for them, until a test is over."""

from contextlib import AsyncExitStack, ExitStack

from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Credentials, Endpoint
from tests.clocks import QuickClock
from tests.integration.adapters.oci.images import stored
from tests.integration.adapters.oci.logins import Login
from tests.integration.adapters.oci.server import RegistryServer

BOB = Credentials(username="bob", password="tell-nobody-77")  # noqa: S106
WRONG = Credentials(username="bob", password="tell-nobody-78")  # noqa: S106
USERS = {"bob": BOB.password}


class Servers:
    """Starts servers and clients, which run until the test is over."""

    def __init__(self, clock: QuickClock, running: ExitStack, clients: AsyncExitStack) -> None:
        self.clock = clock
        self._running = running
        self._clients = clients

    def server(self, login: Login | None = None) -> RegistryServer:
        server = self._running.enter_context(RegistryServer(login=login).serving())
        stored(server, "t")
        return server

    async def client(self, server: RegistryServer, credentials: Credentials | None = None) -> HttpRegistry:
        endpoint = Endpoint(host=server.host, credentials=credentials)
        return await self._clients.enter_async_context(HttpRegistry(endpoint, clock=self.clock))
