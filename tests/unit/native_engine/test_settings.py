from pathlib import Path

import pytest

from native_engine.errors import EngineError
from native_engine.settings import DEFAULTS, read_settings


def test_every_setting_has_a_default() -> None:
    settings = read_settings({})
    assert settings.prefix == Path("/var/lib/dagger-native")
    assert settings.mirror == "localhost:5000"
    assert settings.runner_host == "unix:///var/lib/dagger-native/engine.sock"


def test_the_environment_sets_each_setting_and_the_argument_overrides_the_prefix() -> None:
    given = {
        "DAGGER_NATIVE_PREFIX": "/a",
        "DAGGER_NATIVE_MIRROR_PORT": "5055",
        "DAGGER_NATIVE_NETWORK": "second",
        "DAGGER_NATIVE_CIDR": "10.88.0.0/16",
        "DAGGER_NATIVE_POOL": "4",
    }
    assert given.keys() == DEFAULTS.keys()
    settings = read_settings(given, prefix="/b")
    assert (settings.prefix, settings.mirror_port, settings.bridge) == (Path("/b"), 5055, "second0")
    assert (settings.cidr, settings.pool) == ("10.88.0.0/16", 4)


def test_all_invalid_settings_are_listed_at_once() -> None:
    given = {
        "DAGGER_NATIVE_PREFIX": f"/{'long/' * 25}",
        "DAGGER_NATIVE_MIRROR_PORT": "port",
        "DAGGER_NATIVE_NETWORK": "far-too-long-a-name",
        "DAGGER_NATIVE_POOL": "0",
    }
    with pytest.raises(EngineError) as caught:
        read_settings(given)
    problems = str(caught.value).splitlines()
    assert len(problems) == len(given)
    assert "DAGGER_NATIVE_MIRROR_PORT=port: must be a number between 1 and 65535." in problems
    assert "DAGGER_NATIVE_POOL=0: must be a number between 1 and 128." in problems
    assert any("must not exceed 107 bytes" in problem for problem in problems)
    assert any("DAGGER_NATIVE_NETWORK=far-too-long-a-name" in problem for problem in problems)
