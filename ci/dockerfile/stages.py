"""The stages of one image: what each is built on and copies from, with variables expanded."""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

import msgspec

from ci.dockerfile.arguments import Arguments
from ci.dockerfile.expansion import ExpansionError, expand
from ci.dockerfile.missing import Findings, Values, undeclared
from ci.dockerfile.mounts import mounts
from ci.dockerfile.parser import Dockerfile, Instruction, Stage, onbuild_instructions
from ci.oci.reference import is_reference, repository_name


class Origin(StrEnum):
    """Where files come from."""

    STAGE = "stage"
    IMAGE = "image"
    FOREIGN = "foreign"
    SCRATCH = "scratch"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a FROM or `from=` refers to: a stage of the same Dockerfile, an image of the stack, or a foreign image."""

    origin: Origin
    name: str
    """The image of the stack, or the image that the stage belongs to; the reference of a foreign image."""
    stage: int = -1
    """The index of the stage. -1 if it is an image: its last stage."""


class ImageStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage with its base resolved. Its body begins with the ONBUILD instructions of its base."""

    index: int
    alias: str
    source: Instruction
    base: Source
    platform: str
    """The value of `--platform`, or the empty string."""
    body: tuple[Instruction, ...]
    dependencies: tuple[Source, ...]
    """All it depends on: the base first, then the sources of its copies and mounts."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Resolves the names in one image's Dockerfile."""

    image: str
    images: Collection[str]
    """The names of all images of the stack."""
    aliases: tuple[str, ...]
    """The names of the stages by index; empty for a stage without one."""

    def base(self, reference: str, stage: int) -> Source:
        """Resolve the FROM of a stage. Only earlier stages count; of several with the name, the nearest."""
        # The engine compares the text as written with stage names in lower case.
        found = self._stage(reference, stage) if reference == reference.lower() else None
        return found or self._outside(reference)

    def origin(self, reference: str, *, numbered: bool) -> Source:
        """Resolve a `from=`. All stages count; of several with the name, the last. COPY may use numbers."""
        if numbered and reference.isascii() and reference.isdigit():
            return Source(origin=Origin.STAGE, name=self.image, stage=int(reference))
        return self._stage(reference, len(self.aliases)) or self._outside(reference)

    def _stage(self, reference: str, end: int) -> Source | None:
        for index in reversed(range(end)):
            if self.aliases[index] and self.aliases[index] == reference.lower():
                return Source(origin=Origin.STAGE, name=self.image, stage=index)
        return None

    def _outside(self, reference: str) -> Source:
        """Resolve an image. `FROM python:3.12` in images/python/Dockerfile is the foreign image of that name."""
        name = repository_name(reference)
        if reference == "scratch":
            return Source(origin=Origin.SCRATCH, name=reference)
        if name in self.images and name != self.image:
            return Source(origin=Origin.IMAGE, name=name)
        return Source(origin=Origin.FOREIGN, name=reference)


def origins(instruction: Instruction, scope: Scope) -> Iterator[tuple[str, Source]]:
    """Return each `from=` of an instruction as written, and its source."""
    if instruction.keyword == "COPY" and instruction.flag("from"):
        reference = instruction.flag("from")
        yield reference, scope.origin(reference, numbered=True)
    elif instruction.keyword == "RUN":
        for mount in mounts(instruction):
            if mount.origin:
                yield mount.origin, scope.origin(mount.origin, numbered=False)


def resolve_stages(
    dockerfile: Dockerfile,
    scope: Scope,
    arguments: Arguments,
    onbuild: Mapping[str, tuple[Instruction, ...]],
    findings: Findings,
) -> tuple[ImageStage, ...]:
    """Resolve what every stage depends on. `onbuild` has the ONBUILD instructions of the stack's images by name."""
    found: list[ImageStage] = []
    values = Values(dockerfile.arguments, arguments)
    for stage in dockerfile.stages:
        own: list[str] = []
        base = _base(stage, scope, arguments, own)
        text = stage.source.words[0]
        lacking = values.missing(text) if own else ()
        findings.missing.extend(lacking)
        findings.problems.extend(own if not lacking or undeclared(text, arguments) else ())
        if base.origin is Origin.STAGE:
            inherited = onbuild_instructions(dockerfile.stages[base.stage].body)
        else:
            inherited = onbuild.get(base.name, ()) if base.origin is Origin.IMAGE else ()
        body = (*inherited, *stage.body)
        platform = stage.source.flag("platform")
        dependencies = [base]
        for instruction in body:
            for written, source in origins(instruction, scope):
                findings.problems.extend(_origin_problems(instruction, written, source, stage.index))
                dependencies.append(source)
        found.append(
            ImageStage(
                index=stage.index,
                alias=stage.alias,
                source=stage.source,
                base=base,
                platform=_expand(stage, platform, arguments, findings.problems) or "",
                body=body,
                dependencies=tuple(dict.fromkeys(dependencies)),
            )
        )
    return tuple(found)


def reachable(stages: tuple[ImageStage, ...]) -> frozenset[int]:
    """Return the indexes of the last stage and of all stages that it depends on."""
    reached: set[int] = set()
    for stage in reversed(stages):
        if stage.index == len(stages) - 1 or stage.index in reached:
            reached.add(stage.index)
            reached.update(source.stage for source in stage.dependencies if source.origin is Origin.STAGE)
    return frozenset(reached)


def _base(stage: Stage, scope: Scope, arguments: Arguments, problems: list[str]) -> Source:
    """Resolve the base of a stage; add a problem if it is not a valid reference."""
    text = stage.source.words[0]
    value = _expand(stage, text, arguments, problems)
    base = scope.base(text if value is None else value, stage.index)
    if value is None or base.origin is Origin.STAGE or is_reference(base.name):
        return base
    where = f"{stage.source.location}: FROM {text}"
    unknown = undeclared(text, arguments)
    if unknown:
        problems.append(
            f"{where}: no ARG before the first FROM declares {' and '.join(unknown)}, so no build arg can set it. "
            f"Write there: ARG {' '.join(unknown)}"
        )
    else:
        problems.append(f"{where}: {value!r} is neither a valid image reference (lower case) nor an earlier stage.")
    return base


def _expand(stage: Stage, text: str, arguments: Arguments, problems: list[str]) -> str | None:
    try:
        return expand(text, arguments.for_from).text
    except ExpansionError as error:
        problems.append(f"{stage.source.location}: FROM {text}: {error}.")
        return None


def _origin_problems(instruction: Instruction, written: str, source: Source, stage: int) -> Iterator[str]:
    where = f"{instruction.location}: {instruction.keyword} from={written}"
    if source.origin is Origin.STAGE and source.stage >= stage:
        yield f"{where}: no such stage before this one."
    elif source.origin is Origin.FOREIGN and "$" in written:
        yield f"{where}: variables are not expanded here. Add a stage with FROM {written} AS NAME, and use NAME."
    elif source.origin is Origin.FOREIGN and instruction.keyword == "RUN" and written.isdigit():
        yield f"{where}: a mount cannot refer to a stage by number. Name the stage with AS, and use that name."
    elif source.origin is Origin.FOREIGN and not is_reference(written):
        yield f"{where}: neither a valid image reference nor a stage."
