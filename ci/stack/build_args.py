"""Build args from wherever they are given: stack.toml, files of NAME=VALUE lines, and the command line."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ci.dockerfile.arguments import PROXIES, UNWRITABLE, declared_names
from ci.dockerfile.missing import MissingValue
from ci.errors import RequestError, did_you_mean, first_few
from ci.stack.config import Settings
from ci.stack.discovery import FoundImage
from ci.stack.image import Image
from ci.stack.image_files import Files
from ci.stack.paths import inside

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class StackBuildArgs:
    """The build args of all images. `given` are those of the command line; None if nothing will be built."""

    def __init__(self, files: Files, settings: Settings, given: Mapping[str, str] | None) -> None:
        self._files = files
        self._settings = settings
        self._is_build = given is not None
        self._given = given or {}
        self._found_file = False
        self._problems = [
            *_value_problems(settings.build_args, f"{files.settings_path}: build-args."),
            *_value_problems(self._given, "--build-arg "),
        ]
        self._beside_settings = self._shared_file(files.root, self._problems)

    def complete(
        self, found: Sequence[FoundImage], images: Sequence[Image], problems: list[str]
    ) -> Mapping[str, Image]:
        """Return images by name with all build args, those included that they do not declare. They have their own."""
        return {image.name: self._complete(one, image, problems) for one, image in zip(found, images, strict=True)}

    def _complete(self, found: FoundImage, image: Image, problems: list[str]) -> Image:
        own: list[str] = []
        where = f"{self._files.settings_path}: images.{image.name}"
        written = found.table.build_args_file
        path = inside(image.folder, written) if written else ""
        if path and path not in self._files.paths:
            own.append(f"{where}.build-args-file: no such file: {path}")
        beside = self._shared_file(image.folder, own) if image.folder != self._files.root else {}
        from_file = self._read(path, own) if path in self._files.paths else {}
        own.extend(_value_problems(image.build_args, f"{where}.build-args."))
        problems.extend(own if image.enabled else ())
        shared = {**self._beside_settings, **beside, **self._settings.build_args}
        return msgspec.structs.replace(image, build_args={**shared, **from_file, **image.build_args, **self._given})

    def problems(
        self, found: Sequence[FoundImage], by_name: Mapping[str, Image], missing: Sequence[MissingValue]
    ) -> Iterator[str]:
        """Return a sentence for each mistake in names, and one for all values that are missing."""
        yield from self._problems
        images = by_name.values()
        path, file = self._files.settings_path, self._settings.stack.build_args_file
        if missing and self._is_build:
            yield _missing_problem(missing, path, has_table=bool(self._settings.build_args))
        if file and not self._found_file:
            yield f"{path}: stack.build-args-file: no {file} beside stack.toml, and none in the folder of an image."
        known = PROXIES.union(*map(_declared, images))
        given = (
            *((f"{path}: build-args.{name}", name) for name in self._settings.build_args),
            *((f"--build-arg {name}", name) for name in self._given),
        )
        is_read = all(image.stages for image in images if image.enabled)
        for where, name in given:
            if name not in known and is_read:
                yield f"{where}: no ARG in any Dockerfile declares it.{did_you_mean(name, known)}"
        for one in found:
            image, table = by_name[one.name.image], self._settings.images.get(one.tables[-1])
            if table and image.enabled and image.stages:
                yield from (f"{path}: {problem}" for problem in _undeclared(one.tables[-1], image, table.build_args))

    def _shared_file(self, folder: str, problems: list[str]) -> Mapping[str, str]:
        """Return what the stack's file of build args says in one folder."""
        file = self._settings.stack.build_args_file
        path = inside(folder, file) if file else ""
        if path not in self._files.paths:
            return {}
        self._found_file = True
        return self._read(path, problems)

    def _read(self, path: str, problems: list[str]) -> Mapping[str, str]:
        return read_build_args_file(self._files.read(path, problems) or "", path, problems)


def read_build_args_file(text: str, path: str, problems: list[str]) -> Mapping[str, str]:
    """Read NAME=VALUE lines, as `buildah --build-arg-file`: values as they are, and the last of a name counts.

    Add a sentence to `problems` for each line that is none.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        name, equals, value = line.removesuffix("\r").partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or not _NAME.fullmatch(name):
            problems.append(f"{path}:{number}: expected NAME=VALUE, a comment or a blank line, got: {line.strip()}")
        elif UNWRITABLE.search(value):
            problems.append(f"{path}:{number}: the value has a line break, which is not possible in an ARG.")
        else:
            found[name] = value
    return found


def parse_build_args(words: Sequence[str]) -> Mapping[str, str]:
    """Read the values of --build-arg. Raises RequestError for those that are not NAME=VALUE, all at once."""
    pairs = [word.partition("=") for word in words]
    problems = [
        f"--build-arg {word!r}: expected NAME=VALUE. A value with a comma needs quotes: --build-arg '\"NAME=A,B\"'."
        for word, (name, equals, _) in zip(words, pairs, strict=True)
        if not equals or not _NAME.fullmatch(name)
    ]
    if problems:
        raise RequestError("\n".join(problems))
    return {name: value for name, _, value in pairs}


def _undeclared(table: str, image: Image, build_args: Iterable[str]) -> Iterator[str]:
    declared = _declared(image)
    for name in build_args:
        if name not in declared and name not in PROXIES:
            where = f"images.{table}.build-args.{name}"
            yield f"{where}: no ARG in {image.dockerfile_path} declares it.{did_you_mean(name, declared)}"


def _declared(image: Image) -> frozenset[str]:
    bodies = (one for stage in image.stages for one in stage.body)
    return declared_names((*image.dockerfile.arguments, *bodies))


def _missing_problem(missing: Sequence[MissingValue], path: str, *, has_table: bool) -> str:
    """Return one sentence for all ARGs of FROMs that have no value, with the lines to paste into stack.toml."""
    by_name: dict[str, list[str]] = {}
    for one in dict.fromkeys(missing):
        uses = f" (its default has {one.uses}, which no ARG declares)" if one.uses else ""
        by_name.setdefault(one.name, []).append(f"{one.location}{uses}")
    lines = [f'{name} = ""  # {first_few(places)}' for name, places in sorted(by_name.items())]
    is_one = len(lines) == 1
    what = f"{len(lines)} {'ARG' if is_one else 'ARGs'} that a FROM depends on {'has' if is_one else 'have'} no value"
    others = "Where images differ, build-args of [images.NAME] comes before this; for one run, --build-arg NAME=VALUE."
    where = f"Set {'it' if is_one else 'them'} {'below [build-args] of' if has_table else 'in'} {path}"
    return "\n    ".join((f"{what}. {others} {where}:", *(() if has_table else ("[build-args]",)), *lines))


def _value_problems(values: Mapping[str, str], where: str) -> Iterator[str]:
    for name, value in values.items():
        if UNWRITABLE.search(value):
            yield f"{where}{name}: the value has a line break, which is not possible in an ARG."
