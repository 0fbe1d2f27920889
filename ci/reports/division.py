"""A division of a stack among machines: a summary in Markdown, and what a workflow needs of it."""

from collections.abc import Iterator, Sequence

import msgspec

from ci import units
from ci.reports.markdown import bounded, code, table
from ci.sharing.model import Share, Shares

_IMAGES_SHOWN = 20


def render_division(shares: Shares) -> str:
    """Return the summary of a division, at most a million bytes of it."""
    return bounded(_lines(shares))


def render_outputs(shares: Shares) -> str:
    """Return two lines for `$GITHUB_OUTPUT`: the names of the shares of each round as JSON, `[]` for none."""
    division = shares.division
    rounds = {"trunk": division.trunk, "branches": division.branches}
    return "".join(
        f"{name}={msgspec.json.encode([one.name for one in own]).decode()}\n" for name, own in rounds.items()
    )


def _lines(shares: Shares) -> Iterator[str]:
    yield f"## {_verdict(shares)}"
    if shares.division.shares:
        yield ""
        yield from table(("share", "images:", "time:", "what"), [_row(share) for share in shares.division.shares])


def _verdict(shares: Shares) -> str:
    division = shares.division
    if not division.shares:
        return "Nothing to build or test: gathering publishes the stack"
    alone = units.seconds(division.alone)
    images = units.number(len(division.owners), "image")
    if len(division.shares) == 1:
        return f"One machine builds {images}, in about {alone}: more would not be worth it"
    machines = max(len(division.trunk), len(division.branches))
    return f"{images} on up to {machines} machines, in about {units.seconds(division.expected)} instead of {alone}"


def _row(share: Share) -> Sequence[str]:
    shown = ", ".join(share.images[:_IMAGES_SHOWN])
    more = f" +{len(share.images) - _IMAGES_SHOWN}" if len(share.images) > _IMAGES_SHOWN else ""
    return (code(share.name), str(len(share.images)), units.seconds(share.seconds), code(shown + more))
