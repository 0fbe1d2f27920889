"""What an engine leaves in the machine's network when it ends, and how it is taken away."""

import re
import shlex
import socket
import subprocess
import time
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from native_engine.errors import EngineError
from native_engine.recipes import SYSTEM_PATH
from native_engine.settings import Settings

FIREWALL_CHAIN = "CNI-FORWARD"  # of the firewall plugin, shared by all networks of such plugins
ADMIN_CHAIN = "CNI-ADMIN"
PATIENCE = 10.0


def leftover_rules(nat: Sequence[str], forward: Sequence[str], network: str, cidr: str) -> list[list[str]]:
    """Work out the iptables arguments that take away NETWORK's rules, from what `iptables -S` prints of two tables.

    Address translation is known by the network's name in the rules' comments, forwarding by an address within CIDR.
    """
    undo, chains = [], []
    named = f'name: "{network}" '
    for words in map(shlex.split, nat):
        if words[0] == "-A" and words[1] == "POSTROUTING" and any(word.startswith(named) for word in words):
            undo.append(["-t", "nat", "-D", *words[1:]])
            chains.append(words[words.index("-j") + 1])
    for chain in chains:
        undo += [["-t", "nat", "-F", chain], ["-t", "nat", "-X", chain]]
    forwarded = [words for words in map(shlex.split, forward) if words[:2] == ["-A", FIREWALL_CHAIN]]
    ours = [words for words in forwarded if _within(words, ip_network(cidr))]
    undo += [["-D", *words[1:]] for words in ours]
    return undo + (_undo_firewall(forward) if len(forwarded) - len(ours) == 1 else [])


def remove_leftovers(settings: Settings) -> None:
    """Take away the bridge and rules of an engine that has ended; one that ended gently leaves only the bridge."""
    if not bridge_exists(settings):
        return
    _run(["ip", "link", "delete", settings.bridge])
    nat, forward = (_run(["iptables", "-t", table, "-S"]).splitlines() for table in ("nat", "filter"))
    for arguments in leftover_rules(nat, forward, settings.network, settings.cidr):
        _run(["iptables", "-w", *arguments])


def bridge_exists(settings: Settings) -> bool:
    """Whether an engine's bridge is in the machine's network."""
    return settings.bridge in dict(socket.if_nameindex()).values()


def wait_for_bridge(settings: Settings) -> None:
    """Wait until nothing is attached to the bridge: an ended engine's namespaces take the kernel a moment to unmake."""
    deadline = time.monotonic() + PATIENCE
    while bridge_exists(settings) and _run(["ip", "-o", "link", "show", "master", settings.bridge]):
        if time.monotonic() > deadline:
            raise EngineError(
                f"The network {settings.network} is in use by another engine ({settings.bridge} has members): "
                f"stop that, or set another name with DAGGER_NATIVE_NETWORK."
            )
        time.sleep(0.05)


def overlapping_interface(addresses: str, settings: Settings) -> str | None:
    """Find in what `ip -o -4 addr` prints another interface whose addresses overlap with the engine's."""
    for interface, address in re.findall(r"^\d+: (\S+)\s+inet (\S+)", addresses, re.MULTILINE):
        if interface != settings.bridge and ip_network(address, strict=False).overlaps(ip_network(settings.cidr)):
            return str(interface)
    return None


def _within(words: Sequence[str], addresses: IPv4Network | IPv6Network) -> bool:
    given = [words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-s", "-d"}]
    return any(ip_network(address).overlaps(addresses) for address in given)


def _undo_firewall(forward: Sequence[str]) -> list[list[str]]:
    """Take the plugin's chains away once no network uses them: all that is left is a jump from one to the other."""
    if any(rule.startswith(f"-A {ADMIN_CHAIN} ") for rule in forward):
        return []
    rules = map(shlex.split, forward)
    jumps = [["-D", *words[1:]] for words in rules if words[:2] == ["-A", "FORWARD"] and words[-1] == FIREWALL_CHAIN]
    return [*jumps, ["-F", FIREWALL_CHAIN], ["-X", FIREWALL_CHAIN], ["-X", ADMIN_CHAIN]]


def _run(command: Sequence[str]) -> str:
    environment = {"PATH": SYSTEM_PATH}
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    ).stdout
