"""The rooms of the house: who may import whom, and what the pure ones must not know."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CI = ROOT / "ci"

# A room may import itself and what stands in its row, which is always further down. `module` is the front door.
MAY_IMPORT = {
    "module": {
        "promotion_functions",
        "description_functions",
        "wiki_functions",
        "tidy_functions",
        "sharing_functions",
        "report_folder",
        "options",
        "dagger_function",
        "connect",
        "commands",
        "adapters",
        "reports",
        "results",
        "planning",
        "fusion",
    },
    "promotion_functions": {
        "options",
        "dagger_function",
        "connect",
        "commands",
        "reports",
        "promotion",
        "publish",
        "stack",
    },
    "description_functions": {
        "options",
        "dagger_function",
        "connect",
        "commands",
        "adapters",
        "reports",
        "contents",
        "planning",
    },
    "wiki_functions": {"options", "dagger_function", "connect", "commands", "adapters", "wiki"},
    "tidy_functions": {
        "options",
        "dagger_function",
        "connect",
        "commands",
        "adapters",
        "reports",
        "retention",
        "clock",
    },
    "sharing_functions": {
        "report_folder",
        "options",
        "dagger_function",
        "connect",
        "commands",
        "adapters",
        "reports",
        "sharing",
    },
    "report_folder": {"commands", "adapters", "reports"},
    "options": set(),
    "dagger_function": {"adapters", "errors"},
    "connect": {
        "commands",
        "adapters",
        "reports",
        "cleanup",
        "publish",
        "planning",
        "gpu_gate",
        "stack",
        "oci",
        "errors",
    },
    "commands": {
        "wiki",
        "build",
        "cleanup",
        "retention",
        "promotion",
        "publish",
        "sharing",
        "results",
        "contents",
        "planning",
        "fusion",
        "gpu_gate",
        "stack",
        "oci",
        "registry_format",
        "clock",
        "errors",
    },
    "adapters": {
        "wiki",
        "build",
        "results",
        "suite_results",
        "contents",
        "planning",
        "fusion",
        "gpu_gate",
        "stack",
        "oci",
        "clock",
        "errors",
    },
    # Of promotion and publishing, their values.
    "wiki": {"reports", "promotion", "publish", "planning", "contents", "units", "errors"},
    # Of promotion and the gate, their values.
    "reports": {
        "promotion",
        "sharing",
        "retention",
        "results",
        "suite_results",
        "timing",
        "contents",
        "planning",
        "gpu_gate",
        "stack",
        "texts",
        "units",
    },
    "build": {
        "results",
        "suite_results",
        "timing",
        "contents",
        "planning",
        "fusion",
        "stack",
        "oci",
        "pytest_results",
        "texts",
        "units",
        "errors",
    },
    "cleanup": {"retention", "promotion", "publish", "oci", "registry_format", "image_labels", "errors"},
    "promotion": {"publish", "contents", "gpu_gate", "stack", "oci", "registry_format", "image_labels", "errors"},
    "publish": {
        "sharing",
        "results",
        "suite_results",
        "contents",
        "planning",
        "fusion",
        "stack",
        "oci",
        "registry_format",
        "image_labels",
        "errors",
    },
    "sharing": {"results", "timing", "planning", "stack", "errors"},
    "results": {"suite_results", "contents", "planning", "timing", "units"},
    "suite_results": {"stack"},
    "contents": {"stack", "registry_format", "image_labels", "errors"},
    "planning": {"fusion", "stack", "dockerfile", "errors"},
    "fusion": {"stack", "dockerfile"},
    "gpu_gate": {"stack", "oci", "registry_format", "image_labels", "clock", "pytest_results", "errors"},
    "retention": {"stack", "oci", "registry_format", "errors"},
    "stack": {"dockerfile", "oci", "registry_format", "errors"},
    "dockerfile": {"oci", "errors"},
    "oci": {"registry_format", "image_labels", "errors"},
    "registry_format": set(),
    "image_labels": set(),
    "clock": set(),
    "texts": set(),
    "timing": set(),
    "units": set(),
    "pytest_results": set(),
    "errors": set(),
    "test_container": set(),  # runs in containers, not in the module
}
PURE = {
    "errors", "pytest_results", "dockerfile", "stack", "fusion", "planning", "results", "suite_results", "reports",
    "contents", "texts", "timing", "units", "wiki", "retention", "sharing",
}  # fmt: skip
IMPURE_MODULES = {
    "anyio", "asyncio", "asyncssh", "dagger", "datetime", "git", "httpx", "io", "opentelemetry", "os", "pathlib",
    "random", "secrets", "shutil", "socket", "subprocess", "sys", "tempfile", "threading", "time", "uuid",
}  # fmt: skip
# What a pure module may have of them all the same: functions that give the same result for the same arguments.
DETERMINISTIC = {
    # UUID5 is a hash, and a time that is given is parsed; the library wants values of these two types.
    "contents/sbom.py": {"uuid.NAMESPACE_URL", "uuid.uuid5", "datetime.datetime", "datetime.UTC"},
}
CLOCKS = {"now", "utcnow", "today", "fromtimestamp"}
MODULES = sorted(CI.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def imported_names(path: Path) -> Iterator[str]:
    """Return what is imported, with the names taken out of modules."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path: Path) -> str:
    return path.relative_to(CI).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    own = room(path)
    if own == "__init__":
        return
    used = {name.split(".")[1] for name in imports(path) if name.startswith("ci.")}
    assert used - {own} <= MAY_IMPORT[own]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if room(path) in PURE], ids=lambda path: str(path.relative_to(ROOT))
)
def test_pure_rooms_know_no_world(path: Path) -> None:
    allowed = DETERMINISTIC.get(str(path.relative_to(CI)), set())
    imported = {name for name in imported_names(path) if name.split(".")[0] in IMPURE_MODULES}
    assert imported - allowed == set()
    read = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert not (allowed and read & CLOCKS)


def test_adapters_do_not_know_each_other() -> None:
    for path in (CI / "adapters").rglob("*.py"):
        own = path.relative_to(CI / "adapters").parts[0].removesuffix(".py")
        used = {name.split(".")[2] for name in imports(path) if name.startswith("ci.adapters.")}
        assert used <= {own}, path


def test_every_room_is_in_the_table() -> None:
    assert {room(path) for path in MODULES} - {"__init__"} == set(MAY_IMPORT)


def test_no_arrow_goes_up() -> None:
    order = list(MAY_IMPORT)
    assert all(order.index(used) > order.index(own) for own, row in MAY_IMPORT.items() for used in row)


# Each takes 0.03 to 0.1 s to import, which every call of the module would pay.
IMPORTED_WHERE_USED = {"cyclonedx", "packageurl", "univers"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_large_libraries_are_imported_where_they_are_used(path: Path) -> None:
    top = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in top if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} & IMPORTED_WHERE_USED == set()
