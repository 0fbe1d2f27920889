"""Which values of an image's configuration may be credentials, and are never shown."""

import re

_NAME = re.compile(
    r"passw|passphrase|secret|token|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key|(^|[-_.])(key|auth|pwd|pat)($|[-_.])",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"://[^/\s:@]*:[^/\s@]+@"  # a URL with a password
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(gh[oprsu]_|github_pat_|glpat-|hf_|sk-|xox[abprs]-|pypi-|npm_|dckr_pat_|AKIA|ASIA)[A-Za-z0-9_-]{12,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\."  # a JSON web token
    r"|\bBearer [A-Za-z0-9._~+/-]{8,}"
    r"|(passw(or)?d|secret|token|api[-_]?key)[=:]\s*\S",  # --token=…
    re.IGNORECASE,
)


def looks_like_credential(name: str, value: str) -> bool:
    """Return whether a value must not be shown, because of what it is called or what it looks like.

    Empty values are harmless: `JUPYTER_TOKEN=` says that there is none.
    """
    return bool(value) and bool(_NAME.search(name) or _VALUE.search(value))
