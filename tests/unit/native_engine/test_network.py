import pytest

from native_engine.network import overlapping_interface, stale_rules
from native_engine.settings import read_settings

OURS, OTHER = "CNI-aaaaaaaaaaaaaaaaaaaaaaaa", "CNI-bbbbbbbbbbbbbbbbbbbbbbbb"
CIDR = "10.86.0.0/16"
JUMP = '-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN'
FORWARD = '-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD'


def nat(network: str, chain: str, address: str) -> list[str]:
    comment = f'-m comment --comment "name: \\"{network}\\" id: \\"abc\\""'
    return [
        f"-N {chain}",
        f"-A POSTROUTING -s {address}/32 {comment} -j {chain}",
        f"-A {chain} ! -d 224.0.0.0/4 {comment} -j MASQUERADE",
    ]


def forwarding(address: str) -> list[str]:
    return [
        f"-A CNI-FORWARD -d {address}/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        f"-A CNI-FORWARD -s {address}/32 -j ACCEPT",
    ]


def test_only_the_networks_own_nat_rules_and_chains_are_deleted() -> None:
    rules = [*nat("daggernat", OURS, "10.86.0.2"), *nat("daggernat2", OTHER, "10.99.0.2")]
    deletions = stale_rules(rules, [], "daggernat", CIDR)
    comment = ["-m", "comment", "--comment", 'name: "daggernat" id: "abc"']
    assert deletions == [
        ["-t", "nat", "-D", "POSTROUTING", "-s", "10.86.0.2/32", *comment, "-j", OURS],
        ["-t", "nat", "-F", OURS],
        ["-t", "nat", "-X", OURS],
    ]


def test_forwarding_rules_are_deleted_by_address_and_the_plugins_chains_stay_while_another_network_has_rules() -> None:
    rules = [FORWARD, JUMP, *forwarding("10.86.0.2"), *forwarding("10.99.0.2"), "-A INPUT -s 10.86.0.2/32 -j ACCEPT"]
    deletions = stale_rules([], rules, "daggernat", CIDR)
    accept = ["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"]
    assert deletions == [
        ["-D", "CNI-FORWARD", "-d", "10.86.0.2/32", *accept],
        ["-D", "CNI-FORWARD", "-s", "10.86.0.2/32", "-j", "ACCEPT"],
    ]


def test_the_plugins_chains_are_deleted_with_their_last_network() -> None:
    deletions = stale_rules([], ["-A FORWARD -j DOCKER-USER", FORWARD, JUMP], "daggernat", CIDR)
    comment = ["-m", "comment", "--comment", "CNI firewall plugin rules"]
    assert deletions == [
        ["-D", "FORWARD", *comment, "-j", "CNI-FORWARD"],
        ["-F", "CNI-FORWARD"],
        ["-X", "CNI-FORWARD"],
        ["-X", "CNI-ADMIN"],
    ]


def test_an_administrators_own_rules_keep_the_plugins_chains() -> None:
    assert stale_rules([], [FORWARD, JUMP, "-A CNI-ADMIN -j ACCEPT"], "daggernat", CIDR) == []


@pytest.mark.parametrize(
    ("line", "interface"),
    [
        pytest.param(
            "5: dagger0    inet 10.86.0.1/16 brd 10.86.255.255 scope global dagger0", "dagger0", id="the same"
        ),
        pytest.param("5: vpn    inet 10.0.0.7/8 scope global vpn", "vpn", id="around"),
        pytest.param("5: daggernat0    inet 10.86.0.1/16 scope global daggernat0", None, id="its own bridge"),
        pytest.param("4: eth0    inet 192.0.2.2/24 scope global eth0", None, id="elsewhere"),
    ],
)
def test_an_interface_with_overlapping_addresses_is_found(line: str, interface: str | None) -> None:
    addresses = f"1: lo    inet 127.0.0.1/8 scope host lo\n{line}\n"
    assert overlapping_interface(addresses, read_settings({})) == interface
