import json
import os
import re
from pathlib import Path

import pytest

from native_engine.binaries import patch_source
from native_engine.errors import EngineError
from native_engine.inputs import GO_SOURCES
from native_engine.recipes import PATCHES


def test_a_patch_replaces_the_only_occurrence_of_its_text(tmp_path: Path) -> None:
    file = tmp_path / "source.go"
    file.write_text("before\nhere\nafter\n")
    patch_source(file, "here\n", "there\n")
    assert file.read_text() == "before\nthere\nafter\n"


@pytest.mark.parametrize("source", ["gone\n", "here\nhere\n"])
def test_a_patch_that_does_not_apply_is_an_error(tmp_path: Path, source: str) -> None:
    file = tmp_path / "source.go"
    file.write_text(source)
    with pytest.raises(EngineError, match=r"the patch of source\.go does not apply"):
        patch_source(file, "here\n", "there\n")
    assert file.read_text() == source


def modules() -> dict[str, Path]:
    """Return the folder of each module that go.mod requires in Go's cache, by its name."""
    cache = Path(os.environ.get("GOMODCACHE") or Path.home() / "go" / "pkg" / "mod")
    required = re.findall(r"^\s*(\S+) (v\S+)(?: // indirect)?$", (GO_SOURCES / "go.mod").read_text(), re.MULTILINE)
    return {name: cache / f"{name}@{version}" for name, version in required}


@pytest.mark.parametrize("file", sorted({file for file, _, _ in PATCHES}))
def test_the_patches_apply_to_the_pinned_sources(tmp_path: Path, file: str) -> None:
    name, folder = max(
        (item for item in modules().items() if file.startswith(f"{item[0]}/")), key=lambda item: len(item[0])
    )
    if not folder.exists():
        pytest.skip(f"Go has not downloaded {name}: only who builds the native engine has it")
    source = tmp_path / "source.go"
    source.write_text((folder / file.removeprefix(f"{name}/")).read_text())
    for patched, text, replacement in PATCHES:
        if patched == file:
            patch_source(source, text, replacement)


def test_the_files_that_are_added_to_the_sources_exist() -> None:
    added = json.loads((GO_SOURCES / "overlay.json").read_text())["Replace"].values()
    assert "terminal/shell.go" in added
    assert [file for file in added if file and not (GO_SOURCES / file).is_file()] == []
