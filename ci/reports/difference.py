"""What differs between two stacks, as text for a terminal and as Markdown for a pull request."""

from collections.abc import Iterator, Sequence

from ci import units
from ci.contents.difference import Change, ImageDifference, StackDifference
from ci.reports import markdown
from ci.reports.difference_sections import Section, sections
from ci.reports.lines import columns, one_line

MARKER = "<!-- datahub diff -->"
"""The first line of a comment, by which a workflow finds the one that it wrote before."""
MOST_BYTES = 60_000
"""Of a comment: GitHub refuses those of more than 65,536 characters."""
_REBUILT_SHOWN = 6
_COUNTED = (
    (Change.REMOVED, "removed"),
    (Change.DOWN, "lower"),
    (Change.ADDED, "added"),
    (Change.UP, "higher"),
    (Change.CHANGED, "other"),
    (Change.REBUILT, "rebuilt"),
)


def render_difference(difference: StackDifference) -> str:
    """Return the difference as text: removed and lower first, each change at the image that brought it."""
    old, new = difference.old, difference.new
    if not difference.changed:
        compared = units.number(len(difference.images), "image")
        return " ".join([f"{old} and {new} have the same contents: {compared} compared.", *_built_again(difference)])
    blocks = [f"From {old} to {new}:"]
    blocks.extend("\n".join(_text(image, difference.old)) for image in difference.images if image.changed)
    same = [image.image for image in difference.images if not image.changed]
    if same:
        blocks.append(f"No changes of their own: {', '.join(same)}.")
    blocks.extend(one_line(sentence) for sentence in difference.unread)
    return "\n\n".join(blocks)


def _built_again(difference: StackDifference) -> Iterator[str]:
    """Say what images with the same contents cost those who have the old ones: their layers may be others."""
    downloads = {image.image: image.download for image in difference.images if image.download}
    if downloads:
        listed = ", ".join(f"{units.size(size)} for {name}" for name, size in downloads.items())
        yield f"Layers were built again all the same: who has {difference.old} downloads {listed}."


def _text(image: ImageDifference, old: str) -> Iterator[str]:
    yield f"{image.image}: {_sizes(image, old)}"
    for section in sections(image):
        if section.folded:
            names = [row[1] for row in section.rows]
            more = f" and {len(names) - _REBUILT_SHOWN} more" if len(names) > _REBUILT_SHOWN else ""
            yield f"  {section.title}: {one_line(', '.join(names[:_REBUILT_SHOWN]))}{more}"
            continue
        yield f"  {section.title}"
        yield from columns(section.rows)


def render_difference_markdown(difference: StackDifference, most: int = MOST_BYTES) -> str:
    """Return the difference as Markdown for a comment of at most so many bytes; report/diff.md has what is cut off."""
    return markdown.cut([MARKER, *difference_lines(difference)], most, "report/diff.md")


def difference_lines(difference: StackDifference) -> Iterator[str]:
    """Yield the lines of the difference as Markdown, all of them, under headings of the third level and below."""
    old, new = markdown.code(difference.old), markdown.code(difference.new)
    if not difference.changed:
        yield f"### {old} and {new} have the same contents"
        yield from (line for sentence in _built_again(difference) for line in ("", markdown.code(sentence)))
        return
    yield f"### From {old} to {new}"
    yield ""
    headers = [
        "image",
        "files:",
        "change:",
        "to download:",
        "change:",
        f"who has {old} downloads:",
        *(f"{name}:" for _, name in _COUNTED),
    ]
    yield from markdown.filled_table(headers, [_summary(image) for image in difference.images])
    if difference.unread:
        yield ""
        yield from (f"- {markdown.code(sentence)}" for sentence in difference.unread)
    for image in difference.images:
        if not image.changed:
            continue
        yield ""
        yield f"#### {markdown.code(image.image)}{_presence(image)}"
        for section in sections(image):
            yield ""
            yield from _markdown_section(section)


def _markdown_section(section: Section) -> Iterator[str]:
    rows = [
        [markdown.code(cell) if is_foreign else cell for cell, is_foreign in zip(row, section.foreign, strict=True)]
        for row in section.rows
    ]
    lines = markdown.filled_table(section.headers, rows)
    if section.folded:
        yield from markdown.fold(section.title, lines)
    else:
        yield f"**{section.title}**"
        yield ""
        yield from lines


def _summary(image: ImageDifference) -> Sequence[str]:
    old, new = image.old, image.new
    counts = [sum(change.change is kind for change in image.packages) for kind, _ in _COUNTED]
    return [
        markdown.code(image.image),
        units.size(new.size if new else None),
        _change(old.size if old else None, new.size if new else None),
        units.size(new.compressed_size if new else None),
        _change(old.compressed_size if old else None, new.compressed_size if new else None),
        units.size(image.download),
        *(str(count or "") for count in counts),
    ]


def _sizes(image: ImageDifference, name: str) -> str:
    old, new = image.old, image.new
    if new is None:
        return "no longer in the stack"
    parts = [_size("of files", old.size if old else None, new.size)]
    if new.compressed_size is not None:
        parts.append(_size("to download", old.compressed_size if old else None, new.compressed_size))
    if old is None:
        return f"new in the stack, {', '.join(parts)}"
    if image.download is not None:
        parts.append(f"who has {name} downloads {units.size(image.download)}")
    return ", ".join(parts)


def _size(what: str, old: int | None, new: int) -> str:
    change = _change(old, new)
    return f"{units.size(new)} {what}" + (f" ({change})" if change else "")


def _presence(image: ImageDifference) -> str:
    return " is new" if image.old is None else " is gone" if image.new is None else ""


def _change(old: int | None, new: int | None) -> str:
    return "" if old is None or new is None else units.size_change(new - old)
