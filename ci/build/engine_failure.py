"""What the engine could not do, as a value."""

import msgspec


class EngineFailure(msgspec.Struct, frozen=True, kw_only=True):
    """The engine could not do it: `exit_code` and `output` if a command ran and failed, `message` in every case."""

    message: str
    exit_code: int | None = None
    output: str = ""
