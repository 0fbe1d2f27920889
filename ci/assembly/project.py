"""The source tree of one call, and the stack in it."""

from typing import Self

import dagger

from ci.adapters.engine.source import FolderTree, fetch_tree
from ci.stack.model import Stack
from ci.stack.reading import read_stack


class Project:
    """A source tree in the engine, and the stack in it."""

    def __init__(self, source: dagger.Directory, tree: FolderTree, stack: Stack) -> None:
        self.source = source
        self.tree = tree
        self.stack = stack

    @classmethod
    async def read(cls, source: dagger.Directory, images: str) -> Self:
        """Bring the tree over and read the stack. Raises SpecError and ExternalError."""
        tree = await fetch_tree(source)
        return cls(source, tree, read_stack(tree, images))
