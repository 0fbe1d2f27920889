"""The published schemas are those of the values, and the values fit them."""

import json

import jsonschema  # type: ignore[import-untyped]  # its types are a package of their own
import msgspec
import pytest

from ci.contents.finding import search_packages
from ci.planning.plan import Plan
from ci.promotion.package_history import PackageEvent, PackageHistory
from ci.promotion.stack_listing import ListedStack, StackListing
from ci.results import RunReport
from tests.repo.schemas import FOLDER, schemas
from tests.unit.reports.described import R_NOTEBOOK
from tests.unit.reports.differences import everything
from tests.unit.reports.plans import planned

RUN = RunReport(plan=Plan(images=(planned("base"),)), images=(), started="2026-01-01T00:00:00Z", seconds=1.5, jobs=2)
DOCUMENTS = {
    "contents.json": R_NOTEBOOK.contents,
    "diff.json": everything(),
    "package-history.json": PackageHistory(
        tag="2026.4-stable",
        pattern="torch*",
        events=(PackageEvent(record=1, at="2026-01-01T00:00:00Z", source="2026.4-a1239ab", changed=()),),
    ),
    "packages.json": search_packages("*", {"r-notebook": R_NOTEBOOK.contents}),
    "run.json": RUN,
    "stacks.json": StackListing(
        version="2026.4",
        stacks=(ListedStack(tag="t", published="2026-01-01T00:00:00Z", commit="a1", images=4, size=5, status=""),),
    ),
}


@pytest.mark.parametrize(("name", "text"), schemas().items(), ids=list(schemas()))
def test_a_published_schema_is_that_of_the_value(name: str, text: str) -> None:
    assert (FOLDER / name).read_text() == text, "write them anew: .venv/bin/python -m tests.repo.schemas"


def test_nothing_else_is_published() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(schemas())


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_value_fits_its_schema(name: str) -> None:
    schema = json.loads((FOLDER / name).read_text())
    document = json.loads(msgspec.json.encode(DOCUMENTS[name]))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(
            {**document, next(key for key, value in document.items() if isinstance(value, list)): "none"}
        )
