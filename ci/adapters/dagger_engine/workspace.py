"""The source tree of a call that names none: Dagger's workspace, the repository in which the client runs."""

import dagger
from dagger import dag

from ci.adapters.dagger_engine.limits import within_limit
from ci.errors import RequestError

_WHAT = "find the repository in which the command runs"
# What the top of a source tree has. Without a repository, the workspace is just the folder of the client.
_MARKS = (".git", "stack.toml", "dagger.json")


async def current_source() -> dagger.Directory:
    """Return the repository in which the client runs, whole. Raises RequestError if it runs in none.

    A default path would be one of the module's own repository, which is another one where it is called with `-m`. The
    folder of a client may be a home folder: the engine would copy all of it (1.5 GB: 22 s) before anything is said.
    """
    workspace = dag.current_workspace()
    for mark in _MARKS:
        if await within_limit(_WHAT, workspace.find_up(mark)):
            return workspace.directory("/")
    folder = (await within_limit(_WHAT, workspace.address())).removeprefix("file://")
    raise RequestError(
        f"No --source is given, and {folder} is in no git repository. To read all of this folder, write --source=. "
        "before the function: dagger call --source=. plan"
    )
