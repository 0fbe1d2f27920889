"""How much of an image is read at most, in bytes."""

MOST_OF_ONE = 32_000_000
MOST_IN_ALL = 256_000_000
"""Of all databases together. The largest image of a course has 11 MB of them."""
