"""The names of packages as they are compared."""

import re

from ci.contents.model import Ecosystem


def normalised(ecosystem: Ecosystem, name: str) -> str:
    """Return a name as it is compared: pip's by PEP 503, others as they are."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem is Ecosystem.PIP else name
