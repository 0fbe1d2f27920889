"""What failed, as cards: the end of the output on the card, more of it behind a click, all of it behind a link."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from ci.reports.pictures import ALL_PICTURES, LARGEST_PICTURE, MOST_PICTURES
from ci.reports.problems import Problem
from ci.texts import LAST_LINES, last_lines

MOST_LINES = 200
"""Lines of one output on the page."""
MOST_CARDS = 200

_PNG = b"\x89PNG\r\n\x1a\n"


class Picture(NamedTuple):
    """A picture in the report. `source` is a `data:` URI, as markup that is not cut, or empty if it is only linked."""

    link: str
    source: Markup


class Card(NamedTuple):
    """One problem on the page. `earlier` are lines before the last ones; `left_out` counts those before these."""

    anchor: str
    problem: Problem
    last: Sequence[str]
    earlier: Sequence[str]
    left_out: int
    log: str
    picture: Picture | None


def make_cards(problems: Sequence[Problem], anchor: str, album: "Album") -> Sequence[Card]:
    """Return the cards of the first problems. `anchor` begins the id of each."""
    return [_card(problem, f"{anchor}-{number}", album) for number, problem in enumerate(problems[:MOST_CARDS], 1)]


def _card(problem: Problem, anchor: str, album: "Album") -> Card:
    lines, left_out = last_lines(problem.output, MOST_LINES)
    return Card(
        anchor=anchor,
        problem=problem,
        last=lines[-LAST_LINES:],
        earlier=lines[:-LAST_LINES],
        left_out=left_out,
        log=quote(problem.log),
        picture=album.picture(problem.picture),
    )


class Album:
    """The pictures of a report, by their paths in it. Only what is a PNG and fits becomes part of the page."""

    def __init__(self, pictures: Mapping[str, bytes]) -> None:
        self._pictures = pictures
        self._number = 0
        self._bytes = 0

    def picture(self, path: str) -> Picture | None:
        """Return the picture at a path, None if there is none."""
        content = self._pictures.get(path)
        if content is None:
            return None
        encoded = b64encode(content).decode()
        fits = len(content) <= LARGEST_PICTURE and self._bytes + len(encoded) <= ALL_PICTURES
        if not content.startswith(_PNG) or not fits or self._number >= MOST_PICTURES:
            return Picture(quote(path), Markup())
        self._number += 1
        self._bytes += len(encoded)
        return Picture(quote(path), Markup("data:image/png;base64,") + encoded)
