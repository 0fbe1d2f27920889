"""The error that users see."""


class EngineError(Exception):
    """No engine can be used; the text says what happened, where, and what to do about it."""
