"""The published JSON Schemas of what this project gives as JSON.

    .venv/bin/python -m tests.repo.schemas

writes them into docs/schemas/, after a change of one of these values.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from ci.contents.difference import StackDifference
from ci.contents.finding import PackageSearch
from ci.contents.model import Contents
from ci.promotion.package_history import PackageHistory
from ci.promotion.stack_listing import StackListing
from ci.results import RunReport

FOLDER = Path(__file__).parents[2] / "docs/schemas"
_PUBLISHED: Mapping[str, tuple[type[msgspec.Struct], str]] = {
    "contents.json": (Contents, "What is in one image"),
    "diff.json": (StackDifference, "What differs between two stacks"),
    "package-history.json": (PackageHistory, "When packages came, changed and went under a stable tag"),
    "packages.json": (PackageSearch, "Which images have a package"),
    "run.json": (RunReport, "The report of a run"),
    "stacks.json": (StackListing, "The published stacks of a version"),
}


def schemas() -> Mapping[str, str]:
    """Return the text of each schema by its file name."""
    return {name: _schema(kind, title) for name, (kind, title) in _PUBLISHED.items()}


def _schema(kind: type[msgspec.Struct], title: str) -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **msgspec.json.schema(kind)}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (FOLDER / name).write_text(text)
