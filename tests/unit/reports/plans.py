"""Plans for reports."""

from ci.planning.decisions import Action
from ci.planning.plan import ImagePlan


def planned(name: str, parent: str | None = None, **changes: object) -> ImagePlan:
    """Return an image that will be built, with some fields changed."""
    fields: dict[str, object] = {
        "name": name,
        "parent": parent,
        "needs": (parent,) if parent else (),
        "foreign_bases": () if parent else ("debian:bookworm-slim",),
        "action": Action.BUILD,
        "reason": "the whole stack is built",
        "suites": (),
    }
    return ImagePlan(**(fields | changes))  # type: ignore[arg-type]  # a row of a test's table
