"""The published schemas are those of the values, and the values fit them."""

import json

import jsonschema  # type: ignore[import-untyped]  # its types are a package of their own
import msgspec
import pytest

from ci.planning.plan import Plan
from ci.results import RunReport
from tests.repo.schemas import FOLDER, schemas
from tests.unit.reports.described import R_NOTEBOOK
from tests.unit.reports.differences import everything
from tests.unit.reports.plans import planned

RUN = RunReport(plan=Plan(images=(planned("base"),)), images=(), started="2026-01-01T00:00:00Z", seconds=1.5, jobs=2)
DOCUMENTS = {"contents.json": R_NOTEBOOK.contents, "diff.json": everything(), "run.json": RUN}


@pytest.mark.parametrize(("name", "text"), schemas().items(), ids=list(schemas()))
def test_a_published_schema_is_that_of_the_value(name: str, text: str) -> None:
    assert (FOLDER / name).read_text() == text, "write them anew: .venv/bin/python -m tests.repo.schemas"


def test_nothing_else_is_published() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(schemas())


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_value_fits_its_schema(name: str) -> None:
    schema = json.loads((FOLDER / name).read_text())
    document = json.loads(msgspec.json.encode(DOCUMENTS[name]))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**document, "images" if name != "contents.json" else "packages": "none"})
