"""Reads what several machines kept: files of some names anywhere below a folder."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import dagger

from ci.adapters.dagger_engine.limits import within_limit
from ci.adapters.dagger_engine.listing import read_texts
from ci.adapters.dagger_engine.tools import SOURCE, fetched, tools_with

_WHAT = "read what the machines kept"


class Kept(NamedTuple):
    """Files by their path, and the paths of folders of two levels below any `logs`."""

    texts: Mapping[str, str]
    log_folders: Sequence[str]


async def read_kept_files(kept: dagger.Directory, names: Sequence[str]) -> Kept:
    """Return the texts of all files of these names. Raises ExternalError."""
    container = tools_with(kept).with_workdir(SOURCE)
    wanted = [word for name in names for word in ("-o", "-name", name)][1:]
    files = ["find", ".", "-type", "f", "(", *wanted, ")", "-print0"]
    listed = container.with_exec(files, redirect_stdout="/names")
    packed = listed.with_exec(["tar", "-cf", "/kept.tar", "--null", "--verbatim-files-from", "-T", "/names"])
    folders = container.with_exec(["find", ".", "-type", "d", "-path", "*/logs/*/*", "-printf", "%P\\n"])
    lines = (await within_limit(_WHAT, folders.stdout())).splitlines()
    async with fetched(packed, "/kept.tar", _WHAT) as path:
        return Kept(read_texts(path), [line for line in lines if line.split("/")[-3] == "logs"])
