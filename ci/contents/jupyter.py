"""Jupyter kernels: the kernel.json of each folder of kernels."""

import posixpath

import msgspec

from ci.contents.found import Files, Found, shown, word
from ci.contents.json_files import decoded
from ci.contents.model import Kernel
from ci.contents.site_folders import in_site_folder


class _Specification(msgspec.Struct, frozen=True):
    display_name: str = ""
    language: str = ""


def read_kernels(files: Files) -> Found:
    """Read the kernels that are installed, whoever may use them."""
    problems: list[str] = []
    kernels: list[Kernel] = []
    for path in sorted(files):
        if in_site_folder(path):
            continue
        found = decoded(path, files[path], _Specification, problems)
        folder = posixpath.dirname(path)
        if found is not None:
            kernels.append(
                Kernel(
                    name=word(shown(posixpath.basename(folder))[1:]),
                    display_name=word(found.display_name),
                    language=word(found.language),
                    location=shown(folder),
                )
            )
    return Found(kernels=tuple(kernels), problems=tuple(problems))
