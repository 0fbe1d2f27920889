"""What is in an image, as a page of Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from ci import units
from ci.contents.config_changes import versions_of
from ci.contents.model import Contents, Package
from ci.reports.contents import DescribedImage, by_ecosystem, counted, counts, endings, facts, settings, size_of
from ci.reports.markdown import code, filled_table


def render_contents_page(image: DescribedImage, json_file: str) -> str:
    """Return the page of an image. `json_file` is the file beside it that has the same as JSON."""
    return "\n".join([*_page(image), "", f"The same as JSON: {code(json_file)}.", ""])


def _page(image: DescribedImage) -> Iterator[str]:
    contents = image.contents
    yield f"# {code(contents.image)}"
    yield ""
    where = image.reference or contents.digest
    yield from (f"- {code(line)}" for line in (where, facts(image), counts(contents.packages, contents)) if line)
    yield from contents_sections(image)


def contents_sections(image: DescribedImage, links: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield all that is below the head of the page. `links` are links to the pages of images that it inherits from."""
    contents = image.contents
    versions = [(code(name), code(version)) for name, version in versions_of(contents).items()]
    yield from _section("Key versions", ("program", "version"), versions)
    kernels = [
        (code(one.name), code(one.display_name), code(one.language), code(one.location)) for one in contents.kernels
    ]
    yield from _section("Kernels", ("kernel", "shown as", "language", "in"), kernels)
    yield from _packages("Brought by this image", image.own)
    for origin in dict.fromkeys(image.origin(package) for package in contents.packages):
        if origin != contents.image:
            inherited = [package for package in contents.packages if image.origin(package) == origin]
            yield from _packages(f"Inherited from {(links or {}).get(origin) or code(origin)}", inherited)
    rows = [(what, code(name), code(value)) for what, name, value in settings(contents)]
    yield from _section("Settings", ("setting", "name", "value"), rows)
    yield from _section("Layers", ("size:", "all so far:", "instruction", "of"), _layers(contents))
    yield from _list("Not in packages, not read, and problems", endings(contents))


def _packages(title: str, packages: Sequence[Package]) -> Iterator[str]:
    for ecosystem, own in by_ecosystem(packages):
        rows = [
            (code(one.name), code(one.version), code(one.location), size_of(one), code(one.license), code(one.owner))
            for one in own
        ]
        headers = ("package", "version", "in", "size:", "license", "part of")
        yield from _section(f"{title}: {counted(ecosystem, len(own))}", headers, rows)


def _layers(contents: Contents) -> Sequence[tuple[str, ...]]:
    sums = accumulate(layer.compressed_size or 0 for layer in contents.layers)
    return [
        (
            units.size(layer.compressed_size),
            units.size(total) if layer.compressed_size is not None else "-",
            code(layer.instruction),
            code(layer.image or "base image"),
        )
        for layer, total in zip(contents.layers, sums, strict=True)
    ]


def _section(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a heading and a table without the columns that are empty; nothing without rows."""
    if not rows:
        return
    yield from ("", f"## {title}", "")
    yield from filled_table(headers, rows)


def _list(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield from ("", f"## {title}", "")
        yield from (f"- {code(sentence)}" for sentence in sentences)
