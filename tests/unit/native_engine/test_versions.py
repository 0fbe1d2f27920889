import json
import re
import tomllib
from pathlib import Path

import pytest

from native_engine import versions
from native_engine.inputs import GO_SOURCES, SDK_SOURCES, SERVE

CHECKOUT = Path(__file__).resolve().parents[3]
GO_MOD = (GO_SOURCES / "go.mod").read_text()


def test_the_module_requires_the_pinned_engine() -> None:
    assert json.loads((CHECKOUT / "dagger.json").read_text())["engineVersion"] == f"v{versions.ENGINE}"


def test_the_development_environment_has_the_pinned_sdk() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    assert f"dagger-io=={versions.ENGINE}" in project["dependency-groups"]["dev"]


@pytest.mark.parametrize("module", ["github.com/dagger/dagger", "dagger.io/dagger => dagger.io/dagger"])
def test_go_builds_the_pinned_engine(module: str) -> None:
    assert re.search(rf"^\s*{re.escape(module)} v{re.escape(versions.ENGINE)}( // indirect)?$", GO_MOD, re.MULTILINE)


def test_the_oldest_go_is_the_one_in_go_mod() -> None:
    assert f"\ngo {'.'.join(map(str, versions.GO))}\n" in GO_MOD


def test_the_sdks_runtime_is_a_dang_module_for_the_first_interpreter() -> None:
    runtime = json.loads((SDK_SOURCES / "runtime" / "dagger.json").read_text())
    assert runtime["sdk"] == {"source": "dang"}


def test_the_engines_paths_exist_in_its_mount_namespace() -> None:
    constants = (GO_SOURCES / "distconsts" / "consts.go").read_text()
    paths = {path for path in re.findall(r'"(?:unix://)?(/[^"]*)"', constants) if not path.startswith("/usr/")}
    assert paths
    assert all(path.startswith("/run/dagger/") for path in paths)
    assert re.search(r'^mount --bind "\$layers/prefix" /run/dagger$', SERVE.read_text(), re.MULTILINE)
