"""Every version that the kit pins, in one place; a test keeps the project's other files equal to it."""

ENGINE = "0.21.8"  # of the engine, the dagger CLI and the Python SDK (dagger-io), which must not differ
UV = "0.13.9"
GO = (1, 26, 1)  # the oldest that builds the engine; go.mod says the same
DEBIAN = 12  # the oldest machine on which the native engine runs
BASE_IMAGE = ("library/debian", "bookworm-slim")  # what the mirror answers for, and what modules run on
BASE_SUITE = "bookworm"
