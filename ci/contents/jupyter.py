"""Jupyter kernels: the kernel.json of each folder of kernels."""

import posixpath
from collections.abc import Sequence

import msgspec

from ci.contents.found import Files, Found, shown, word
from ci.contents.json_files import decoded
from ci.contents.model import Kernel
from ci.contents.site_folders import in_site_folder


class _Specification(msgspec.Struct, frozen=True):
    display_name: str = ""
    language: str = ""


def read_kernels(files: Files) -> Found:
    """Read the kernels that are installed, for every environment and user."""
    problems: list[str] = []
    kernels: list[Kernel] = []
    # In this order, so that a kernel of /usr/local comes before one of /usr that it hides.
    for path in sorted(files, key=lambda path: (path.startswith("usr/share/"), path)):
        if in_site_folder(path):
            continue
        found = decoded(path, files[path], _Specification, problems)
        folder = posixpath.dirname(path)
        if found is not None and not _is_hidden(folder, kernels):
            kernels.append(
                Kernel(
                    name=word(shown(posixpath.basename(folder))[1:]),
                    display_name=word(found.display_name),
                    language=word(found.language),
                    location=shown(folder),
                )
            )
    return Found(kernels=tuple(kernels), problems=tuple(problems))


def _is_hidden(folder: str, kernels: Sequence[Kernel]) -> bool:
    """Return whether no Jupyter sees a kernel, since all look into /usr/local/share first."""
    hiding = shown(f"usr/local/{folder.removeprefix('usr/')}")
    return folder.startswith("usr/share/") and any(kernel.location == hiding for kernel in kernels)
