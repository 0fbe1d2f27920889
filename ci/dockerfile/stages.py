"""The stages of one image: what each is built on and copies from, with variables put in."""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

import msgspec

from ci.dockerfile.arguments import Arguments
from ci.dockerfile.expansion import ExpansionError, expand
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
    """What a FROM or `from=` names: a stage of the same Dockerfile, an image of the stack, or something outside."""

    origin: Origin
    name: str
    """The image of the stack that it is or that the stage belongs to; for what is outside, the reference."""
    stage: int = -1


class ImageStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage with its base known. Its body begins with what the ONBUILDs of its base have in onbuild for it."""

    index: int
    alias: str
    source: Instruction
    base: Source
    platform: str
    """The value of `--platform`, or nothing."""
    body: tuple[Instruction, ...]
    dependencies: tuple[Source, ...]
    """All it is made of: the base first, then what it copies and mounts from."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What names mean in one image's Dockerfile."""

    image: str
    images: Collection[str]
    """The names of all images of the stack."""
    aliases: tuple[str, ...]
    """The names of the stages by index, empty for those without one."""

    def base(self, reference: str, stage: int) -> Source:
        """Return what the FROM of a stage means. Only the stages above it count, the nearest of one name."""
        # The engine looks for the text as it stands among names in lower case.
        found = self._stage(reference, stage) if reference == reference.lower() else None
        return found or self._outside(reference)

    def origin(self, reference: str, *, numbered: bool) -> Source:
        """Return what a `from=` means. All stages count, the last of one name; COPY may number them."""
        if numbered and reference.isascii() and reference.isdigit():
            return Source(origin=Origin.STAGE, name=self.image, stage=int(reference))
        return self._stage(reference, len(self.aliases)) or self._outside(reference)

    def _stage(self, reference: str, below: int) -> Source | None:
        for index in reversed(range(below)):
            if self.aliases[index] and self.aliases[index] == reference.lower():
                return Source(origin=Origin.STAGE, name=self.image, stage=index)
        return None

    def _outside(self, reference: str) -> Source:
        """Look beyond the file. `FROM python:3.12` in images/python/Dockerfile means the image that it takes after."""
        name = repository_name(reference)
        if reference == "scratch":
            return Source(origin=Origin.SCRATCH, name=reference)
        if name in self.images and name != self.image:
            return Source(origin=Origin.IMAGE, name=name)
        return Source(origin=Origin.FOREIGN, name=reference)


def origins(instruction: Instruction, scope: Scope) -> Iterator[tuple[str, Source]]:
    """Return each `from=` of an instruction as written, and what it means."""
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
    problems: list[str],
) -> tuple[ImageStage, ...]:
    """Find out what every stage dependencies on. `onbuild` has the ONBUILD instructions of the stack's images by name."""
    found: list[ImageStage] = []
    for stage in dockerfile.stages:
        base = _base(stage, scope, arguments, problems)
        if base.origin is Origin.STAGE:
            inherited = onbuild_instructions(dockerfile.stages[base.stage].body)
        else:
            inherited = onbuild.get(base.name, ()) if base.origin is Origin.IMAGE else ()
        body = (*inherited, *stage.body)
        platform = stage.source.flag("platform")
        dependencies = [base]
        for instruction in body:
            for written, source in origins(instruction, scope):
                problems.extend(_origin_problems(instruction, written, source, stage.index))
                dependencies.append(source)
        found.append(
            ImageStage(
                index=stage.index,
                alias=stage.alias,
                source=stage.source,
                base=base,
                platform=_put(stage, platform, arguments, problems) or "",
                body=body,
                dependencies=tuple(dict.fromkeys(dependencies)),
            )
        )
    return tuple(found)


def reachable(stages: tuple[ImageStage, ...]) -> frozenset[int]:
    """Return the indexes of the stages that the last one is made of."""
    reached: set[int] = set()
    for stage in reversed(stages):
        if stage.index == len(stages) - 1 or stage.index in reached:
            reached.add(stage.index)
            reached.update(source.stage for source in stage.dependencies if source.origin is Origin.STAGE)
    return frozenset(reached)


def _base(stage: Stage, scope: Scope, arguments: Arguments, problems: list[str]) -> Source:
    """Return what the stage is built on, and see that something usable comes out of its variables."""
    text = stage.source.words[0]
    value = _put(stage, text, arguments, problems)
    base = scope.base(text if value is None else value, stage.index)
    if value is None or base.origin is Origin.STAGE or is_reference(base.name):
        return base
    where = f"{stage.source.where}: FROM {text}"
    empty = arguments.empty_names(text)
    if empty:
        problems.append(
            f"{where}: {' and '.join(empty)} {'has' if len(empty) == 1 else 'have'} no value. Give a default in an ARG "
            "above the first FROM, or set the image's build-args in stack.toml."
        )
    else:
        problems.append(f"{where}: {value!r} is no reference to an image, which is in lower case, or to a stage above.")
    return base


def _put(stage: Stage, text: str, arguments: Arguments, problems: list[str]) -> str | None:
    try:
        return expand(text, arguments.for_from).text
    except ExpansionError as error:
        problems.append(f"{stage.source.where}: FROM {text}: {error}.")
        return None


def _origin_problems(instruction: Instruction, written: str, source: Source, stage: int) -> Iterator[str]:
    where = f"{instruction.where}: {instruction.keyword} from={written}"
    if source.origin is Origin.STAGE and source.stage >= stage:
        yield f"{where}: there is no such stage above this one."
    elif source.origin is Origin.FOREIGN and "$" in written:
        yield f"{where}: variables are not put in here. Add a stage FROM {written} AS a name, and use that name."
    elif source.origin is Origin.FOREIGN and instruction.keyword == "RUN" and written.isdigit():
        yield f"{where}: a mount does not know stages by number. Name the stage with AS, and use that name."
    elif source.origin is Origin.FOREIGN and not is_reference(written):
        yield f"{where}: this is no reference to an image or stage."
