"""The engine's errors as ours: a failed operation is a value, a lost engine an ExternalError."""

import re
from collections.abc import Awaitable
from typing import TypeVar

import dagger

from ci.build.engine_failure import EngineFailure
from ci.errors import EngineLostError

T = TypeVar("T")

# What the engine puts around the cause: encoded call ids of several kilobytes, the chain of calls that were loaded,
# its own operations, and the trace's id.
_NOISE = re.compile(
    r"(?:failed to load container from converted ID|failed to convert Dockerfile (?:to LLB|LLB to Dagger ID)"
    r"|failed to clone built container state|failed to content hash dockerfile copy|failed to copy source directory"
    r"|load (?:Container|Directory|File)@[A-Za-z0-9+/=_-]+|load xxh3:[0-9a-f]+|inputs): "
    r"|\s*\[traceparent:[^\]]*\]"
)

_SERVICE = re.compile(r"bound service \S+ \(aliased as (\S+)\)")


def clean(text: str) -> str:
    """Return the cause at the end of an engine's error text, without the chain of calls before it."""
    return _SERVICE.sub(r"the service \1", _NOISE.sub("", text)).strip()


async def engine_result(call: Awaitable[T]) -> T | EngineFailure:
    """Return the result of an engine call, or its failure. Raises ExternalError when the engine is lost."""
    try:
        return await call
    except dagger.QueryError as error:
        return as_failure(error)
    except dagger.DaggerError as error:
        raise EngineLostError(
            f"The connection to the Dagger engine was lost during the work: {clean(str(error))}\n"
            "Run the same command again: what was built so far is kept if the engine shut down cleanly."
        ) from error


def as_failure(error: dagger.QueryError) -> EngineFailure:
    """Return an engine error as a value."""
    if isinstance(error, dagger.ExecError):
        output = "\n".join(part for part in (error.stdout, error.stderr) if part)
        message = f"exit code {error.exit_code}" if error.exit_code >= 0 else clean(error.message)
        return EngineFailure(message=message, exit_code=error.exit_code, output=output)
    return EngineFailure(message=clean(str(error)))
