"""stack.toml: the optional settings of a stack."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec

from ci.errors import did_you_mean
from ci.oci.reference import is_image_name
from ci.stack.budget_config import BudgetTable, budget_problems
from ci.stack.dockerfile_patterns import Pattern
from ci.stack.gpu_config import GpuSettings, gpu_problems
from ci.stack.image import Compression
from ci.stack.quantities import percent_problem, size_problem
from ci.stack.stack_tag import version_problem
from ci.stack.wiki_config import WikiSettings

HIGHLIGHT_ECOSYSTEMS = ("apt", "apk", "pip", "conda", "R", "npm", "Julia", "lab extension")
"""What an entry of `describe.highlights` begins with, before its colon."""
Positive = Annotated[float, msgspec.Meta(gt=0)]
TableType = TypeVar("TableType", bound=msgspec.Struct)


class VariantForm(StrEnum):
    """Where the variants of an image are published: each in a repository of its own, or as tags of one."""

    REPOSITORY = "repository"
    TAG = "tag"


class StackTable(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """`[stack]`: a field is a key."""

    registry: str = ""
    version: str = ""
    epoch: str = ""
    source: str = ""
    compression: Compression = Compression.GZIP
    rebuild_all: tuple[str, ...] = (".github/workflows/main.yml", ".github/workflows/wide.yml")
    ignore: tuple[str, ...] = ()
    context: str = ""
    external: tuple[str, ...] = ()
    variants_in: VariantForm = VariantForm.REPOSITORY
    build_args_file: str = ""


class TestsTable(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """`[tests]`: a field is a key. Limits are seconds."""

    limit: Positive = 900
    test_limit: Positive = 300
    reruns: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    server_environment: dict[str, str] = {}
    ignore: tuple[str, ...] = ()


class DescribeTable(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """`[describe]`: a field is a key."""

    highlights: tuple[str, ...] = ()


class ImageTable(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """`[images.<name>]`: a field is a key. Paths are relative to the image's folder."""

    build_args: dict[str, str] = {}
    build_args_file: str = ""
    target: str = ""
    enabled: bool = True
    reason: str = ""
    context: str = ""
    dockerfile: str = ""
    size_budget: str = ""
    grow: str = ""
    variants: tuple[str, ...] = ()
    plain: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the file; `images` are the tables by the name of the image."""

    stack: StackTable = StackTable()
    tests: TestsTable = TestsTable()
    gpu: GpuSettings | None = None
    describe: DescribeTable = DescribeTable()
    budget: BudgetTable | None = None
    wiki: WikiSettings = WikiSettings()
    build_args: Mapping[str, str] = {}
    """For every image that declares them."""
    images: Mapping[str, ImageTable] = {}
    dockerfiles: tuple[Pattern, ...] = ()
    """The lines of `[dockerfiles]`: those of one path first, then in the order of the file."""
    variants: Mapping[str, Mapping[str, Mapping[str, str]]] = {}
    """Build args by axis and variant."""

    def table(self, names: Iterable[str]) -> ImageTable:
        """Return what the tables of an image say together. The keys of later ones win, build arg by build arg."""
        tables = [self.images[name] for name in names if name in self.images]
        merged = {key: value for table in tables for key, value in msgspec.to_builtins(table).items()}
        build_args = {name: value for table in tables for name, value in table.build_args.items()}
        return msgspec.structs.replace(msgspec.convert(merged, ImageTable), build_args=build_args)


def read_settings(text: str, path: str, problems: list[str]) -> Settings:
    """Read stack.toml. For each mistake, add a sentence to `problems` and use the default."""
    try:
        document = tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        problems.append(f"{path}{f':{line[1]}' if line else ''}: invalid TOML: {error}.")
        return Settings()
    reader = _Reader(path, problems)
    known = ("stack", "tests", "gpu", "describe", "budget", "wiki", "build-args", "dockerfiles", "variants", "images")
    reader.refuse_unknown(document, known, "")
    images = reader.table(document, "images")
    axes = reader.table(document, "variants")
    settings = Settings(
        stack=reader.stack(reader.table(document, "stack")),
        tests=reader.convert(reader.table(document, "tests"), TestsTable, "tests"),
        gpu=reader.gpu(document),
        describe=reader.describe(reader.table(document, "describe")),
        budget=reader.budget(document),
        wiki=reader.convert(reader.table(document, "wiki"), WikiSettings, "wiki"),
        build_args=reader.build_args(reader.table(document, "build-args")),
        images={name: reader.image(reader.table(images, name, "images."), f"images.{name}") for name in sorted(images)},
        dockerfiles=reader.dockerfiles(reader.table(document, "dockerfiles")),
        variants={axis: reader.axis(reader.table(axes, axis, "variants."), axis) for axis in axes},
    )
    problems.extend(
        f"{path}: images.{name}.variants: no such axis: {axis!r}.{did_you_mean(axis, settings.variants)}"
        for name, table in settings.images.items()
        for axis in table.variants
        if axis not in settings.variants
    )
    problems.extend(
        f"{path}: images.{name}.grow has no effect without a budget: add the table [budget]."
        for name, table in settings.images.items()
        if table.grow and "budget" not in document
    )
    return settings


class _Reader:
    """Reads table by table and key by key, because msgspec stops at the first mistake."""

    def __init__(self, path: str, problems: list[str]) -> None:
        self._path = path
        self._problems = problems

    def table(self, document: Mapping[str, object], name: str, prefix: str = "") -> Mapping[str, object]:
        found = document.get(name, {})
        if isinstance(found, dict):
            return found
        self._problems.append(f"{self._path}: {prefix}{name} must be a table: write [{prefix}{name}] above its keys.")
        return {}

    def refuse_unknown(self, table: Mapping[str, object], known: tuple[str, ...], prefix: str) -> None:
        self._problems.extend(
            f"{self._path}: unknown key {prefix}{key}.{did_you_mean(key, known)}" for key in table if key not in known
        )

    def convert(self, table: Mapping[str, object], kind: type[TableType], where: str) -> TableType:
        return msgspec.convert(self._keys(table, kind, where), kind)

    def stack(self, table: Mapping[str, object]) -> StackTable:
        found = self.convert(table, StackTable, "stack")
        problem = version_problem(found.version) if found.version else ""
        if problem:
            self._problems.append(f"{self._path}: stack.version: {problem}")
            return msgspec.structs.replace(found, version="")
        return found

    def build_args(self, table: Mapping[str, object]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for name, value in table.items():
            try:
                found[name] = msgspec.convert(value, str)
            except msgspec.ValidationError as error:
                self._problems.append(f"{self._path}: build-args.{name}: {_plain(error)}")
        return found

    def gpu(self, document: Mapping[str, object]) -> GpuSettings | None:
        before = len(self._problems)
        table = self.table(document, "gpu")
        if "gpu" not in document or len(self._problems) > before:
            return None
        read = self._keys(table, GpuSettings, "gpu")
        self._problems.extend(f"{self._path}: gpu.{problem}" for problem in gpu_problems(read, table))
        return None if len(self._problems) > before else msgspec.convert(read, GpuSettings)

    def describe(self, table: Mapping[str, object]) -> DescribeTable:
        found = self.convert(table, DescribeTable, "describe")
        for entry in found.highlights:
            ecosystem, _, name = entry.partition(":")
            if ecosystem not in HIGHLIGHT_ECOSYSTEMS or not name.strip():
                self._problems.append(
                    f"{self._path}: describe.highlights: {entry!r} is not a package such as 'pip:polars'. "
                    f"Before the colon is one of {', '.join(HIGHLIGHT_ECOSYSTEMS)}."
                )
        return found

    def budget(self, document: Mapping[str, object]) -> BudgetTable | None:
        before = len(self._problems)
        read = self._keys(self.table(document, "budget"), BudgetTable, "budget")
        self._problems.extend(f"{self._path}: budget.{problem}" for problem in budget_problems(read))
        usable = "budget" in document and len(self._problems) == before
        return msgspec.convert(read, BudgetTable) if usable else None

    def dockerfiles(self, table: Mapping[str, object]) -> tuple[Pattern, ...]:
        found: list[Pattern] = []
        for path, value in table.items():
            where = f'{self._path}: dockerfiles."{path}"'
            try:
                names = msgspec.convert([value] if isinstance(value, str) else value, tuple[str, ...])
            except msgspec.ValidationError:
                self._problems.append(f"{where}: expected the name of an image, or a list of names.")
                continue
            pattern = Pattern(path=path, images=names)
            problems = [f"{where}: {problem}" for problem in pattern.problems()]
            self._problems.extend(problems)
            found.extend([] if problems else [pattern])
        return tuple(sorted(found, key=lambda pattern: not pattern.is_literal))

    def axis(self, table: Mapping[str, object], axis: str) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, Mapping[str, str]] = {}
        for variant, value in table.items():
            where = f"variants.{axis}.{variant}"
            if not is_image_name(variant):
                self._problems.append(
                    f"{self._path}: {where}: a variant is part of names: use lower-case letters, digits, '.' and '-'."
                )
            try:
                found[variant] = msgspec.convert(value, dict[str, str])
            except msgspec.ValidationError:
                self._problems.append(
                    f'{self._path}: {where}: expected build args, such as {{ CUDA_VERSION = "12.8" }}.'
                )
        return found

    def _keys(self, table: Mapping[str, object], kind: type[msgspec.Struct], where: str) -> Mapping[str, object]:
        fields = msgspec.structs.fields(kind)
        self.refuse_unknown(table, tuple(field.encode_name for field in fields), f"{where}.")
        read: dict[str, object] = {}
        for field in fields:
            if field.encode_name in table:
                self._convert_key(table[field.encode_name], field, where, read)
        return read

    def _convert_key(
        self, value: object, field: msgspec.structs.FieldInfo, where: str, read: dict[str, object]
    ) -> None:
        name = f"{where}.{field.encode_name}"
        # A mapping is read entry by entry: msgspec's own error does not say which entry is wrong.
        entries: list[tuple[str, object]] = []
        if isinstance(value, dict):
            entries = [(f"{name}.{key}", {key: item}) for key, item in value.items()]
        faulty = False
        for path, part in entries or [(name, value)]:
            try:
                msgspec.convert(part, field.type)
            except msgspec.ValidationError as error:
                faulty = True
                self._problems.append(f"{self._path}: {path}: {_plain(error)}")
        if not faulty:
            read[field.encode_name] = value

    def image(self, table: Mapping[str, object], where: str) -> ImageTable:
        found = self.convert(table, ImageTable, where)
        if not found.enabled and not found.reason:
            self._problems.append(
                f"{self._path}: {where}.enabled is false without a reason. Write one in {where}.reason; plans show it."
            )
        checks = (("size-budget", found.size_budget, size_problem), ("grow", found.grow, percent_problem))
        for key, text, check in checks:
            if text and (problem := check(text)):
                self._problems.append(f"{self._path}: {where}.{key}: {problem}")
                found = msgspec.structs.replace(found, **{key.replace("-", "_"): ""})
        return found


def _plain(error: msgspec.ValidationError) -> str:
    text = str(error).partition(" - at ")[0].replace("`", "")
    for own, plain in {"str": "a quoted string", "bool": "true or false", "int": "an integer", "object": "a table",
                       "float": "a decimal number", "array": "an array"}.items():  # fmt: skip
        text = text.replace(f"Expected {own},", f"expected {plain},").replace(f"got {own}", f"got {plain}")
    return f"{text}."
