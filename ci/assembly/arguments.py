"""What the arguments of a call come to: where a service answers, what a password is, and when the call began."""

from datetime import UTC, datetime

import dagger

from ci.adapters.engine.faults import clean
from ci.errors import ExternalError


def now() -> str:
    """Return the time, RFC 3339, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


async def read_password(secret: dagger.Secret) -> str:
    """Return a password. One that was read from a file often ends with the file's last newline, which is none of it."""
    return (await secret.plaintext()).rstrip("\r\n")


async def reach(service: dagger.Service, option: str) -> str:
    """Return where a service that was given as an option can be reached, HOST:PORT."""
    try:
        await service.start()
        return await service.endpoint()
    except dagger.QueryError as error:
        raise ExternalError(f"{option} cannot be reached: {clean(str(error))}") from error
