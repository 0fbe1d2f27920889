from ci.planning.decisions import Action
from ci.planning.plan import Plan
from ci.reports.dependencies import render_dependencies
from tests.unit.reports.markdown_shapes import rows_of, shape
from tests.unit.reports.plans import planned

DIGEST = f"sha256:{'a' * 64}"
PLAN = Plan(
    images=(
        planned("base", suites=("common/image",), key="0f"),
        planned("tools", "base", action=Action.DISABLED),
        planned("r", "base", needs=("base", "tools"), foreign_bases=("rocker/r:4",)),
    )
)


def test_the_page() -> None:
    assert (
        render_dependencies(PLAN, {"debian:bookworm-slim": DIGEST})
        == f"""\
# Dependencies

| image | builds on | copies from | foreign base images | suites | cache key |
| --- | --- | --- | --- | --- | --- |
| `base` |  |  | `debian:bookworm-slim@{DIGEST}` | `common/image` | `0f` |
| `tools` (disabled) | `base` |  |  |  |  |
| `r` | `base` | `tools` | `rocker/r:4` |  |  |

```
base
├── r
└── tools
```

```mermaid
flowchart LR
  n0["debian:bookworm-slim"]
  n1["base"]
  n2["tools"]
  n3["rocker/r:4"]
  n4["r"]
  n0 --> n1
  n1 --> n2
  n3 -.-> n4
  n1 --> n4
  n2 -.-> n4
```
"""
    )


def test_it_is_a_table_and_two_blocks() -> None:
    page = render_dependencies(PLAN, {})
    assert rows_of(page) == 3
    assert shape(page).count("fence") == 2
