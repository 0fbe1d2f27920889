"""Makes folders of texts in the engine, to be returned by a function."""

from collections.abc import Mapping

import dagger
from dagger import dag

from ci.adapters.dagger_engine.limits import within_limit


async def make_folder(
    texts: Mapping[str, str], folders: Mapping[str, dagger.Directory] | None = None
) -> dagger.Directory:
    """Return a folder with these texts and folders, by path. Raises ExternalError."""
    made = dag.directory()
    for path, text in texts.items():
        made = made.with_new_file(path, text)
    for path, folder in (folders or {}).items():
        made = made.with_directory(path, folder)
    # Without it, the folder would be made when it is opened, outside of the work that shows it.
    return await within_limit("make a folder of files", made.sync())
