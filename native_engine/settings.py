"""Settings of the native engine, read once from the environment, and the paths that follow from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from native_engine.errors import EngineError

DEFAULTS: dict[str, tuple[str, str]] = {
    "DAGGER_NATIVE_PREFIX": ("/var/lib/dagger-native", "folder of everything the engine needs and stores"),
    "DAGGER_NATIVE_MIRROR_PORT": ("5000", "port on localhost of the registry that mirrors docker.io"),
    "DAGGER_NATIVE_NETWORK": ("daggernat", "name of the engine's network; its bridge is <name>0"),
    "DAGGER_NATIVE_CIDR": ("10.86.0.0/16", "addresses of the engine's containers"),
    "DAGGER_NATIVE_POOL": ("16", "network namespaces kept ready, so that steps need not wait for one"),
}
LONGEST_SOCKET_PATH = 107  # sockaddr_un has 108 bytes, one for the terminating zero
LONGEST_INTERFACE_NAME = 15
HIGHEST_PORT = 65535


class Settings(NamedTuple):
    """The settings that users can choose, and the paths that follow from them."""

    prefix: Path
    mirror_port: int
    network: str
    cidr: str
    pool: int

    @property
    def socket(self) -> Path:
        """The socket on which the engine listens."""
        return self.prefix / "engine.sock"

    @property
    def binaries(self) -> Path:
        """The engine's programs and its network plugin."""
        return self.prefix / "bin"

    @property
    def cli(self) -> Path:
        """The `dagger` command, from the same build as the engine."""
        return self.binaries / "dagger"

    @property
    def engine_record(self) -> Path:
        """The file with the record of the engine's process."""
        return self.prefix / "engine.pid"

    @property
    def mirror_record(self) -> Path:
        """The file with the record of the mirror's process."""
        return self.prefix / "mirror.pid"

    @property
    def registry(self) -> Path:
        """The mirror's program."""
        return self.prefix / "registry" / "docker-registry"

    @property
    def module_base(self) -> Path:
        """The root file system on which Python modules run, as a tar file."""
        return self.prefix / "module-base.tar"

    @property
    def content(self) -> Path:
        """The content store from which the engine reads the Python SDK."""
        return self.prefix / "content"

    @property
    def state(self) -> Path:
        """The engine's cache and database."""
        return self.prefix / "state"

    @property
    def dropped(self) -> Path:
        """Old states, which are removed in the background."""
        return self.prefix / "dropped"

    @property
    def logs(self) -> Path:
        """The output of the engine, the mirror and each step."""
        return self.prefix / "logs"

    @property
    def mirror(self) -> str:
        """The mirror's host and port, as in an image reference."""
        return f"localhost:{self.mirror_port}"

    @property
    def bridge(self) -> str:
        """The network interface that the engine creates."""
        return f"{self.network}0"

    @property
    def runner_host(self) -> str:
        """The engine's address, for clients."""
        return f"unix://{self.socket}"


def read_settings(environment: Mapping[str, str], prefix: str | None = None) -> Settings:
    """Read each setting from ENVIRONMENT or take its default; an EngineError lists all invalid ones."""

    def value(name: str) -> str:
        return environment.get(name) or DEFAULTS[name][0]

    problems = []

    def number(name: str, highest: int) -> int:
        text = value(name)
        if not text.isdecimal() or not 1 <= int(text) <= highest:
            problems.append(f"{name}={text}: must be a number between 1 and {highest}.")
            return 1
        return int(text)

    settings = Settings(
        prefix=Path(prefix or value("DAGGER_NATIVE_PREFIX")).absolute(),
        mirror_port=number("DAGGER_NATIVE_MIRROR_PORT", HIGHEST_PORT),
        network=value("DAGGER_NATIVE_NETWORK"),
        cidr=value("DAGGER_NATIVE_CIDR"),
        pool=number("DAGGER_NATIVE_POOL", 128),
    )
    if len(bytes(settings.socket)) > LONGEST_SOCKET_PATH:
        problems.append(
            f"{settings.socket}: a socket path must not exceed {LONGEST_SOCKET_PATH} bytes. Set a shorter prefix."
        )
    if not settings.network.isalnum() or len(settings.bridge) > LONGEST_INTERFACE_NAME:
        longest = LONGEST_INTERFACE_NAME - 1
        problems.append(f"DAGGER_NATIVE_NETWORK={settings.network}: must be 1 to {longest} letters and digits.")
    if problems:
        raise EngineError("\n".join(problems))
    return settings
