"""The engine's error texts, made readable."""

import re

# What the engine puts around the cause: encoded call ids of several kilobytes, the chain of calls that were loaded,
# its own verbs, and the trace's id.
_NOISE = re.compile(
    r"(?:failed to load container from converted ID|failed to convert Dockerfile to LLB"
    r"|failed to clone built container state|failed to content hash dockerfile copy|failed to copy source directory"
    r"|load (?:Container|Directory|File)@[A-Za-z0-9+/=_-]+|load xxh3:[0-9a-f]+|inputs): "
    r"|\s*\[traceparent:[^\]]*\]"
)

_SERVICE = re.compile(r"bound service \S+ \(aliased as (\S+)\)")


def clean(text: str) -> str:
    """Return the cause that an engine's error text ends in, without the way there."""
    return _SERVICE.sub(r"the service \1", _NOISE.sub("", text)).strip()
