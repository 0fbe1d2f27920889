"""Where a link in a source tree leads to, found without following it on any disk."""

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

_MOST_LINKS = 40  # as Linux


class Outside(NamedTuple):
    """A link that leads out of the tree, and its target as written."""

    link: str
    target: str


def resolve(path: str, links: Mapping[str, str]) -> str | Outside | None:
    """Return the path that a path of the tree leads to, all links in it followed. None for a circle of links.

    `links` are the targets of all links of the tree. The result need not exist.
    """
    done, link, followed = "", path, 0
    pending = list(reversed(path.split("/")))
    while pending:
        name = pending.pop()
        if name == "..":
            if not done:
                return Outside(link, links[link])
            done = posixpath.dirname(done)
        elif name not in ("", "."):
            here = f"{done}/{name}" if done else name
            if here not in links:
                done = here
                continue
            link, target = here, links[here]
            followed += 1
            if target.startswith("/"):
                return Outside(link, target)
            if followed > _MOST_LINKS:
                return None
            pending.extend(reversed(target.split("/")))
    return done
