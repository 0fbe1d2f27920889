"""Words that were in messages, help and docs before, and should not come back: see the table in CONTRIBUTING.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted(path for folder in ("ci", "native_engine") for path in (ROOT / folder).rglob("*.py"))
PAGES = sorted([ROOT / "README.md", ROOT / "images/README.md", *(ROOT / "docs").glob("*.md")])
REFUSED = re.compile(
    r"\b(?:told|whoever|nobody|for ever|once more|culprits?|wish(?:es)?|shelf|draws? on|drawn on|(?:is|are) none of"
    r"|is no (?:key|image|tag)\b|lies? (?:in|below|beside)|astray|remains|lost patience|behind our back|lacking"
    r"|(?:tags?|records?|it) names? (?:nothing|sha256|what|that|these))\b",
    re.IGNORECASE,
)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Return every string of a module, docstrings and the parts of f-strings included, with its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def findings(path: Path) -> list[str]:
    found = texts(path) if path.suffix == ".py" else enumerate(path.read_text().splitlines(), 1)
    return [f"{path.name}:{line}: {match[0]}" for line, text in found for match in REFUSED.finditer(text)]


@pytest.mark.parametrize("path", [*CODE, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_dialect(path: Path) -> None:
    assert findings(path) == []


@pytest.mark.parametrize(
    "text", ["2026.4-stable is no tag of a stack", "It draws on base.", "the tag names nothing", "Whoever reads this"]
)
def test_the_words_are_found(tmp_path: Path, text: str) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"MESSAGE = f'{text}, {{1}}'\n")
    assert len(findings(module)) == 1
