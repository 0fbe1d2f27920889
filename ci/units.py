"""Numbers of things, seconds and bytes as text."""


def number(amount: int, word: str) -> str:
    """Return how many there are: `1 image`, `2 images`."""
    return f"{amount} {word}" if amount == 1 else f"{amount} {word}s"


def seconds(amount: float) -> str:
    """Return a duration as text: `0.3 s`, `41 s`, `3 min 05 s`."""
    if amount < 10:  # noqa: PLR2004 (below ten seconds the tenths matter)
        return f"{amount:.1f} s"
    whole = round(amount)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"  # noqa: PLR2004


def size(amount: int | None) -> str:
    """Return a number of bytes in decimal units, as registries show them: `812 MB`, `9.2 GB`; a dash for None."""
    if amount is None:
        return "-"
    value = float(amount)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:  # noqa: PLR2004 (what rounds to 1000 is written in the next unit)
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def size_change(amount: int) -> str:
    """Return a difference of bytes with its sign: `+12 MB`, `-3 kB`; nothing for none."""
    return f"{'-' if amount < 0 else '+'}{size(abs(amount))}" if amount else ""
