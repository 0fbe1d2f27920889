"""The names of the wiki's pages, and links to them.

GitHub drops folders, shows `-` as a space, and looks pages up without regard to case: two names that differ only in
these would be one page.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import quote

import msgspec

from ci.reports.markdown import code
from ci.wiki.model import StackPage, Version, stacks

HOME, SIDEBAR = "Home", "_Sidebar"
PACKAGES, SYSTEM_PACKAGES, DEPENDENCIES = "Packages", "Packages-apt", "Dependencies"


def folded(name: str) -> str:
    """Return what two names of one page have in common."""
    return name.replace(" ", "-").lower()


class PageNames:
    """Gives out names, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """Return the name, or with the first number behind it that makes it one of its own."""
        number, found = 1, name
        while folded(found) in self._taken:
            number += 1
            found = f"{name}-{number}"
        self._taken.add(folded(found))
        return found

    def __len__(self) -> int:
        return len(self._taken)


class PageIndex(msgspec.Struct, frozen=True, kw_only=True):
    """Which page is of what."""

    images: Mapping[tuple[str, str], str]
    """By tag and image."""
    changes: Mapping[str, str]
    """By stable tag."""
    prefix: str = ""
    """What links begin with."""

    def link(self, text: str, page: str) -> str:
        """Return a link to a page. The text is Markdown already."""
        return f"[{text}]({self.prefix}{quote(page)})"

    def image(self, tag: str, name: str) -> str:
        """Return an image's name as a link to its page under a tag."""
        page = self.images.get((tag, name))
        return self.link(code(name), page) if page else code(name)

    def of_stack(self, stack: StackPage) -> Mapping[str, str]:
        """Return links to the pages of all images of a stack, by image."""
        return {name: self.image(stack.tag, name) for name in stack.contents.names}


def name_pages(versions: Iterable[Version], names: PageNames, prefix: str = "") -> PageIndex:
    """Take the names of all pages. Those that are always there come first, so that no image can take theirs."""
    for name in (HOME, SIDEBAR, PACKAGES, SYSTEM_PACKAGES, DEPENDENCIES):
        names.take(name)
    known = tuple(versions)
    stable = [version.stable.tag for version in known if version.stable]
    changes = {tag: names.take(f"Changes-{tag}") for tag in stable}
    pages = [(stack.tag, name) for version in known for stack in stacks(version) for name in stack.contents.names]
    return PageIndex(images={one: names.take(f"{one[1]}-{one[0]}") for one in pages}, changes=changes, prefix=prefix)
