"""What may go wrong, as sentences for the person at the terminal."""


class EngineError(Exception):
    """No engine could be had; the text says what happened, where, and what to do about it."""
