import json
from pathlib import Path

import pytest

from native_engine.inputs import engine_arguments, engine_config, fingerprint_of_run
from native_engine.mirror import mirror_config
from native_engine.services import engine_environment
from native_engine.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "digest").write_text("sha256:abc")
    return read_settings({"DAGGER_NATIVE_MIRROR_PORT": "5055", "DAGGER_NATIVE_NETWORK": "second"}, prefix=str(tmp_path))


def test_the_engine_inherits_only_proxies_from_the_environment(settings: Settings) -> None:
    given = {"HTTP_PROXY": "http://p", "no_proxy": "localhost", "GOGC": "1", "TOKEN": "secret", "PATH": "/home/me/bin"}
    environment = engine_environment(settings, given)
    assert environment["HTTP_PROXY"] == "http://p"
    assert environment["no_proxy"] == "localhost"
    assert environment["DAGGER_PYTHON_SDK_MANIFEST_DIGEST"] == "sha256:abc"
    assert environment["PATH"].split(":")[0] == "/run/dagger/bin"
    assert "secret" not in environment.values()
    assert "/home/me/bin" not in environment["PATH"]
    assert environment["GOGC"] != "1"


def test_the_engine_pulls_docker_hubs_images_from_the_mirror_over_http(settings: Settings) -> None:
    registries = json.loads(engine_config(settings))["registries"]
    assert registries == {"docker.io": {"mirrors": ["localhost:5055"]}, "localhost:5055": {"http": True}}


def test_the_mirror_listens_on_loopback_only_and_stores_its_images_below_the_prefix(settings: Settings) -> None:
    config = mirror_config(settings)
    assert 'addr: "127.0.0.1:5055"' in config
    assert f"rootdirectory: {settings.prefix}/mirror" in config


def test_each_setting_of_a_running_engine_except_the_prefix_changes_its_fingerprint(settings: Settings) -> None:
    assert engine_arguments(settings)[0] == "--network-name=second"
    same = fingerprint_of_run(settings)
    assert fingerprint_of_run(settings._replace(prefix=Path("/elsewhere"))) == same
    changed = [
        settings._replace(mirror_port=5056),
        settings._replace(network="third"),
        settings._replace(cidr="10.99.0.0/16"),
        settings._replace(pool=1),
    ]
    assert len({same, *map(fingerprint_of_run, changed)}) == 5
