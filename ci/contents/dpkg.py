"""Debian packages: dpkg's status, and the status.d of images without dpkg (distroless)."""

from collections import Counter

from ci.contents.fields import Paragraph, paragraphs, text_of
from ci.contents.found import Files, Found, shown, whole_number, word
from ci.contents.model import Ecosystem, Package

_IN_PLACE = frozenset({"installed", "triggers-awaited", "triggers-pending"})
_ABSENT = frozenset({"not-installed", "config-files"})


def read_dpkg(files: Files) -> Found:
    """Read the packages that are installed. Half-installed ones are problems."""
    problems: list[str] = []
    entries = [
        (path, paragraph)
        for path in sorted(files)
        if not path.endswith(".md5sums")
        for paragraph in paragraphs(text_of(path, files[path], problems))
        if _is_installed(path, paragraph, problems)
    ]
    architectures = Counter(paragraph.value("Architecture") for _, paragraph in entries)
    del architectures["all"], architectures[""]
    native = architectures.most_common(1)[0][0] if architectures else ""
    packages = tuple(_package(paragraph, native) for _, paragraph in entries)
    return Found(packages=packages, problems=tuple(problems))


def _is_installed(path: str, paragraph: Paragraph, problems: list[str]) -> bool:
    name, version = paragraph.value("Package"), paragraph.value("Version")
    # Files of status.d are of installed packages only, and have no such field.
    words = paragraph.value("Status").split() if "status.d/" not in path else ["installed"]
    state = words[-1] if words else ""
    if state in _ABSENT:
        return False
    if not name:
        problems.append(f"{shown(path)} has an entry without a package's name.")
    elif state not in _IN_PLACE:
        said = f"its status is {word(state)}" if state else "it has no status"
        problems.append(f"The package {word(name)} in {shown(path)} is not installed completely: {said}.")
    elif not version:
        problems.append(f"The package {word(name)} in {shown(path)} has no version.")
    return bool(name and version) and state in _IN_PLACE


def _package(paragraph: Paragraph, native: str) -> Package:
    name, version = word(paragraph.value("Package")), word(paragraph.value("Version"))
    architecture = word(paragraph.value("Architecture"))
    foreign = architecture not in {"", "all", native}
    source, _, source_version = paragraph.value("Source").partition(" ")
    kibibytes = whole_number(paragraph.value("Installed-Size"))
    return Package(
        ecosystem=Ecosystem.APT,
        name=f"{name}:{architecture}" if foreign else name,
        version=version,
        size=None if kibibytes is None else kibibytes * 1024,
        source=f"{word(source) or name}={word(source_version.strip(' ()')) or version}",
    )
