"""Which image builds on which, as a page of Markdown: a table, a tree, and a diagram. Nothing reads it."""

from collections.abc import Iterator, Mapping, Sequence

from ci.planning.decisions import Action
from ci.planning.plan import ImagePlan, Plan
from ci.reports.markdown import code, table
from ci.reports.tree import draw_tree


def render_dependencies(plan: Plan, bases: Mapping[str, str | None]) -> str:
    """Return the page. `bases` are the digests of foreign base images by reference, where they are known."""
    headers = ["image", "builds on", "copies from", "foreign base images", "suites", "cache key"]
    tree = draw_tree({image.name: image.parent for image in plan.images})
    return "\n".join(
        [
            "# Dependencies",
            "",
            *table(headers, [_row(image, bases) for image in plan.images]),
            "",
            "```",
            *(label for _, label in tree),
            "```",
            "",
            "```mermaid",
            *_diagram(plan),
            "```",
            "",
        ]
    )


def _row(image: ImagePlan, bases: Mapping[str, str | None]) -> Sequence[str]:
    return [
        code(image.name) + (" (disabled)" if image.action is Action.DISABLED else ""),
        code(image.parent or ""),
        _codes([one for one in image.needs if one != image.parent]),
        _codes([f"{base}@{bases[base]}" if bases.get(base) else base for base in image.foreign_bases]),
        _codes(image.suites),
        code(image.key or ""),
    ]


def _codes(names: Sequence[str]) -> str:
    return ", ".join(code(name) for name in names)


def _diagram(plan: Plan) -> Iterator[str]:
    """Yield the lines of a Mermaid diagram: arrows from what is built on, broken ones from what is copied from."""
    sources = {image.name: (*image.foreign_bases, *image.needs) for image in plan.images}
    names = dict.fromkeys(name for image, needed in sources.items() for name in (*needed, image))
    nodes = {name: f"n{place}" for place, name in enumerate(names)}
    yield "flowchart LR"
    yield from (f'  {node}["{_label(name)}"]' for name, node in nodes.items())
    for image in plan.images:
        for name in sources[image.name]:
            is_base = name == (image.parent or next(iter(image.foreign_bases), None))
            yield f"  {nodes[name]} {'-->' if is_base else '-.->'} {nodes[image.name]}"


def _label(name: str) -> str:
    return name.replace('"', "#quot;").replace("`", "#96;")
