"""The reasons of what concerns all images: the pipeline, and the lines of stack.toml."""

import pytest

from ci.planning.decisions import PlanInputs
from tests.unit.planning.sample_decisions import (
    ALL,
    CODE,
    DS,
    EACH,
    GONE,
    ML,
    ON_BASE,
    ON_DS,
    REUSED,
    SILENT,
    STACK_FILES,
    built_by,
    inputs,
    reasons,
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            inputs(absent=DS, changed="images/stack.toml"),
            {"ds": "settings changed: images/stack.toml", **ON_DS},
            id="a line of stack.toml",
        ),
        pytest.param(inputs(silent="ml", changed="images/stack.toml"), {"ml": SILENT}, id="no answer, and settings"),
        pytest.param(
            inputs(absent=EACH, records=built_by(image_code="j")),
            dict.fromkeys(ALL, f"pipeline changed: {CODE}"),
            id="other code of the pipeline",
        ),
        pytest.param(
            inputs(absent=EACH, records=built_by(image_code="", engine="")),
            dict.fromkeys(ALL, f"pipeline changed: {CODE}"),
            id="published before its code was recorded",
        ),
        pytest.param(
            inputs(absent=EACH, records=built_by(engine="v0")),
            dict.fromkeys(ALL, "pipeline changed: the engine v0 -> v1"),
            id="another engine",
        ),
        pytest.param(
            inputs(absent=EACH, records=built_by(image_code="j", engine="v0"), changed=f"{ML} {STACK_FILES}"),
            dict.fromkeys(ALL, f"pipeline changed: {CODE}, the engine v0 -> v1"),
            id="it goes before all else",
        ),
        pytest.param(inputs(absent="ml", records=built_by()), {"ml": GONE}, id="the same pipeline"),
        pytest.param(
            inputs(forced="base", records=built_by(image_code="j")),
            {"base": "forced: --rebuild", **ON_BASE},
            id="another pipeline is no reason where the image is there",
        ),
    ],
)
def test_reasons(given: PlanInputs, expected: dict[str, str]) -> None:
    assert reasons(given) == REUSED | expected
