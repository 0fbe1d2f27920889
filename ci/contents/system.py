"""The operating system, and programs whose version is in a file of their own: Python, CUDA, Java, Spark, Node.js."""

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ci.contents.fields import text_of
from ci.contents.found import Files, Found, Installed, shown, word
from ci.contents.json_files import decoded
from ci.contents.model import System

_SHELL_LINE = re.compile(r"""^([A-Z0-9_]+)=(["']?)([^\n]*?)\2\s*$""", re.MULTILINE)


class _Source(NamedTuple):
    """A version in a file: `prefix` is what the file's path begins with, up to the folder of the program."""

    name: str
    path: re.Pattern[str]
    version: re.Pattern[str]


def _source(name: str, path: str, version: str) -> _Source:
    return _Source(name, re.compile(f"(?P<prefix>.*?){path}", re.DOTALL), re.compile(version, re.MULTILINE))


_BUILD_INFO = r"tensorflow/python/platform/build_info\.py"
_SOURCES = (
    _source("Python", r"pyvenv\.cfg", r"^version(?:_info)?\s*=\s*(\d+(?:\.\d+)+)"),
    _source("Python", r"include/python[0-9.]+[a-z]*/patchlevel\.h", r'^#define\s+PY_VERSION\s+"([^"\n]+)"'),
    _source("CUDA of PyTorch", r"torch/version\.py", r"^cuda\b[^=\n]*=\s*['\"]([^'\"\n]+)"),
    _source("CUDA of TensorFlow", _BUILD_INFO, r"cuda_version['\"]\s*,\s*['\"]([\d.]+)"),
    _source("cuDNN of TensorFlow", _BUILD_INFO, r"cudnn_version['\"]\s*,\s*['\"]([\d.]+)"),
    _source("Java", r"release", r'^JAVA_VERSION="([^"\n]+)"'),
    _source("Spark", r"RELEASE", r"^Spark (\S+)"),
)  # fmt: skip
_NODE = re.compile(r"^#define\s+NODE_(MAJOR|MINOR|PATCH)_VERSION\s+(\d{1,9})", re.MULTILINE)


class _CudaPart(msgspec.Struct, frozen=True):
    version: str = ""


class _CudaVersions(msgspec.Struct, frozen=True):
    cuda: _CudaPart = _CudaPart()


def read_os(files: Files) -> Found:
    """Read os-release, and Debian's version of which os-release has only the beginning."""
    problems: list[str] = []
    texts = {path: text_of(path, data, problems) for path, data in files.items()}
    release = texts.get("etc/os-release") or texts.get("usr/lib/os-release", "")
    fields = {match[1]: word(match[3]) for match in _SHELL_LINE.finditer(release)}
    version = fields.get("VERSION_ID", "")
    debian = word(texts.get("etc/debian_version", ""))
    if fields.get("ID") == "debian" and (debian == version or debian.startswith(f"{version}.")):
        version = debian
    name = fields.get("NAME", "")
    system = System(os_id=fields.get("ID", ""), os_version=version, os_name=fields.get("PRETTY_NAME", name))
    installed = Installed(name="OS", version=f"{name} {version}".strip(), prefix="/")
    return Found(system=system, installed=(installed,) if installed.version else (), problems=tuple(problems))


def read_programs(files: Files) -> Found:
    """Read the versions of programs. Files of that name that are something else are passed over."""
    problems: list[str] = []
    installed: list[Installed] = []
    for path in sorted(files):
        name = posixpath.basename(path)
        if name == "version.json":
            cuda = decoded(path, files[path], _CudaVersions, problems)
            installed.extend(_installed("CUDA", cuda.cuda.version if cuda else "", posixpath.dirname(path)))
            continue
        text = files[path].decode("utf-8", errors="replace")
        if name == "node_version.h":
            parts = {match[1]: match[2] for match in _NODE.finditer(text)}
            version = ".".join(parts.get(part, "") for part in ("MAJOR", "MINOR", "PATCH"))
            installed.extend(_installed("Node.js", version, path.removesuffix("include/node/node_version.h")))
        for source in _SOURCES:
            place = source.path.fullmatch(path)
            version_found = source.version.search(text) if place else None
            if place and version_found:
                installed.extend(_installed(source.name, version_found[1], place["prefix"]))
    return Found(installed=tuple(installed), problems=tuple(problems))


def _installed(name: str, version: str, folder: str) -> Iterator[Installed]:
    if version.strip("."):
        yield Installed(name=name, version=word(version), prefix=shown(folder.rstrip("/")))
