"""What is in an image, as text for a terminal, and what the text and the Markdown page have in common."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from tabulate import tabulate

from ci import units
from ci.contents.config_changes import settings_of
from ci.contents.credentials import looks_like_credential
from ci.contents.finding import find_packages, nearest_names
from ci.contents.model import Contents, Ecosystem, Package
from ci.reports.lines import columns, one_line

ORDER = (
    Ecosystem.R,
    Ecosystem.PIP,
    Ecosystem.CONDA,
    Ecosystem.JULIA,
    Ecosystem.LAB,
    Ecosystem.NPM,
    Ecosystem.APT,
    Ecosystem.APK,
)
"""What people look for first comes first."""
HIDDEN = "(looks like a credential: not shown)"


class DescribedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image with what is in it, and what only the stack knows of it."""

    contents: Contents
    reference: str = ""
    """Where it is: `docker.io/ucsdets/r-notebook@sha256:…`; empty if it is nowhere yet."""
    parent: str | None = None
    origins: Mapping[Package, str] = {}
    """The image that brought each package; what is missing, this image did."""
    notes: tuple[str, ...] = ()
    """More about it, such as `published as 2026.4-a1239ab`."""

    @property
    def own(self) -> tuple[Package, ...]:
        """The packages that this image brought."""
        return tuple(one for one in self.contents.packages if self.origin(one) == self.contents.image)

    def origin(self, package: Package) -> str:
        """Return the image that brought a package."""
        return self.origins.get(package, self.contents.image)


def render_contents(image: DescribedImage) -> str:
    """Return what is in an image as text: a summary, then a table of the packages of each ecosystem."""
    contents = image.contents
    head = (contents.image, one_line(image.reference or contents.digest), one_line(_versions(contents)))
    lines = ["  ".join(part for part in head if part), f"  {facts(image)}", f"  {counts(contents.packages, contents)}"]
    if image.parent is not None:
        lines.append(f"  brought by this image: {counts(image.own) or 'no packages'}")
    for ecosystem, packages in by_ecosystem(contents.packages):
        rows = [(one.name, one.version, one.location, size_of(one), _by(image, one)) for one in packages]
        lines.extend(["", f"  {ecosystem}", *columns(rows)])
    if contents.kernels:
        kernels = [(one.name, one.display_name, one.language, one.location) for one in contents.kernels]
        lines.extend(["", "  kernels", *columns(kernels)])
    if settings(contents):
        lines.extend(["", "  settings", *columns(settings(contents))])
    if contents.layers:
        layers = [(units.size(layer.compressed_size), one_line(layer.instruction, 100)) for layer in contents.layers]
        lines.extend(["", "  layers", *columns(layers)])
    lines.extend(["", *(f"  {sentence}" for sentence in endings(contents))])
    return "\n".join(lines).rstrip()


def render_package_table(pattern: str, images: Mapping[str, Contents]) -> str:
    """Return which images have the packages that a pattern matches, and in which version; or the nearest names."""
    found = find_packages(pattern, images)
    if not found:
        near = nearest_names(pattern, images)
        similar = f" Similar names: {', '.join(near)}." if near else ""
        return one_line(f"No image has a package {pattern!r}.{similar}")
    rows = [
        [
            one_line(cell)
            for cell in (one.name, one.ecosystem, one.location, *(one.versions.get(name, "") for name in images))
        ]
        for one in found
    ]
    return tabulate(rows, ["package", "from", "in", *images], disable_numparse=True)


def facts(image: DescribedImage) -> str:
    """Return sizes, layers, parent and notes in one line."""
    contents = image.contents
    download = contents.compressed_size
    sizes = [f"{units.size(contents.size)} of files", *([f"{units.size(download)} to download"] if download else [])]
    layers = [number(len(contents.layers), "layer")] if contents.layers else []
    parent = [f"built from {image.parent}"] if image.parent else []
    return "; ".join([", ".join([*sizes, *layers]), *parent, *(one_line(note) for note in image.notes)])


def counts(packages: Sequence[Package], contents: Contents | None = None) -> str:
    """Return `348 apt, 117 pip packages`, and of a whole image also its kernels."""
    numbers = Counter(package.ecosystem for package in packages)
    listed = [f"{numbers[ecosystem]} {ecosystem}" for ecosystem in ORDER if numbers[ecosystem]]
    text = f"{', '.join(listed)} package{'' if len(packages) == 1 else 's'}" if listed else ""
    if contents is None:
        return text
    names = ", ".join(kernel.name for kernel in contents.kernels)
    kernels = f"{number(len(contents.kernels), 'kernel')} ({one_line(names)})" if names else "no kernels"
    return f"{text or 'no packages'}; {kernels}"


def by_ecosystem(packages: Iterable[Package]) -> Iterator[tuple[Ecosystem, Sequence[Package]]]:
    """Yield the ecosystems that have packages, in the order in which people look for them."""
    found = list(packages)
    for ecosystem in ORDER:
        own = [package for package in found if package.ecosystem is ecosystem]
        if own:
            yield ecosystem, own


def settings(contents: Contents) -> Sequence[tuple[str, str, str]]:
    """Return the settings of an image: what it is, its name, its value, unless that looks like a credential."""
    return [
        (setting.value, name, HIDDEN if looks_like_credential(name, value) else value)
        for (setting, name), value in settings_of(contents.config).items()
    ]


def endings(contents: Contents) -> Sequence[str]:
    """Return what is in no package, and the sentences on what was not read or is wrong."""
    rest = contents.size - packaged_size(contents)
    # Debian's sizes are estimates: they may add up to more than there is.
    outside = [f"not in any package: {units.size(rest)}"] if rest > 0 else []
    return [*outside, *(one_line(sentence) for sentence in (*contents.unread, *contents.problems))]


def packaged_size(contents: Contents) -> int:
    """Return the bytes of all packages. What has an owner is part of it, and so is counted once."""
    return sum(package.size or 0 for package in contents.packages if not package.owner)


def size_of(package: Package) -> str:
    """Return the size of a package; nothing where its record says nothing."""
    return units.size(package.size) if package.size is not None else ""


def number(amount: int, word: str) -> str:
    """Return `1 layer`, `2 layers`."""
    return f"{amount} {word}{'' if amount == 1 else 's'}"


def _versions(contents: Contents) -> str:
    known = contents.system.versions
    system = [] if "OS" in known else [contents.system.os_name]
    return ", ".join(
        part for part in (*system, *(_versioned(name, version) for name, version in known.items())) if part
    )


def _versioned(name: str, version: str) -> str:
    return version if name == "OS" else f"{name} {version}"


def _by(image: DescribedImage, package: Package) -> str:
    origin = image.origin(package)
    return "" if origin == image.contents.image else origin
