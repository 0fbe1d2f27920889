"""What tells the engines of a fleet apart, and what does not fit."""

from native_engine import versions
from native_engine.fleet_client import duration, outcomes
from native_engine.fleet_commands import read_rounds
from native_engine.fleet_engines import Answer, differences


def answer(*clients: str, version: str = versions.ENGINE) -> Answer:
    return Answer(version, frozenset(clients))


def test_engines_with_clients_of_their_own() -> None:
    assert [*differences({"tcp://a": answer("1", "other"), "tcp://b": answer("2")})] == []


def test_two_addresses_of_one_engine() -> None:
    found = differences({"tcp://a": answer("1", "3"), "tcp://b": answer("2"), "unix:///a": answer("1", "3")})
    assert [*found] == ["tcp://a and unix:///a are one engine: give one address of each."]


def test_another_version() -> None:
    (found,) = differences({"tcp://a": answer("1"), "tcp://b": answer("2", version="0.1.0")})
    assert found.startswith(f"tcp://b is an engine of version 0.1.0: start one of version {versions.ENGINE}")


def test_the_rounds_of_a_division() -> None:
    share = {"name": "trunk-1", "images": ["base"]}
    branches = [{"name": "branch-1", "images": ["a", "b"]}, {"name": "branch-2", "images": ["c"]}]
    rounds = read_rounds({"division": {"trunk": [share], "branches": branches, "expected": 250.2}})
    assert (rounds.trunk, rounds.branches) == (("trunk-1",), ("branch-1", "branch-2"))
    assert rounds.text == "4 images in shares trunk-1; branch-1, branch-2: about 4 min 10 s"
    nothing = read_rounds({"division": {"trunk": [], "branches": [], "expected": 0}})
    assert nothing == ((), (), "nothing to build or test: gathering publishes the stack")


def test_how_a_share_ended() -> None:
    images = [{"outcome": "built"}, {"outcome": "failed"}, {"outcome": "built"}]
    assert outcomes({"images": images}) == "built 2, failed 1"
    assert outcomes({"images": []}) == outcomes({}) == "nothing to do"
    assert [duration(seconds) for seconds in (0.4, 59.6, 250)] == ["0 s", "1 min 00 s", "4 min 10 s"]
