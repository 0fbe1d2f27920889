"""Reads the files of one image: its Dockerfile, its ignore file, and what stack.toml says of it."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ci.dockerfile.arguments import Arguments, declared_names
from ci.dockerfile.dockerignore import read_ignore
from ci.dockerfile.parser import Dockerfile, parse_dockerfile
from ci.dockerfile.target import TargetError, cut_to_target
from ci.errors import SpecError, did_you_mean, first_few
from ci.stack.config import ImageTable, Settings
from ci.stack.discovery import FoundImage
from ci.stack.dockerfile_names import looks_like_dockerfile
from ci.stack.git_folder import git_folder_problems
from ci.stack.image import Image
from ci.stack.image_references import ImageName
from ci.stack.model import EntryKind, Tree
from ci.stack.paths import inside, is_outside
from ci.stack.quantities import bytes_of
from ci.stack.reserved_names import dockerfile_problems
from ci.stack.suite_exclusions import copy_problems, suite_exclusions
from ci.stack.suites import folders_with_files, own_suites

SETTINGS = "stack.toml"
_IMAGES = "images"
_UNREAD = Dockerfile(path="", text="", arguments=(), stages=())


class Files:
    """The tree, with sets of its paths and folders, and the folder of the stack in it."""

    def __init__(self, tree: Tree, images: str) -> None:
        self.paths = frozenset(tree.paths)
        self._sorted = sorted(self.paths)
        self._entries = tree.entries
        self.root = self._root(images)
        self.settings_path = inside(self.root, SETTINGS)
        self.folders = folders_with_files(self.paths)
        self._read = tree.read

    def read(self, path: str, problems: list[str]) -> str | None:
        """Return the text of one of `paths`. None if it cannot be read, with a sentence in `problems`."""
        try:
            return self._read(path)
        except SpecError as error:
            problems.extend(error.problems)
            return None

    @property
    def description(self) -> str:
        """The folder of the stack and what it has, by which a user knows whether it is the one that is meant."""
        above = f"{self.root}/" if self.root else ""
        below = [path.removeprefix(above) for path in self._sorted if path.startswith(above)]
        at_top = tuple(dict.fromkeys("".join(path.partition("/")[:2]) for path in below))
        has = f"{len(below)} {'file' if len(below) == 1 else 'files'}; at its top: {first_few(at_top)}"
        return f"{self.root or 'the source tree'} ({has if below else 'no files'})"

    def has_folder(self, folder: str) -> bool:
        """Return whether a folder contains a file, at any depth. The root always counts."""
        first = bisect_left(self._sorted, f"{folder}/")
        return not folder or any(path.startswith(f"{folder}/") for path in self._sorted[first : first + 1])

    def _root(self, images: str) -> str:
        """Return the folder of the stack. By default `images`, if it has a stack, else the whole tree."""
        if images:
            return self._given(images)
        if SETTINGS in self.paths:
            return ""
        first = bisect_left(self._sorted, f"{_IMAGES}/")
        for path in self._sorted[first:]:
            if not path.startswith(f"{_IMAGES}/"):
                break
            if path == f"{_IMAGES}/{SETTINGS}" or looks_like_dockerfile(path):
                return _IMAGES
        return ""

    def _given(self, images: str) -> str:
        root = inside("", images)
        if is_outside(root):
            raise SpecError([f"--images={images} leads out of the source tree. Name a folder in it."])
        if self._entries.get(root) is EntryKind.LINK:
            raise SpecError([f"--images={images} is a link. Name the folder that it leads to."])
        if not self.has_folder(root):
            folders = sorted({path.partition("/")[0] for path in self._sorted if "/" in path})
            listed = f" The folders at its top: {', '.join(folders)}." if folders else ""
            known = did_you_mean(root, folders) or listed
            raise SpecError([f"--images={images}: the source tree has no such folder, or it is empty.{known}"])
        return root


def read_image(files: Files, found: FoundImage, settings: Settings, tests: Sequence[str], problems: list[str]) -> Image:
    """Read one image, without its dependencies: they need the names of all images.

    `tests` are the folders that no context has. Of a disabled image, no problem is added.
    """
    name = found.name.image
    table = found.table
    path = found.dockerfile
    context = _context(found, settings)
    own = [*_path_problems(files, name, table, path, context)]
    dockerfile = _UNREAD
    text = files.read(path, own) if path in files.paths else None
    if text is not None:
        try:
            dockerfile = cut_to_target(parse_dockerfile(text, path), table.target)
        except SpecError as error:
            own.extend(error.problems)
        except TargetError as error:
            own.append(f"{files.settings_path}: images.{name}.target: {error}")
    ignore_file = _ignore_file(files, path, context)
    patterns = read_ignore(files.read(ignore_file, own) or "", ignore_file, own) if ignore_file else ()
    ignored = (*suite_exclusions(tests, context), *patterns)
    draft = msgspec.structs.replace(
        _draft(found, _build_args(found, settings, dockerfile)),
        dockerfile=dockerfile,
        context=context or ".",
        ignore=ignored,
        ignore_file=ignore_file,
        suites=own_suites(files.folders, found.folder, name),
    )
    if draft.enabled:
        problems.extend(
            (*own, *copy_problems(draft, tests), *dockerfile_problems(dockerfile), *git_folder_problems(draft))
        )
    return draft


def _draft(found: FoundImage, build_args: Mapping[str, str]) -> Image:
    """Return what is known of an image without reading any of its files."""
    table = found.table
    name, tag = found.name.image, found.name.tag
    return Image(
        name=name,
        repository=found.name.repository,
        tag_prefix=f"{tag}-" if tag else "",
        called=ImageName(
            name=name,
            repository=found.name.repository,
            tag=tag,
            family=found.family,
            labels=frozenset(found.labels),
        ),
        folder=found.folder,
        dockerfile_path=found.dockerfile,
        dockerfile=_UNREAD,
        context=found.folder,
        ignore=(),
        ignore_file="",
        arguments=Arguments(build_args=build_args, automatic={}),
        stages=(),
        build_args=build_args,
        proxies={},
        enabled=table.enabled,
        disabled_reason="" if table.enabled else table.reason,
        parent=None,
        needs=(),
        foreign_bases=(),
        size_budget=bytes_of(table.size_budget),
        suites=(),
    )


def _build_args(found: FoundImage, settings: Settings, dockerfile: Dockerfile) -> Mapping[str, str]:
    """Return the build args of an image. Those of its variant may be for another image of the same variant."""
    if not found.variant_args:
        return found.table.build_args
    declared = declared_names(dockerfile.instructions)
    of_variant = {name: value for name, value in found.variant_args.items() if name in declared}
    *general, own = found.tables
    return {**settings.table(general).build_args, **of_variant, **settings.table([own]).build_args}


def _context(found: FoundImage, settings: Settings) -> str:
    if found.table.context:
        return inside(found.folder, found.table.context)
    return inside("", settings.stack.context) if settings.stack.context else found.folder


def _path_problems(files: Files, name: str, table: ImageTable, dockerfile: str, context: str) -> Iterator[str]:
    where = f"{files.settings_path}: images.{name}"
    if is_outside(dockerfile):
        yield f"{where}.dockerfile is outside of the source tree: {table.dockerfile}"
    elif dockerfile not in files.paths:
        yield f"{where}.dockerfile: no such file: {dockerfile}"
    key = f"{where}.context" if table.context else f"{files.settings_path}: stack.context"
    if is_outside(context):
        yield f"{key} is outside of the source tree: {table.context or context}"
    elif not files.has_folder(context) and (dockerfile in files.paths or table.context):
        yield f"{key}: no such folder: {context}"


def _ignore_file(files: Files, dockerfile: str, context: str) -> str:
    """Return the path of the Dockerfile's own ignore file, or else of the context's; empty if there is neither."""
    candidates = (f"{dockerfile}.dockerignore", inside(context, ".dockerignore"))
    return next((path for path in candidates if path in files.paths), "")
