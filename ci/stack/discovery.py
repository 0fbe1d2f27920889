"""Finds the Dockerfiles of images in a source tree, and what the images are called."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

import msgspec

from ci.dockerfile.dockerignore import IgnorePatterns
from ci.stack.config import ImageTable, Settings, VariantForm
from ci.stack.dockerfile_names import DEFAULT_NAMES, looks_like_dockerfile
from ci.stack.dockerfile_patterns import NOT_SEARCHED, Name, Pattern
from ci.stack.paths import inside


class FoundImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image before its Dockerfile is read. Paths are relative to the source tree."""

    name: Name
    dockerfile: str
    folder: str
    tables: tuple[str, ...]
    """The names of its tables in stack.toml, if they are there; the keys of later ones win."""
    table: ImageTable
    """What these say together."""
    family: str
    """The repository without labels of variants."""
    labels: tuple[str, ...] = ()
    """Its variant."""
    variant_args: Mapping[str, str] = {}
    is_default: bool = False
    """Whether its name is that of its folder, which nothing says."""


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a tree."""

    images: tuple[FoundImage, ...]
    """Sorted by name."""
    passed_over: tuple[str, ...]
    """Files that look like Dockerfiles, and make no image. Sorted."""
    unmatched: tuple[str, ...] = ()
    """The lines of `[dockerfiles]` that no file is taken by."""

    @property
    def defaults(self) -> Mapping[str, Name]:
        """The names that Dockerfiles have from their folders, by path."""
        return {image.dockerfile: image.name for image in self.images if image.is_default}


def discover(paths: Iterable[str], root: str, settings: Settings, ignore: Sequence[str] = ()) -> Discovery:
    """Find the images.

    An image is a Dockerfile that a line of `[dockerfiles]` matches; or that is the `Dockerfile`, else the
    `Containerfile`, of a folder at any depth below `root`, whose name it has; or that a table `[images.<name>]` names.
    Files that the patterns in `ignore` match are none. Hidden folders, those of tests and `node_modules` are searched
    by patterns that name them.
    """
    ignored = IgnorePatterns(ignore)
    candidates = [path for path in sorted(paths) if not ignored.match(path)]
    lines = {path: line for path in candidates if (line := _line(path, settings))} if settings.dockerfiles else {}
    used = {line.path for line in lines.values()}
    matched = {path: line.match(path) for path, line in lines.items()}
    found = [(name, posixpath.split(path)) for path, names in matched.items() for name in names]
    defaults = {path: name for name, path in _by_folder(candidates, root) if path not in matched}
    found += [(name, posixpath.split(path)) for path, name in defaults.items()]
    known = {name for called, _ in found for name in (called.repository, called.image)}
    found += [
        (Name(name), (inside(root, name), table.dockerfile))
        for name, table in settings.images.items()
        if table.dockerfile and name not in known
    ]
    images = [
        msgspec.structs.replace(image, is_default=image.dockerfile in defaults and not image.labels)
        for name, (folder, file) in found
        for image in _variants(name, folder, file, settings)
    ]
    taken = {image.dockerfile for image in images}
    return Discovery(
        images=tuple(sorted(images, key=lambda image: image.name.image)),
        passed_over=tuple(path for path in candidates if looks_like_dockerfile(path) and path not in taken),
        unmatched=tuple(pattern.path for pattern in settings.dockerfiles if pattern.path not in used),
    )


def _line(path: str, settings: Settings) -> Pattern | None:
    return next((pattern for pattern in settings.dockerfiles if pattern.match(path)), None)


def _by_folder(paths: Sequence[str], root: str) -> Iterator[tuple[Name, str]]:
    found: dict[str, str] = {}
    for kind in DEFAULT_NAMES:
        for path in paths:
            folder = path.removesuffix(f"/{kind}")
            if folder != path and _is_searched(folder, root):
                found.setdefault(folder, path)
    return ((Name(posixpath.basename(folder)), path) for folder, path in found.items())


def _is_searched(folder: str, root: str) -> bool:
    if root and not f"{folder}/".startswith(f"{root}/"):
        return False
    below = folder.removeprefix(root).split("/")
    return not any(name in NOT_SEARCHED or name.startswith(".") for name in below)


def _variants(name: Name, folder: str, file: str, settings: Settings) -> Iterator[FoundImage]:
    """Return the images that a Dockerfile is built as: one for each combination of its variants."""
    tables = tuple(dict.fromkeys((name.repository, name.image)))
    table = settings.table(tables)
    own = (name.tag,) if name.tag else ()
    plain = FoundImage(
        name=name,
        dockerfile=inside(folder, table.dockerfile or file),
        folder=folder,
        tables=tables,
        table=table,
        family=name.repository,
        labels=own,
    )
    axes = [settings.variants.get(axis, {}) for axis in table.variants]
    if not axes or table.plain:
        yield plain
    for combination in product(*axes) if axes else ():
        labels = (*own, *combination)
        called = (
            Name(name.repository, "-".join(labels))
            if settings.stack.variants_in is VariantForm.TAG
            else Name("-".join((name.repository, *combination)), name.tag)
        )
        names = tuple(dict.fromkeys((*tables, called.image)))
        yield msgspec.structs.replace(
            plain,
            name=called,
            tables=names,
            table=settings.table(names),
            labels=labels,
            variant_args={
                arg: value
                for axis, variant in zip(axes, combination, strict=True)
                for arg, value in axis[variant].items()
            },
        )
