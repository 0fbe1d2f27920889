import pytest

from ci import units


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (41.2, "41 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s")],
)
def test_seconds(amount: float, text: str) -> None:
    assert units.seconds(amount) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "-"), (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (812_300_000, "812 MB"),
        (999_700_000, "1.0 GB"), (9_224_200_000, "9.2 GB"), (1_500_000_000_000, "1500.0 GB"),
    ],
)  # fmt: skip
def test_size(amount: int | None, text: str) -> None:
    assert units.size(amount) == text
