"""The engine's messages in the user's terms.

The engine builds a fused text from a fused context, and speaks of these: of "line 13" of a Dockerfile of two lines, of
`/kid/a` for `images/kid/a`. Here its messages get the file, line and path that the user knows. Pure. The texts are
those of Dagger 0.21.8; one that is not known stays as it is.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from ci.fusion.fused import Context, Fused, FusedInstruction, FusedStep

# Of COPY, of a mount, of a cache mount, and of ADD, which looks into a folder of the engine's own.
_MISSING = re.compile(
    r"(?:(?:^|: )l?stat (?:/tmp/dagger-mount\d+)?(?P<path>/.+?)"
    r"|failed to checksum ref at subdir (?P<mounted>/.+?): \".*\")"
    r": (?P<why>no such file or directory|not found|not a directory)$"
)
_PARSE_ERROR = re.compile(r"dockerfile parse error on line (\d+): (.+)", re.DOTALL)
_FROM = re.compile(r"(?P<reference>\S+): (?:\S+: not found|failed to do request: .*|failed to .*)", re.DOTALL)
_UNSUPPORTED = re.compile(r"llbtodagger: (?:unsupported op \"[^\"]*\" (?:\(sha256:[0-9a-f]+\))?: )?(.+)", re.DOTALL)
_OWNER = re.compile(r"failed to parse ownership (\S+): find [ug]id: no such (user|group): (.+)")
_USER = re.compile(
    r"failed to resolve ownership for \S+: find [ug]id: no such (?P<kind>user|group): (?P<name>.+)"
    r"|get user: unable to find (?P<kind2>user|group) (?P<name2>.+?): no matching entries in \w+ file"
)
_STATUS = re.compile(r"invalid response status (\d{3} .+)")
# Instructions that make no layer fail with the next one that does, and without a line.
_WITHOUT_LINE: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"invalid signal: (?P<value>.+)"), "STOPSIGNAL"),
    (re.compile(r"invalid (?:containerPort|hostPort|proto|range format).*|no port specified: .*"), "EXPOSE"),
    (re.compile(r"failed to parse platform (?P<value>.+?): .*"), "FROM"),
    (re.compile(r"VOLUME specified can not be an empty string"), "VOLUME"),
    (re.compile(r"failed to process \"(?P<value>.*)\": .*"), ""),
)


class MissingSource(msgspec.Struct, frozen=True, kw_only=True):
    """A path of the source tree that the engine did not find in the build context."""

    path: str
    excluded_by: str
    """Why the context has it not, if the source tree does; empty if the context should have it."""


def missing_source(message: str, fused: Fused, step: FusedStep | None) -> MissingSource | None:
    """Return the path of the source tree that a message is about, if it says that there is no such path."""
    match = _MISSING.search(message)
    if match is None or match["why"] == "not a directory":
        return None
    path = match["path"] or match["mounted"]
    context = _context(path, fused, step)
    if context is None:
        return None
    excluded = ""
    if context.excludes(_inner(path, context)):
        by = f"by {context.ignore_file}" if context.ignore_file else "since it is a folder of tests"
        excluded = f"it is excluded from the build context {by}"
    return MissingSource(path=_in_tree(path, context), excluded_by=excluded)


def translate(message: str, fused: Fused, step: FusedStep | None) -> str:
    """Return a message of the engine in the user's terms. It failed at `step`; None for the image as a whole."""
    translations: Sequence[Callable[[str, Fused, FusedStep | None], str | None]] = (
        _translate_parse_error,
        _translate_missing,
        _translate_owner,
        _translate_from,
        _translate_without_line,
    )
    for one in translations:
        found = one(message, fused, step)
        if found is not None:
            return found
    unsupported = _UNSUPPORTED.fullmatch(message)
    return f"the engine cannot build this: {unsupported[1]}" if unsupported else message


def _translate_parse_error(message: str, fused: Fused, step: FusedStep | None) -> str | None:
    match = _PARSE_ERROR.fullmatch(message)
    source = fused.instruction_at(int(match[1])) if match else None
    return _at(source, match[2], step) if match and source else None


def _translate_missing(message: str, fused: Fused, step: FusedStep | None) -> str | None:
    match = _MISSING.search(message)
    if match is None:
        return None
    path = match["path"] or match["mounted"]
    context = _context(path, fused, step)
    if context is not None:
        shown, where = _in_tree(path, context), "the source tree"
    else:
        shown, where = path, _reference(path, step)
    if match["why"] == "not a directory":
        return f"{shown}: a part of this path is a file, not a folder"
    return f"{shown}: no such file or folder in {where}"


def _translate_owner(message: str, _: Fused, __: FusedStep | None) -> str | None:
    advice = "Create it in a RUN before this, or use a number."
    owner = _OWNER.fullmatch(message)
    if owner:
        return f"--chown={owner[1]}: the image has no {owner[2]} {owner[3]!r} here. {advice}"
    user = _USER.fullmatch(message)
    if user:
        kind, name = user["kind"] or user["kind2"], user["name"] or user["name2"]
        return f"USER: the image has no {kind} {name!r} here. {advice}"
    if message.endswith("named user/group chown requires container context"):
        return "the engine cannot look up the USER for this folder in an image FROM scratch. Write USER with numbers."
    status = _STATUS.fullmatch(message)
    return f"the server responded with status {status[1]}" if status else None


def _translate_from(message: str, fused: Fused, step: FusedStep | None) -> str | None:
    match = _FROM.fullmatch(message)
    stage = next((one for one in fused.stages if match and one.base == match["reference"]), None)
    source = fused.instruction_at(stage.begin) if stage else None
    # The instruction names the reference already.
    return _at(source, message.partition(": ")[2], step) if source else None


def _translate_without_line(message: str, fused: Fused, step: FusedStep | None) -> str | None:
    for pattern, keyword in _WITHOUT_LINE:
        match = pattern.fullmatch(message)
        if match is None:
            continue
        value = match.groupdict().get("value", "")
        found = [one for one in _since_last_step(fused, step) if keyword in ("", one.keyword) and value in one.command]
        # A value with variables is not in the text as it is in the message: then the keyword alone decides.
        found = found or [one for one in _since_last_step(fused, step) if keyword == one.keyword]
        return _at(found[0], message, step) if len(found) == 1 else None
    return None


def _since_last_step(fused: Fused, step: FusedStep | None) -> Iterator[FusedInstruction]:
    """Return the instructions of a step's stage after the step before it; without one, those at the end of the text."""
    name = step.stage if step else fused.stages[-1].name
    end = step.end if step else len(fused.text.split("\n"))
    begin = next(stage.begin for stage in fused.stages if stage.name == name) - 1
    begin = max([begin, *(one.end for one in fused.steps if one.stage == name and one.end < end)])
    return (one for one in fused.instructions if begin < one.end <= end)


def _at(source: FusedInstruction, message: str, step: FusedStep | None) -> str:
    """Return a message with the place of its instruction, unless that is the step itself."""
    is_step = step is not None and source.end == step.end
    return message if is_step else f"{source.path}:{source.line}: {source.command}: {message}"


def _context(path: str, fused: Fused, step: FusedStep | None) -> Context | None:
    """Return the context that a path of the engine is in; None if it is in a stage or an image."""
    if _reference(path, step):
        return None
    return next((one for one in fused.contexts if not one.folder or f"{path}/".startswith(f"/{one.folder}/")), None)


def _reference(path: str, step: FusedStep | None) -> str:
    """Return the `from=` that a path belongs to, as written; empty if that is the context."""
    origins = step.origins if step else ()
    for written, reference in origins:
        if posixpath.normpath(f"/{written.lstrip('/')}") == path:
            return reference
    # A source with variables: a COPY has one origin for all of its sources.
    return origins[0][1] if step and step.keyword == "COPY" and origins else ""


def _in_tree(path: str, context: Context) -> str:
    return posixpath.normpath(posixpath.join("" if context.path == "." else context.path, _inner(path, context)))


def _inner(path: str, context: Context) -> str:
    return path.removeprefix(f"/{context.folder}").lstrip("/")
