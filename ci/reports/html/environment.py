"""Jinja2 for the page. What a template prints is cleaned, cut and escaped here, so that no template can forget it."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ci.texts import printable, shorten

LONGEST_TEXT = 10_000
"""Characters of one value; outputs are printed line by line."""


def make_environment() -> Environment:
    """Return Jinja2 with the templates beside this file."""
    return Environment(
        loader=PackageLoader("ci.reports.html", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalize(value: object) -> object:
    """Return what is printed for a value. Markup is what a template of ours has made."""
    return value if isinstance(value, Markup) else printable(shorten(str(value), LONGEST_TEXT))
