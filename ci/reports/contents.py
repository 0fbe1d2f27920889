"""What is in an image, as text for a terminal, and what the text and the Markdown page have in common."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ci import units
from ci.contents.config_changes import settings_of, versions_of
from ci.contents.credentials import looks_like_credential
from ci.contents.model import Contents, Ecosystem, Package
from ci.reports.lines import columns, one_line, wrapped
from ci.reports.versions import versions_in_words

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
_MORE = (
    "All packages, settings and layers of an image: describe --image NAME. A package in all images: --package NAME.\n"
    "Everything as files: manifests -o manifests."
)


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
    """Return all that is in an image as text: a summary, kernels, then a table of the packages of each ecosystem."""
    contents = image.contents
    lines = [*_summary(image)]
    if contents.kernels:
        kernels = [(one.name, one.display_name, one.language, one.location) for one in contents.kernels]
        lines.extend(["", "  kernels", *columns(kernels)])
    for ecosystem, packages in by_ecosystem(contents.packages):
        rows = [(one.name, one.version, one.location, size_of(one), _origin(image, one)) for one in packages]
        lines.extend(["", f"  {counted(ecosystem, len(packages))}", *columns(rows)])
    if settings(contents):
        lines.extend(["", "  settings", *columns(settings(contents))])
    if contents.layers:
        layers = [(units.size(layer.compressed_size), one_line(layer.instruction, 100)) for layer in contents.layers]
        lines.extend(["", "  layers", *columns(layers)])
    lines.extend(["", *(f"  {sentence}" for sentence in endings(contents))])
    return "\n".join(lines).rstrip()


def render_overview(images: Sequence[DescribedImage]) -> str:
    """Return the summaries of several images: their tables together would have thousands of lines."""
    blocks = ["\n".join([*_summary(one), *(f"  {sentence}" for sentence in endings(one.contents))]) for one in images]
    return "\n\n".join([*blocks, _MORE])


def _summary(image: DescribedImage) -> Iterator[str]:
    contents = image.contents
    where = one_line(image.reference or contents.digest)
    yield f"{contents.image}  {where}".rstrip()
    yield from (f"  {line}" for line in wrapped(versions_in_words(versions_of(contents))))
    yield f"  {facts(image)}"
    yield f"  {counts(contents.packages, contents)}"
    if image.parent is not None:
        yield f"  brought by this image: {counts(image.own) or 'no packages'}"


def facts(image: DescribedImage) -> str:
    """Return sizes, layers, parent and notes in one line."""
    contents = image.contents
    download = contents.compressed_size
    sizes = [f"{units.size(contents.size)} of files", *([f"{units.size(download)} to download"] if download else [])]
    layers = [units.number(len(contents.layers), "layer")] if contents.layers else []
    parent = [f"built from {image.parent}"] if image.parent else []
    return "; ".join([", ".join([*sizes, *layers]), *parent, *(one_line(note) for note in image.notes)])


def counts(packages: Sequence[Package], contents: Contents | None = None) -> str:
    """Return `118 R, 348 apt packages; 2 lab extensions`, and of a whole image also its kernels."""
    numbers = Counter(package.ecosystem for package in packages)
    extensions = numbers.pop(Ecosystem.LAB, 0)
    listed = [f"{numbers[ecosystem]} {ecosystem}" for ecosystem in ORDER if numbers[ecosystem]]
    parts = [f"{', '.join(listed)} package{'' if numbers.total() == 1 else 's'}"] if listed else []
    if extensions:
        parts.append(counted(Ecosystem.LAB, extensions))
    if contents is not None:
        names = ", ".join(kernel.name for kernel in contents.kernels)
        kernels = f"{units.number(len(contents.kernels), 'kernel')} ({one_line(names)})" if names else "no kernels"
        parts = [*(parts or ["no packages"]), kernels]
    return "; ".join(parts)


def counted(ecosystem: Ecosystem, amount: int) -> str:
    """Return `1 apt package`, `2 lab extensions`."""
    return units.number(amount, ecosystem.value if ecosystem is Ecosystem.LAB else f"{ecosystem} package")


def by_ecosystem(packages: Iterable[Package]) -> Iterator[tuple[Ecosystem, Sequence[Package]]]:
    """Yield the ecosystems that have packages, in the order in which people look for them; capitals do not matter."""
    found = sorted(packages, key=lambda one: (one.name.casefold(), one.name, one.location, one.version))
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


def _origin(image: DescribedImage, package: Package) -> str:
    origin = image.origin(package)
    return "" if origin == image.contents.image else f"from {origin}"
