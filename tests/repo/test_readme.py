"""What the README tells a newcomer to type exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
CALL = re.compile(r"\./daggerw call ((?:--\S+ )*)(?!and\b)([a-z][a-z-]*)([^\n`|]*)")


def functions() -> dict[str, set[str]]:
    """Return the Dagger functions of the module, each with the flags it takes, as the command line spells them."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "ci").glob("*.py")]
    return {
        node.name.replace("_", "-"): {f"--{argument.arg.replace('_', '-')}" for argument in node.args.args}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef)
        and any(ast.unparse(one) == "uncached_function" for one in node.decorator_list)
    }


def calls() -> list[tuple[str, str, str]]:
    return [(page.name, found[2], found[3]) for page in PAGES for found in CALL.finditer(page.read_text())]


def test_the_pages_show_commands() -> None:
    assert {name for page, name, _ in calls() if page == "README.md"} >= {
        "build-stack",
        "plan",
        "build-report",
        "image",
    }


@pytest.mark.parametrize(("page", "name", "rest"), calls())
def test_each_command_of_a_page_exists_with_its_flags(page: str, name: str, rest: str) -> None:
    known = functions()
    assert name in known, page
    own = re.split(r" (?:terminal|as-service|up|stdout|export)\b", rest)[0]
    assert set(re.findall(r"--[a-z][a-z-]*", own)) <= known[name] | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("name", ["check", "daggerw", ".ci/run", "native_engine/native", "native_engine/fleet"])
def test_the_commands_can_be_run(name: str) -> None:
    assert (ROOT / name).stat().st_mode & 0o111
