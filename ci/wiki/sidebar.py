"""The wiki's own sidebar: GitHub's list of pages is cut in long wikis."""

from collections.abc import Iterator, Sequence

from ci.reports.markdown import code
from ci.wiki.model import Version, stacks
from ci.wiki.names import DEPENDENCIES, HOME, PACKAGES, SYSTEM_PACKAGES, PageIndex


def sidebar(versions: Sequence[Version], index: PageIndex) -> Iterator[str]:
    """Yield the lines of the part of the sidebar that is ours: of each version what is stable, or the newest."""
    yield f"- {index.link('All stacks', HOME)}"
    yield f"- {index.link('Packages', PACKAGES)}"
    yield f"- {index.link('Packages of the operating system', SYSTEM_PACKAGES)}"
    yield f"- {index.link('Dependencies', DEPENDENCIES)}"
    for version in versions:
        stack = next(stacks(version), None)
        yield from ("", f"**{code(stack.tag if stack else version.name)}**", "")
        if version.stable:
            yield f"- {index.link('What changed', index.changes[version.stable.tag])}"
        if stack:
            yield from (f"- {text}" for text in index.of_stack(stack).values())
