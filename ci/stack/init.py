"""The stack.toml that a source tree needs: what is certain is written, what is not is a comment."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from typing_extensions import override

from ci.dockerfile.dockerignore import literal_pattern
from ci.dockerfile.parser import Dockerfile
from ci.errors import SpecError, group_problems
from ci.oci.reference import split_reference
from ci.stack.config import Settings
from ci.stack.discovery import discover
from ci.stack.dockerfile_patterns import Name
from ci.stack.image import Image
from ci.stack.image_files import Files
from ci.stack.model import EntryKind, Stack, Tree
from ci.stack.naming_notes import nothing_found, quoted
from ci.stack.raw_references import foreign_references, parse, references
from ci.stack.reader import read_stack
from ci.stack.suggestions import Line, is_writable, naming_lines
from ci.stack.suite_exclusions import copied_paths

# Folders whose Dockerfiles are rarely images of a stack.
_ASIDE = re.compile(
    r"\..*|tests?|e2e|tests_common|docs?|examples?|samples?|templates?|scripts?|tools|ci|build|binder|demo|playground|"
    r"deprecated|archive|legacy|vendor|third_party|node_modules",
    re.IGNORECASE,
)


def suggest_settings(tree: Tree, images: str = "") -> str:
    """Return the text of a stack.toml for a tree that has none. Raises SpecError if it has one, or no Dockerfile."""
    files = Files(tree, images)
    if files.settings_path in files.paths:
        raise SpecError([f"{files.settings_path} exists already. `dagger call plan` says what it lacks."])
    found = discover(files.paths, files.root, Settings())
    paths = [*(image.dockerfile for image in found.images), *found.passed_over]
    if not paths:
        raise SpecError([nothing_found((), (), files.description, files.settings_path)])
    wanted = _wanted(paths, files.root)
    aside = [path for path in paths if path not in wanted]
    texts = {path: dockerfile for path in wanted if (dockerfile := parse(files, path))}
    defaults = {image.dockerfile: image.name for image in found.images if image.dockerfile in texts}
    names = {path: defaults.get(path, Name("")) for path in texts}
    lines = naming_lines(names, [one for dockerfile in texts.values() for one in foreign_references(dockerfile)])
    settings = _Draft(
        path=files.settings_path,
        lines=lines,
        ignore=tuple(dict.fromkeys(_left_out(path, files.root, wanted) for path in sorted(aside))),
        needs_root=_need_root(tree, texts),
    )
    return settings.finish(tree, images)


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What stack.toml says so far."""

    path: str
    lines: Sequence[Line]
    ignore: Sequence[str]
    needs_root: bool

    def finish(self, tree: Tree, images: str) -> str:
        """Return the text, with what a plan of it says as comments."""
        try:
            stack = read_stack(WithFile(tree, self.path, self._text("")), images)
        except SpecError as error:
            return self._text("") + _comment(
                "Still to do; `dagger call plan` says the same:", group_problems(error.problems)
            )
        notes = _comment("To look at; `dagger call plan` says the same:", stack.warnings) if stack.warnings else ""
        return self._text(_registry(stack)) + notes

    def _text(self, registry: str) -> str:
        sections = ["# Printed by `dagger call init`: paths are from the top of the source tree.", "[stack]"]
        sections += [f'registry = "{registry}"' if registry else '# registry = "docker.io/OWNER"  # where to publish']
        sections += ['# version = "2026.4"  # the first part of published tags']
        sections += (
            ['context = "."  # Dockerfiles copy files from the top of the source tree'] if self.needs_root else []
        )
        if self.ignore:
            listed = "".join(f"    {quoted(pattern)},\n" for pattern in self.ignore)
            sections.append(f"# Dockerfiles that look like tests, examples or tools\nignore = [\n{listed}]")
        if self.lines:
            sections += ["", "[dockerfiles]", *map(str, self.lines)]
        return "\n".join(sections) + "\n"


class WithFile(Tree):
    """A tree with one more file."""

    def __init__(self, tree: Tree, path: str, text: str) -> None:
        self._tree, self._path, self._text = tree, path, text

    @property
    @override
    def paths(self) -> Sequence[str]:
        return sorted({*self._tree.paths, self._path})

    @property
    @override
    def entries(self) -> Mapping[str, EntryKind]:
        return {**self._tree.entries, self._path: EntryKind.FILE}

    @override
    def read(self, path: str) -> str:
        return self._text if path == self._path else self._tree.read(path)

    @override
    def digest(self, path: str) -> str:
        return self._tree.digest(path)


def _comment(title: str, sentences: Iterable[str]) -> str:
    lines = [line for sentence in sentences for line in f"- {sentence}".splitlines()]
    return "\n" + "".join(f"# {line}".rstrip() + "\n" for line in (title, *lines))


def _wanted(paths: Sequence[str], root: str) -> Sequence[str]:
    """Return the Dockerfiles of images: those in no folder of tests and the like, unless there are no others."""
    paths = [path for path in paths if is_writable(path)]
    usual = [path for path in paths if not _aside_folder(path, root)]
    hidden = [path for path in paths if _aside_folder(path, root).rpartition("/")[2].startswith(".")]
    return usual or hidden or paths


def _left_out(path: str, root: str, wanted: Sequence[str]) -> str:
    """Return the pattern that leaves out a Dockerfile: its whole folder, unless one that is wanted is in it."""
    folder = _aside_folder(path, root)
    whole = folder and not any(one.startswith(f"{folder}/") for one in wanted)
    return literal_pattern(folder if whole else path)


def _aside_folder(path: str, root: str) -> str:
    """Return the topmost folder of a path whose Dockerfiles are rarely images, empty if there is none."""
    above = f"{root}/" if root and path.startswith(f"{root}/") else ""
    folders = posixpath.dirname(path.removeprefix(above)).split("/")
    end = next((end for end, folder in enumerate(folders, start=1) if _ASIDE.fullmatch(folder)), 0)
    return above + "/".join(folders[:end]) if end else ""


def _need_root(tree: Tree, dockerfiles: Mapping[str, Dockerfile]) -> bool:
    """Return whether most Dockerfiles that copy files find them at the top of the tree rather than beside them."""
    beside, at_top = 0, 0
    for path, dockerfile in dockerfiles.items():
        sources = [source for one in dockerfile.instructions for source in copied_paths(one) if source.isprintable()]
        known = [source for source in sources if not set("$*?[<:") & set(source) and source]
        folder = posixpath.dirname(path)
        beside += bool(known) and all(posixpath.join(folder, source) in tree.entries for source in known)
        at_top += bool(known) and all(source in tree.entries for source in known)
    return at_top > beside


def _registry(stack: Stack) -> str:
    """Return where the references between images of the stack say that they are published."""
    owners = [owner for image in stack.images for owner in _owners(image, stack)]
    return max(sorted(set(owners)), key=owners.count) if owners else ""


def _owners(image: Image, stack: Stack) -> Iterator[str]:
    for reference in references(image.dockerfile):
        if stack.references.find(reference, image.name):
            owner = split_reference(reference)[0].rpartition("/")[0]
            host = owner.partition("/")[0]
            if owner:
                yield owner if "." in host or ":" in host else f"docker.io/{owner}"
