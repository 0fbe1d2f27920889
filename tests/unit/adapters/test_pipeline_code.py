import shutil
from pathlib import Path

import pytest

from ci.adapters import pipeline_code
from ci.adapters.pipeline_code import IMAGE_CODE, SUITE_CODE, running_pipeline

CI = Path(pipeline_code.__file__).parents[1]
TOOLS = sorted(f"test_container/{path.name}" for path in (CI / "test_container").iterdir() if path.is_file())


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the module's code that the digests are of."""
    copy = shutil.copytree(CI, tmp_path / "elsewhere/ci", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(pipeline_code, "_CI", copy)
    return copy


def test_it_does_not_matter_where_the_module_is(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = running_pipeline("v1")
    monkeypatch.undo()
    assert (running_pipeline("v1"), module != CI) == (copied, True)
    assert running_pipeline("v1").image_code != running_pipeline("v1").suite_code
    assert (running_pipeline("v1").engine, running_pipeline("v2").engine) == ("v1", "v2")


def changed_by(path: Path) -> set[str]:
    """Return which digests are others when a file has another text of the same length."""
    before, text = running_pipeline("v1"), path.read_text()
    path.write_text(text[::-1])
    after = running_pipeline("v1")
    path.write_text(text)
    assert running_pipeline("v1") == before
    return {name for name in ("image_code", "suite_code", "engine") if getattr(before, name) != getattr(after, name)}


def test_each_file_of_a_list_changes_its_digest(module: Path) -> None:
    assert {"test_container/Dockerfile", "test_container/run-suite", "test_container/suite_recorder.py"} <= set(TOOLS)
    assert {name: changed_by(module / name) for name in IMAGE_CODE} == {name: {"image_code"} for name in IMAGE_CODE}
    suites = (*SUITE_CODE, *TOOLS)
    assert {name: changed_by(module / name) for name in suites} == {name: {"suite_code"} for name in suites}


@pytest.mark.parametrize(
    "name",
    [
        "reports/text.py",
        "reports/summary.py",
        "wiki/pages.py",
        "promotion/apply.py",
        "contents/databases.py",
        "build/run_lines.py",
        "build/runner.py",
        "planning/decisions.py",
        "publish/publisher.py",
        "stack/budget_config.py",
        "stack/gpu_config.py",
        "stack/config.py",
        "registry_format.py",
        "adapters/dagger_engine/translation.py",
        "adapters/dagger_engine/registry.py",
        "adapters/dagger_engine/inspector.py",
        "adapters/pipeline_code.py",
    ],
)
def test_no_other_file_does(module: Path, name: str) -> None:
    assert changed_by(module / name) == set()
