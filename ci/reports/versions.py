"""The key versions of the images of a run: of an image built on another one, only those that are not the same there."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ci.contents.config_changes import OPERATING_SYSTEM
from ci.reports.lines import one_line, wrapped
from ci.results import RunReport


class VersionLine(NamedTuple):
    """The key versions of one image, in words, the last of which may say that others are as in its parent.

    `notes` are sentences on what could not be read in it.
    """

    image: str
    versions: Sequence[str]
    notes: Sequence[str]


def version_lines(report: RunReport) -> Sequence[VersionLine]:
    """Return the key versions of each image that was described, and what could not be read in it."""
    images = report.by_name
    lines: list[VersionLine] = []
    for plan in report.plan.images:
        image, parent = images[plan.name], images.get(plan.parent or "")
        inherited = parent.versions if parent else {}
        # What is gone would not be seen, so then all are listed.
        is_short = bool(inherited) and inherited.keys() <= image.versions.keys()
        own = {
            name: version for name, version in image.versions.items() if not is_short or inherited.get(name) != version
        }
        rest = [f"{'the others ' if own else ''}as in {plan.parent}"] if is_short else []
        known = parent.contents_notes if parent else ()
        notes = [one_line(note) for note in image.contents_notes if note not in known]
        if image.versions or notes:
            lines.append(VersionLine(plan.name, [*versions_in_words(own), *rest], notes))
    return lines


def versions_in_words(versions: Mapping[str, str]) -> Sequence[str]:
    """Return `Debian GNU/Linux 12.15`, `Python 3.11.2`: an operating system has its name in its version."""
    return [
        one_line(version if name == OPERATING_SYSTEM else f"{name} {version}") for name, version in versions.items()
    ]


def render_versions(report: RunReport) -> Sequence[str]:
    """Return the key versions of each image in lines below the table of a run; none if nothing was described."""
    found = version_lines(report)
    width = max((len(line.image) for line in found), default=0)
    lines = [
        f"  {'' if number else line.image:{width}}  {text}"
        for line in found
        for number, text in enumerate([*wrapped(line.versions), *line.notes])
    ]
    return ["Key versions:", *lines] if lines else []
