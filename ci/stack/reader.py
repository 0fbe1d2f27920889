"""Reads a source tree into a Stack."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ci.dockerfile.arguments import PROXIES, declared_names, read_arguments
from ci.dockerfile.dockerignore import read_ignore
from ci.dockerfile.engine_limits import limit_problems
from ci.dockerfile.missing import Findings
from ci.dockerfile.parser import Instruction
from ci.dockerfile.stages import Origin, Scope, resolve_stages
from ci.errors import SpecError, did_you_mean
from ci.stack.budget_config import budget_of
from ci.stack.build_args import StackBuildArgs
from ci.stack.checks import disabled_problems, name_problems, settings_problems, variant_problems
from ci.stack.config import Settings, read_settings
from ci.stack.discovery import Discovery, discover
from ci.stack.graph import cycles, dependencies, ordered, parent
from ci.stack.image import Image, TestSettings
from ci.stack.image_files import Files, read_image
from ci.stack.image_references import ImageReferences
from ci.stack.model import Stack, Tree
from ci.stack.naming_notes import nothing_found, passed_over_note, renamed_note
from ci.stack.raw_references import PLATFORM, foreign_references, parse
from ci.stack.reference_checks import reference_doubts, used_references
from ci.stack.stray_tests import stray_test_problems
from ci.stack.suites import common_suites, excluded_tests

_MOST_READ = 300
_NONE: Mapping[str, str] = {}


def read_stack(
    tree: Tree, images: str = "", platform: str = PLATFORM, build_args: Mapping[str, str] | None = _NONE
) -> Stack:
    """Read the stack in the folder `images`; by default in `images` if it has one, else in the whole tree.

    `build_args` are those of the command line. None: nothing will be built, and so a FROM may lack values.
    Raises SpecError with all problems. A disabled image is asked nothing: mistakes in its Dockerfile are ignored.
    """
    problems: list[str] = []
    files = Files(tree, images)
    settings, path = _read_settings(files, problems), files.settings_path
    rebuild_all = read_ignore("\n".join(settings.stack.rebuild_all), f"{path}: stack.rebuild-all", problems)
    found = _discover(files, settings, problems)
    drafts = _read_images(files, found, settings, problems)
    arguments = StackBuildArgs(files, settings, build_args)
    by_name = arguments.complete(found.images, drafts, problems)
    problems.extend(_stray_test_problems(files, drafts, settings))
    names = ImageReferences((draft.called for draft in drafts), settings.stack.external)
    findings = Findings(problems, [])
    images_found = {image.name: image for image in _connect(by_name, names, platform, findings)}
    problems.extend(arguments.problems(found.images, images_found, findings.missing))
    used = [one for image in images_found.values() for one in used_references(image, names)]
    references = [one.reference for one in used if one.source.origin is Origin.FOREIGN]
    problems.extend(_name_problems(files, found, drafts, references))
    doubts = reference_doubts(used, images_found, names, settings.stack.registry)
    if problems := [*problems, *doubts.errors, *_check(images_found, settings, path)]:
        raise SpecError(tuple(dict.fromkeys(problems)))
    return Stack(
        registry=settings.stack.registry,
        version=settings.stack.version,
        epoch=settings.stack.epoch,
        source=settings.stack.source,
        compression=settings.stack.compression,
        rebuild_all=rebuild_all,
        platform=platform,
        images=tuple(images_found[name] for name in ordered(_needs(images_found))),
        common_suites=common_suites(files.folders, files.root, by_name),
        tests=msgspec.convert(settings.tests, TestSettings, from_attributes=True),
        gpu=settings.gpu,
        highlights=settings.describe.highlights,
        wiki=settings.wiki,
        budget=budget_of(settings.budget, _grow(found)) if settings.budget else None,
        external=settings.stack.external,
        warnings=(*doubts.warnings, *_notes(files, found, doubts.renamed, references)),
    )


def _read_settings(files: Files, problems: list[str]) -> Settings:
    path = files.settings_path
    text = files.read(path, problems) if path in files.paths else None
    return Settings() if text is None else read_settings(text, path, problems)


def _grow(found: Discovery) -> Mapping[str, str]:
    """Return how much the images may grow that have a limit of their own, or their repository has."""
    return {image.name.image: image.table.grow for image in found.images if image.table.grow}


def _discover(files: Files, settings: Settings, problems: list[str]) -> Discovery:
    path = files.settings_path
    ignore = read_ignore("\n".join(settings.stack.ignore), f"{path}: stack.ignore", problems)
    found = discover(files.paths, files.root, settings, ignore)
    known = dict.fromkeys(name for image in found.images for name in image.tables)
    problems.extend(
        f"{path}: images.{name}: no such image below {files.root or 'the source tree'}.{did_you_mean(name, known)}"
        for name in settings.images
        if name not in known
    )
    problems.extend(
        f'{path}: dockerfiles."{line}": no file matches, or an earlier line does. Paths are from the top of the source '
        f"tree.{did_you_mean(line, files.paths)}"
        for line in found.unmatched
    )
    used = {axis for table in settings.images.values() for axis in table.variants}
    problems.extend(
        f'{path}: variants.{axis}: no image has it. Write in its table: variants = ["{axis}"]'
        for axis in settings.variants
        if axis not in used
    )
    return found


def _read_images(files: Files, found: Discovery, settings: Settings, problems: list[str]) -> Sequence[Image]:
    folders = sorted({image.folder for image in found.images})
    tests = excluded_tests(files.paths, files.folders, folders, files.root)
    return [read_image(files, image, settings, tests, problems) for image in found.images]


def _name_problems(files: Files, found: Discovery, images: Sequence[Image], references: Sequence[str]) -> Iterator[str]:
    if not found.images:
        yield nothing_found(found.passed_over, _raw(files, found), files.description, files.settings_path)
    yield from name_problems(found, images, references, files.settings_path)
    yield from (f"{files.settings_path}: {problem}" for problem in variant_problems(found.images, images))


def _notes(
    files: Files, found: Discovery, renamed: Mapping[str, Sequence[str]], references: Sequence[str]
) -> Iterator[str]:
    yield from renamed_note(renamed, found.defaults, files.settings_path)
    names = [image.name.image for image in found.images]
    yield from passed_over_note(found.passed_over, names, (*references, *_raw(files, found)), files.settings_path)


def _raw(files: Files, found: Discovery) -> Sequence[str]:
    """Return what Dockerfiles are built on that make no image."""
    dockerfiles = (parse(files, path) for path in found.passed_over[:_MOST_READ])
    return [reference for one in dockerfiles if one for reference in foreign_references(one)]


def _needs(images: Mapping[str, Image]) -> Mapping[str, tuple[str, ...]]:
    return {image.name: image.needs for image in images.values()}


def _check(images: Mapping[str, Image], settings: Settings, path: str) -> Iterator[str]:
    """Return what is wrong with images that were read, taken together."""
    yield from (f"The images depend on each other in a cycle: {cycle}." for cycle in cycles(_needs(images)))
    yield from disabled_problems(tuple(images.values()))
    yield from (f"{path}: {problem}" for problem in settings_problems(settings, images))


def _stray_test_problems(files: Files, images: Iterable[Image], settings: Settings) -> Sequence[str]:
    problems: list[str] = []
    ignore = read_ignore("\n".join(settings.tests.ignore), f"{files.settings_path}: tests.ignore", problems)
    return problems or tuple(stray_test_problems(files.paths, files.root, images, ignore, files.settings_path))


def _connect(
    drafts: Mapping[str, Image], names: ImageReferences, platform: str, findings: Findings
) -> tuple[Image, ...]:
    """Resolve the dependencies of all images."""
    onbuild = {draft.name: draft.dockerfile.onbuild for draft in drafts.values()}
    return tuple(_connected(draft, names, onbuild, platform, findings) for draft in drafts.values())


def _connected(
    draft: Image,
    names: ImageReferences,
    onbuild: Mapping[str, tuple[Instruction, ...]],
    platform: str,
    findings: Findings,
) -> Image:
    own = Findings([], [])
    dockerfile = draft.dockerfile
    arguments = read_arguments(dockerfile.arguments, draft.build_args, platform, dockerfile.path, own.problems)
    scope = Scope(image=draft.name, images=names, aliases=tuple(stage.alias for stage in dockerfile.stages))
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
