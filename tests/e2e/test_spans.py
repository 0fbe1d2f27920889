"""The spans of a call, as the CLI exports them: names, parents and attributes decide what Dagger's tree shows."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.conftest import Call, MakeTree
from tests.e2e.notebook_stack import new_operator
from tests.e2e.otlp import Collector, ExportedSpan, collector
from tests.e2e.stacks import FILES
from tests.integration.adapters.oci.bridge import Bridge
from tests.integration.adapters.oci.debian import DebianRegistry

OURS = "dagger.io/sdk.python"
CALLS = "dagger.io/core"
HIDES = "dagger.io/ui.encapsulate"
SHOWN = (HIDES, "dagger.io/ui.internal", "test.suite.run.status", "test.case.result.status")
TESTED = "RUN apt-get update && apt-get install --yes --no-install-recommends python3\n"


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collector() as opened:
        for name, value in opened.variables.items():
            monkeypatch.setenv(name, value)
        yield opened


def tree_of(spans: Mapping[bytes, ExportedSpan]) -> str:
    """Return our spans as an indented tree, each with what says how it is shown; those of one parent are sorted."""
    ours = {span.id: span for span in spans.values() if span.scope == OURS}

    def draw(parent: bytes, depth: int) -> Iterator[str]:
        for span in sorted((one for one in ours.values() if one.parent == parent), key=lambda one: one.name):
            shown = [f"{key.rpartition('.')[2]}={span.attributes[key]}" for key in SHOWN if key in span.attributes]
            yield "  " * depth + " ".join([span.name, *shown, *(["FAILED"] if span.is_failed else [])])
            yield from draw(span.id, depth + 1)

    roots = sorted({span.parent for span in ours.values()} - set(ours))
    return "\n".join(line for root in roots for line in draw(root, 0)) + "\n"


def calls_outside(collected: Collector) -> list[str]:
    """Return the engine calls of our functions that lie in no work of ours, which would show each of them."""
    found = []
    for span in collected.spans.values():
        path = collected.path(span)
        function = next((place for place, one in enumerate(path) if one.name.startswith("Datahub.")), None)
        if span.scope != CALLS or function is None or path[function] is span:
            continue
        below = path[function + 1 :]
        # Dagger's own loading of the module's container.
        if any(one.name == "load sdk runtime" for one in below):
            continue
        if not any(one.scope == OURS and one.attributes.get(HIDES) for one in below):
            found.append(" > ".join(one.name for one in below))
    return found


def test_a_run_is_a_tree_of_images_their_work_and_their_tests(call: Call, tree: MakeTree, collected: Collector) -> None:
    source = tree(
        {
            "images/base/Dockerfile": f"FROM debian:bookworm-slim\n{TESTED}",
            "images/base/tests/image/test_base.py": "def test_ok():\n    pass\n\n\ndef test_bad():\n    assert False\n",
            "images/r/Dockerfile": "FROM base\nRUN echo before; exit 3\n",
            "images/top/Dockerfile": "FROM r\nRUN echo never\n",
        }
    )
    done = call("--source", source, "build-stack")
    assert done.returncode == 1
    assert tree_of(collected.spans) == (Path(__file__).parent / "golden" / "red-run.txt").read_text()
    assert calls_outside(collected) == []


def test_a_publication_has_no_engine_call_outside_of_its_work(
    tmp_path: Path, call: Call, debian: DebianRegistry, bridge: Bridge, collected: Collector
) -> None:
    operator = new_operator(tmp_path, call, debian, bridge)
    assert set(operator.publish().values()) == {"built"}, operator.errors
    names = {span.name for span in collected.spans.values() if span.scope == OURS}
    assert {"upload the image", "publish the tags", f"open the registry localhost:{bridge.port}"} <= names
    assert calls_outside(collected) == []


@pytest.mark.parametrize("words", [("plan",), ("init",), ("build-report", "export", "--path"), ("build-stack",)])
def test_no_function_calls_the_engine_outside_of_its_work(
    call: Call, tree: MakeTree, tmp_path: Path, collected: Collector, words: tuple[str, ...]
) -> None:
    folder = [str(tmp_path / "report")] if "export" in words else []
    done = call("--source", tree(FILES), *words, *folder)
    assert done.returncode == 0, done.stderr
    assert any(span.scope == CALLS for span in collected.spans.values())
    assert calls_outside(collected) == []
