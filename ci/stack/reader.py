"""Reads a source tree into a Stack."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from ci.dockerfile.arguments import PROXIES, Arguments, declared_names, read_arguments
from ci.dockerfile.dockerignore import read_ignore
from ci.dockerfile.engine_limits import limit_problems
from ci.dockerfile.missing import Findings
from ci.dockerfile.parser import Dockerfile, Instruction, parse_dockerfile
from ci.dockerfile.stages import Origin, Scope, resolve_stages
from ci.dockerfile.target import TargetError, cut_to_target
from ci.errors import SpecError, did_you_mean
from ci.oci.reference import is_image_name
from ci.stack.build_args import StackBuildArgs
from ci.stack.config import ImageTable, Settings, bytes_of, read_settings
from ci.stack.discovery import (
    SETTINGS,
    common_suites,
    excluded_tests,
    find_image_folders,
    folders_with_files,
    inside,
    own_suites,
)
from ci.stack.git_folder import git_folder_problems
from ci.stack.graph import cycles, dependencies, ordered, parent
from ci.stack.model import Image, Stack, TestSettings, Tree
from ci.stack.reserved_names import dockerfile_problems, image_name_problem, variable_problems, version_problems
from ci.stack.stray_tests import stray_test_problems
from ci.stack.suite_exclusions import copy_problems, suite_exclusions

PLATFORM = "linux/amd64"
_UNREAD = Dockerfile(path="", text="", arguments=(), stages=())
_NONE: Mapping[str, str] = {}


def read_stack(
    tree: Tree, images: str = "images", platform: str = PLATFORM, build_args: Mapping[str, str] | None = _NONE
) -> Stack:
    """Read the images below the folder `images`. SpecError with all problems.

    `build_args` are those of the command line. None: nothing will be built, and so a FROM may lack values.
    A disabled image is asked nothing: neither its name nor its Dockerfile has to be right.
    """
    problems: list[str] = []
    files = _Files(tree, images)
    path = files.settings_path
    text = files.read(path, problems) if path in files.paths else None
    settings = Settings() if text is None else read_settings(text, path, problems)
    rebuild_all = read_ignore("\n".join(settings.stack.rebuild_all), f"{path}: stack.rebuild-all", problems)
    folders = find_image_folders(files.paths, files.root, settings.images)
    problems.extend(_name_problems(folders, images, settings))
    tests = excluded_tests(files.paths, files.folders, folders, files.root)
    drafts = [_draft(files, folder, settings, tests, problems) for folder in folders]
    arguments = StackBuildArgs(files, settings, build_args)
    by_name = arguments.complete(drafts, problems)
    problems.extend(_stray_test_problems(files, drafts, settings))
    problems.extend(f"{path}: {problem}" for problem in _table_problems(settings, images, by_name))
    findings = Findings(problems, [])
    found = {image.name: image for image in _connect(by_name, platform, findings)}
    problems.extend(arguments.problems(found.values(), findings.missing))
    needs = {image.name: image.needs for image in found.values()}
    problems.extend(f"The images depend on each other in a cycle: {cycle}." for cycle in cycles(needs))
    problems.extend(_disabled_problems(tuple(found.values())))
    problems.extend(f"{path}: {problem}" for problem in _settings_problems(settings, found))
    if problems:
        raise SpecError(tuple(dict.fromkeys(problems)))
    return Stack(
        registry=settings.stack.registry,
        version=settings.stack.version,
        epoch=settings.stack.epoch,
        source=settings.stack.source,
        compression=settings.stack.compression,
        rebuild_all=rebuild_all,
        platform=platform,
        images=tuple(found[name] for name in ordered(needs)),
        common_suites=common_suites(files.folders, files.root, by_name),
        tests=msgspec.convert(settings.tests, TestSettings, from_attributes=True),
        gpu=settings.gpu,
    )


class _Files:
    """The tree, with sets of its paths and folders."""

    def __init__(self, tree: Tree, images: str) -> None:
        self.root = inside("", images)
        self.settings_path = inside(self.root, SETTINGS)
        self.paths = frozenset(tree.paths)
        self.folders = folders_with_files(self.paths)
        self._read = tree.read
        self._sorted = sorted(self.paths)

    def read(self, path: str, problems: list[str]) -> str | None:
        """Return the text of one of `paths`. None if it cannot be read, with a sentence in `problems`."""
        try:
            return self._read(path)
        except SpecError as error:
            problems.extend(error.problems)
            return None

    def has_folder(self, folder: str) -> bool:
        """Return whether a folder contains a file, at any depth. The root always counts."""
        first = bisect_left(self._sorted, f"{folder}/")
        return not folder or any(path.startswith(f"{folder}/") for path in self._sorted[first : first + 1])


def _draft(files: _Files, folder: str, settings: Settings, tests: Sequence[str], problems: list[str]) -> Image:
    """Read one image, without its dependencies: they need the names of all images."""
    name = folder.rpartition("/")[2]
    table = settings.images.get(name, ImageTable())
    path = inside(folder, table.dockerfile)
    context = inside(folder, table.context)
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
    draft = Image(
        name=name,
        folder=folder,
        dockerfile_path=path,
        dockerfile=dockerfile,
        context=context or ".",
        ignore=(*suite_exclusions(tests, context), *patterns),
        ignore_file=ignore_file,
        arguments=Arguments(build_args=table.build_args, automatic={}),
        stages=(),
        build_args=table.build_args,
        proxies={},
        enabled=table.enabled,
        disabled_reason="" if table.enabled else table.reason,
        parent=None,
        needs=(),
        foreign_bases=(),
        size_budget=bytes_of(table.size_budget),
        suites=own_suites(files.folders, folder, name),
    )
    if draft.enabled:
        problems.extend(
            (*own, *copy_problems(draft, tests), *dockerfile_problems(dockerfile), *git_folder_problems(draft))
        )
    return draft


def _path_problems(files: _Files, name: str, table: ImageTable, dockerfile: str, context: str) -> Iterator[str]:
    where = f"{files.settings_path}: images.{name}"
    if _is_outside(dockerfile):
        yield f"{where}.dockerfile is outside of the source tree: {table.dockerfile}"
    elif dockerfile not in files.paths:
        yield f"{where}.dockerfile: no such file: {dockerfile}"
    if _is_outside(context):
        yield f"{where}.context is outside of the source tree: {table.context}"
    elif not files.has_folder(context) and (dockerfile in files.paths or table.context != "."):
        yield f"{where}.context: no such folder: {context}"


def _stray_test_problems(files: _Files, images: Sequence[Image], settings: Settings) -> Sequence[str]:
    problems: list[str] = []
    ignore = read_ignore("\n".join(settings.tests.ignore), f"{files.settings_path}: tests.ignore", problems)
    return problems or tuple(stray_test_problems(files.paths, files.root, images, ignore, files.settings_path))


def _is_outside(path: str) -> bool:
    return path == ".." or path.startswith(("../", "/"))


def _ignore_file(files: _Files, dockerfile: str, context: str) -> str:
    """Return the path of the Dockerfile's own ignore file, or else of the context's; empty if there is neither."""
    candidates = (f"{dockerfile}.dockerignore", inside(context, ".dockerignore"))
    return next((path for path in candidates if path in files.paths), "")


def _connect(drafts: Mapping[str, Image], platform: str, findings: Findings) -> tuple[Image, ...]:
    """Resolve the dependencies of all images."""
    onbuild = {draft.name: draft.dockerfile.onbuild for draft in drafts.values()}
    return tuple(_connected(draft, drafts, onbuild, platform, findings) for draft in drafts.values())


def _connected(
    draft: Image,
    drafts: Collection[str],
    onbuild: Mapping[str, tuple[Instruction, ...]],
    platform: str,
    findings: Findings,
) -> Image:
    own = Findings([], [])
    dockerfile = draft.dockerfile
    arguments = read_arguments(dockerfile.arguments, draft.build_args, platform, dockerfile.path, own.problems)
    scope = Scope(image=draft.name, images=drafts, aliases=tuple(stage.alias for stage in dockerfile.stages))
    stages = resolve_stages(dockerfile, scope, arguments, onbuild, own)
    if draft.enabled:
        findings.extend(own)
        findings.problems.extend(limit_problems(stages))
    sources = dependencies(stages)
    declared = declared_names((*dockerfile.arguments, *(one for stage in stages for one in stage.body)))
    build_args = {name: value for name, value in draft.build_args.items() if name in declared}
    return msgspec.structs.replace(
        draft,
        arguments=msgspec.structs.replace(arguments, build_args=build_args),
        build_args=build_args,
        proxies={name: draft.build_args[name] for name in sorted(PROXIES - declared) if draft.build_args.get(name)},
        stages=stages,
        parent=parent(stages),
        needs=tuple(source.name for source in sources if source.origin is Origin.IMAGE),
        foreign_bases=tuple(source.name for source in sources if source.origin is Origin.FOREIGN),
    )


def _gpu_problems(settings: Settings, images: Mapping[str, Image]) -> Iterator[str]:
    if settings.gpu is None:
        return
    name = settings.gpu.image
    if name not in images:
        yield f"gpu.image: no such image: {name!r}.{did_you_mean(name, images)}"
    elif not images[name].enabled:
        yield f"gpu.image: {name} is disabled ({images[name].disabled_reason}). Use another one, or remove [gpu]."


def _name_problems(folders: Sequence[str], images: str, settings: Settings) -> Iterator[str]:
    if not folders:
        yield f"{images}: no images found. An image is a folder with a Dockerfile, at any depth."
    by_name: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        by_name[folder.rpartition("/")[2]].append(folder)
    for name, same_name in by_name.items():
        if name in settings.images and not settings.images[name].enabled:
            continue
        if len(same_name) > 1:
            yield f"{' and '.join(same_name)}: an image has the name of its folder, and these are equal. Rename one."
        if not is_image_name(name):
            yield (
                f"{same_name[0]}: invalid image name {name!r}. Rename the folder: use lower-case letters and digits, "
                "separated by '.', '_', '__' or any number of '-'."
            )
        reserved = image_name_problem(name)
        if reserved:
            yield f"{same_name[0]}: {reserved}"


def _settings_problems(settings: Settings, images: Mapping[str, Image]) -> Iterator[str]:
    yield from version_problems(settings.stack.version)
    yield from variable_problems(settings.tests.server_environment)
    yield from _gpu_problems(settings, images)


def _table_problems(settings: Settings, images: str, known: Collection[str]) -> Iterator[str]:
    for name in settings.images:
        if name not in known:
            yield f"images.{name}: no such image below {images}.{did_you_mean(name, known)}"


def _disabled_problems(images: Sequence[Image]) -> Iterator[str]:
    reasons = {image.name: image.disabled_reason for image in images if not image.enabled}
    for image in images:
        for name in image.needs:
            if image.enabled and name in reasons:
                yield (
                    f"{image.dockerfile_path}: {image.name} needs {name}, which is disabled ({reasons[name]}). "
                    f"Enable {name}, or disable {image.name} too."
                )
