"""Removes the bridge and the iptables rules that an engine leaves on the machine when it ends."""

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

FIREWALL_CHAIN = "CNI-FORWARD"  # of the CNI firewall plugin, shared by all CNI networks of the machine
ADMIN_CHAIN = "CNI-ADMIN"
BRIDGE_TIMEOUT = 10.0  # seconds


def stale_rules(nat: Sequence[str], forward: Sequence[str], network: str, cidr: str) -> list[list[str]]:
    """Return the iptables arguments that delete NETWORK's rules; NAT and FORWARD are the output of `iptables -S`.

    NAT rules have the network's name in their comments; forwarding rules are recognized by an address in CIDR.
    """
    deletions, chains = [], []
    comment = f'name: "{network}" '
    for words in map(shlex.split, nat):
        if words[0] == "-A" and words[1] == "POSTROUTING" and any(word.startswith(comment) for word in words):
            deletions.append(["-t", "nat", "-D", *words[1:]])
            chains.append(words[words.index("-j") + 1])
    for chain in chains:
        deletions += [["-t", "nat", "-F", chain], ["-t", "nat", "-X", chain]]
    forwarded = [words for words in map(shlex.split, forward) if words[:2] == ["-A", FIREWALL_CHAIN]]
    ours = [words for words in forwarded if _within(words, ip_network(cidr))]
    deletions += [["-D", *words[1:]] for words in ours]
    others = len(forwarded) - len(ours)
    # The chain always has the jump to ADMIN_CHAIN; any further rule belongs to another network.
    return deletions + (_firewall_deletions(forward) if others == 1 else [])


def remove_stale_network(settings: Settings) -> None:
    """Delete the bridge and rules of an engine that has ended; after a clean shutdown only the bridge is left."""
    if not bridge_exists(settings):
        return
    _run(["ip", "link", "delete", settings.bridge])
    nat, forward = (_run(["iptables", "-t", table, "-S"]).splitlines() for table in ("nat", "filter"))
    for arguments in stale_rules(nat, forward, settings.network, settings.cidr):
        _run(["iptables", "-w", *arguments])


def bridge_exists(settings: Settings) -> bool:
    """Whether the machine has the bridge of an engine with these settings."""
    return settings.bridge in dict(socket.if_nameindex()).values()


def wait_for_bridge(settings: Settings) -> None:
    """Wait until nothing is attached to the bridge: the kernel removes an ended engine's namespaces with a delay."""
    deadline = time.monotonic() + BRIDGE_TIMEOUT
    while bridge_exists(settings) and _run(["ip", "-o", "link", "show", "master", settings.bridge]):
        if time.monotonic() > deadline:
            raise EngineError(
                f"Network {settings.network} is in use by another engine ({settings.bridge} has members): "
                f"stop that engine, or set another name with DAGGER_NATIVE_NETWORK."
            )
        time.sleep(0.05)


def overlapping_interface(addresses: str, settings: Settings) -> str | None:
    """Return an interface from ADDRESSES (output of `ip -o -4 addr`) that overlaps with the engine's addresses."""
    for interface, address in re.findall(r"^\d+: (\S+)\s+inet (\S+)", addresses, re.MULTILINE):
        if interface != settings.bridge and ip_network(address, strict=False).overlaps(ip_network(settings.cidr)):
            return str(interface)
    return None


def _within(words: Sequence[str], addresses: IPv4Network | IPv6Network) -> bool:
    in_rule = [words[index + 1] for index, word in enumerate(words[:-1]) if word in {"-s", "-d"}]
    return any(ip_network(address).overlaps(addresses) for address in in_rule)


def _firewall_deletions(forward: Sequence[str]) -> list[list[str]]:
    """Delete the plugin's chains, which no network uses any more; keep them if an administrator added rules."""
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
