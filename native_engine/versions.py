"""All pinned versions; a test compares the project's other files with them."""

ENGINE = "0.21.8"  # of the engine, the dagger CLI and the Python SDK (dagger-io): all three must be equal
UV = "0.13.9"
GO = (1, 26, 1)  # the oldest that builds the engine, as in go.mod
DEBIAN = 12  # the oldest release on which the native engine runs
BASE_IMAGE = ("library/debian", "bookworm-slim")  # the image in the mirror
BASE_SUITE = "bookworm"
