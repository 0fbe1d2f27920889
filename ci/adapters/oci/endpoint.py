"""How a registry is reached: at which address, with which certificates and which login."""

import functools
import ipaddress
import ssl

import httpx
import msgspec

from ci.errors import RequestError
from ci.oci.reference import DOCKER_HUB

_HUB_ADDRESS = "https://registry-1.docker.io"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A login. Its printed form shows the user name only."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`host` is the registry's name in references; `ca` holds certificates (PEM) to trust beside the system's.

    `address` (http://… or https://…) is where the registry answers, if not under its name. `insecure` allows plain
    HTTP, which is also used for this machine itself unless there is a `ca`.
    """

    host: str
    credentials: Credentials | None = None
    insecure: bool = False
    ca: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        url = self.url  # raises for an address that cannot be parsed
        if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.path != "/" or url.query:
            raise RequestError(f"Invalid address {self._base!r} for registry {self.host}: use http(s)://HOST[:PORT].")

    @property
    def url(self) -> httpx.URL:
        """Where requests go."""
        try:
            return httpx.URL(self._base)
        except httpx.InvalidURL as error:
            raise RequestError(f"Invalid address {self._base!r} for registry {self.host}: {error}.") from error

    @property
    def _base(self) -> str:
        if self.address:
            return self.address
        if self.host == DOCKER_HUB:
            return _HUB_ADDRESS
        plain = self.insecure or (not self.ca and is_loopback(self.host))
        return f"{'http' if plain else 'https'}://{self.host}"

    @property
    def username(self) -> str:
        """The user's name, empty without a login."""
        return self.credentials.username if self.credentials else ""

    def trust(self) -> ssl.SSLContext:
        """Return the certificates to trust: the system's, which may include a company's own CA, and `ca`."""
        if not self.ca:
            return _system_trust()
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(cadata=self.ca)
        except (ssl.SSLError, ValueError, TypeError) as error:
            raise RequestError(
                f"The certificates to trust for {self.host} are not in PEM form ({error}): PEM text begins with "
                "-----BEGIN CERTIFICATE-----."
            ) from error
        return context


@functools.cache  # reading the system's certificates takes 40 ms
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def is_loopback(host: str) -> bool:
    """Return whether a host, with or without a port, is this machine itself."""
    name = httpx.URL(f"http://{host}").host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
