"""The engine's errors, made ours: values for what it refused, sentences for the rest."""

import re
from collections.abc import Awaitable
from typing import TypeVar

import dagger

from ci.build.ports import EngineFailure
from ci.errors import ExternalError

T = TypeVar("T")

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


async def answered(asked: Awaitable[T]) -> T | EngineFailure:
    """Return the engine's answer, or what it refused. ExternalError when it does not answer any more."""
    try:
        return await asked
    except dagger.QueryError as error:
        return refused(error)
    except dagger.DaggerError as error:
        raise ExternalError(
            f"The engine was lost in the middle of the work: {clean(str(error))}\n"
            "What was built so far is kept if it ended gently. Run the same command again."
        ) from error


def refused(error: dagger.QueryError) -> EngineFailure:
    """Return what the engine refused to do, as a value."""
    if isinstance(error, dagger.ExecError):
        output = "\n".join(part for part in (error.stdout, error.stderr) if part)
        message = f"exit code {error.exit_code}" if error.exit_code >= 0 else clean(error.message)
        return EngineFailure(message=message, exit_code=error.exit_code, output=output)
    return EngineFailure(message=clean(str(error)))
