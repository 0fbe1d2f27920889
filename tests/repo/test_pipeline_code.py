"""The lists of code that alters images, and verdicts on them, are what their roots import: nothing more or less."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ci.adapters.pipeline_code import IMAGE_CODE, IMAGE_ROOTS, SUITE_CODE, SUITE_ROOTS
from tests.repo.test_rooms import CI, MODULES, imported_names, imports, room

# Rooms and modules that only say, store, decide or move what is there. None of these may alter an image.
NO_IMAGE_CODE = {
    "reports", "wiki", "promotion", "contents", "gpu_gate", "commands", "planning", "build", "results", "texts",
    "units", "timing", "clock", "registry_format", "connect", "options", "module", "dagger_function",
}  # fmt: skip
# A file that is read, or a module found by a name, would be part of the code and in no list.
BEYOND_IMPORTS = {"importlib", "inspect", "io", "os", "pathlib", "pkgutil", "runpy", "subprocess"}


def module_file(name: str, root: Path) -> Path | None:
    """Return the file of a module of ours; None for what is not one, such as a name in a module."""
    path = root.parent / name.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def closure(roots: Sequence[str], root: Path = CI) -> set[str]:
    """Return the files that roots import, directly or not, wherever in a file the import is; and the roots."""
    found: set[str] = set()
    pending = [root / name for name in roots]
    while pending:
        path = pending.pop()
        name = path.relative_to(root).as_posix()
        if name not in found:
            found.add(name)
            used = {*imports(path), *imported_names(path)}
            pending.extend(file for one in used if one.startswith("ci.") and (file := module_file(one, root)))
    return {name for name in found if not name.endswith("__init__.py")}


def test_the_lists_are_what_their_roots_import() -> None:
    assert set(IMAGE_CODE) == closure(IMAGE_ROOTS)
    assert set(SUITE_CODE) == closure(SUITE_ROOTS) - set(IMAGE_CODE)
    for listed in (IMAGE_CODE, SUITE_CODE):
        assert list(listed) == sorted(set(listed))


def test_a_package_has_no_code_of_its_own() -> None:
    """Importing a module runs those above it, which are in no list."""
    for path in MODULES:
        if path.name == "__init__.py":
            body = ast.parse(path.read_text()).body
            assert all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in body), path


def test_what_only_words_stores_or_decides_is_not_among_them() -> None:
    assert {room(CI / name) for name in IMAGE_CODE} & NO_IMAGE_CODE == set()
    assert {room(CI / name) for name in SUITE_CODE} & (NO_IMAGE_CODE - {"build"}) == set()
    settings = {"stack/budget_config.py", "stack/gpu_config.py", "stack/wiki_config.py", "stack/config.py"}
    assert settings & {*IMAGE_CODE, *SUITE_CODE} == set()


def beyond_imports(path: Path) -> Iterator[str]:
    yield from (name for name in imports(path) if name.split(".")[0] in BEYOND_IMPORTS)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name) and node.id in {"open", "__import__", "__file__", "exec", "eval"}:
            yield node.id


@pytest.mark.parametrize("name", IMAGE_CODE)
def test_image_code_reads_no_other_files(name: str) -> None:
    assert list(beyond_imports(CI / name)) == []


def test_only_image_code_makes_and_pushes_images() -> None:
    """The engine's calls that make an image of a Dockerfile, put labels on it or push it are nowhere else."""
    made = {"docker_build", "publish", "with_label", "with_annotation", "as_tarball"}
    found = {
        (path.relative_to(CI).as_posix(), node.attr)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in made
    }
    elsewhere = {(name, call) for name, call in found if name not in IMAGE_CODE}
    # The container of the tests is not an image of the stack.
    assert {(name, call) for name, call in elsewhere if call != "publish" or "adapters" in name} == {
        ("adapters/dagger_engine/tester.py", "docker_build")
    }


def test_what_hands_images_to_the_registry_changes_nothing_about_them() -> None:
    """What these two put on containers is on those of tools: to list files, and to log in."""
    found = {
        node.attr
        for name in ("builder.py", "registry.py")
        for node in ast.walk(ast.parse((CI / "adapters/dagger_engine" / name).read_text()))
        if isinstance(node, ast.Attribute) and node.attr.startswith(("with_", "without_"))
    }
    assert found == {"with_mounted_directory", "with_exec", "with_registry_auth"}


@pytest.mark.parametrize(
    "text",
    [
        "import ci.more",
        "from ci import more",
        "from ci.more import one",
        "def late():\n    from ci.more import one\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ci.more import one\n",
        "import ci.other",
        "from ci.package import more",
    ],
)
def test_no_way_to_import_is_missed(tmp_path: Path, text: str) -> None:
    files = {"root.py": text, "more.py": "one = 1\n", "other.py": "from ci.more import one\n", "package/more.py": ""}
    for name, content in {**files, "__init__.py": "", "package/__init__.py": ""}.items():
        path = tmp_path / "ci" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(content)
    found = closure(["root.py"], tmp_path / "ci")
    assert {"more.py", "package/more.py"} & found, found
