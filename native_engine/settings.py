"""Where the native engine keeps its things, which port and addresses it takes: read from the environment, once."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from native_engine.errors import EngineError

DEFAULTS: dict[str, tuple[str, str]] = {
    "DAGGER_NATIVE_PREFIX": ("/var/lib/dagger-native", "folder of everything the engine needs and keeps"),
    "DAGGER_NATIVE_MIRROR_PORT": ("5000", "port on localhost of the registry that answers for docker.io"),
    "DAGGER_NATIVE_NETWORK": ("daggernat", "name of the engine's network; its bridge is called <name>0"),
    "DAGGER_NATIVE_CIDR": ("10.86.0.0/16", "addresses of the engine's containers"),
    "DAGGER_NATIVE_POOL": ("16", "network namespaces kept ready, so that a step does not wait for one"),
}
LONGEST_SOCKET_PATH = 107  # the kernel's sockaddr_un holds 108 bytes with the closing zero
LONGEST_INTERFACE_NAME = 15
HIGHEST_PORT = 65535


class Settings(NamedTuple):
    """The choices a person can make about the native engine, and the paths that follow from them."""

    prefix: Path
    mirror_port: int
    network: str
    cidr: str
    pool: int

    @property
    def socket(self) -> Path:
        """Where clients reach the engine."""
        return self.prefix / "engine.sock"

    @property
    def binaries(self) -> Path:
        """The engine's programs and the network plugins it calls."""
        return self.prefix / "bin"

    @property
    def cli(self) -> Path:
        """The `dagger` command of the same build as the engine."""
        return self.binaries / "dagger"

    @property
    def engine_record(self) -> Path:
        """Where the engine's process is remembered."""
        return self.prefix / "engine.pid"

    @property
    def mirror_record(self) -> Path:
        """Where the mirror's process is remembered."""
        return self.prefix / "mirror.pid"

    @property
    def registry(self) -> Path:
        """The program that serves the mirror."""
        return self.prefix / "registry" / "docker-registry"

    @property
    def module_base(self) -> Path:
        """The root file system that Python modules run on, packed."""
        return self.prefix / "module-base.tar"

    @property
    def content(self) -> Path:
        """The content store in which the engine finds the Python SDK."""
        return self.prefix / "content"

    @property
    def state(self) -> Path:
        """The engine's cache and all else it remembers."""
        return self.prefix / "state"

    @property
    def dropped(self) -> Path:
        """States that are being removed."""
        return self.prefix / "dropped"

    @property
    def logs(self) -> Path:
        """What the engine, the mirror and each step printed."""
        return self.prefix / "logs"

    @property
    def mirror(self) -> str:
        """The mirror's address, as registries are named."""
        return f"localhost:{self.mirror_port}"

    @property
    def bridge(self) -> str:
        """The network interface that the engine makes."""
        return f"{self.network}0"

    @property
    def runner_host(self) -> str:
        """The engine's address for clients."""
        return f"unix://{self.socket}"


def read_settings(environment: Mapping[str, str], prefix: str | None = None) -> Settings:
    """Take each setting from ENVIRONMENT or its default; an EngineError names all that are wrong."""

    def value(name: str) -> str:
        return environment.get(name) or DEFAULTS[name][0]

    problems = []

    def number(name: str, highest: int) -> int:
        text = value(name)
        if not text.isdecimal() or not 1 <= int(text) <= highest:
            problems.append(f"{name}={text}: not a number between 1 and {highest}.")
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
        problems.append(f"{settings.socket}: longer than the {LONGEST_SOCKET_PATH} bytes a socket's path may have.")
    if not settings.network.isalnum() or len(settings.bridge) > LONGEST_INTERFACE_NAME:
        longest = LONGEST_INTERFACE_NAME - 1
        problems.append(f"DAGGER_NATIVE_NETWORK={settings.network}: not 1 to {longest} letters and digits.")
    if problems:
        raise EngineError("\n".join(problems))
    return settings
