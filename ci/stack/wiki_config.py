"""`[wiki]` of stack.toml."""

from typing import Annotated

import msgspec


class WikiSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """Where the wiki is, and how much is in it. A field is a key."""

    url: str = ""
    """Its repository: `https://github.com/OWNER/NAME.wiki.git`. Empty for the wiki of stack.source on GitHub."""
    published: Annotated[int, msgspec.Meta(ge=0, le=50)] = 20
    """How many of the newest published stacks of each version have pages, beside the stable one."""
