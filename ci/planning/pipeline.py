"""What builds and tests images, as far as it may alter an image or the verdict on it."""

import msgspec


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """The running module and its engine, as they are part of keys. Digests are in hexadecimal."""

    image_code: str
    """A digest of the code that makes images of what else a cache key is made from.

    Code before that, such as the reader of stack.toml, shows in what it reads; code after it alters no image.
    """
    suite_code: str
    """A digest of what suites are run and judged with: code, pytest's plugins, the test container."""
    engine: str
    """The version of the Dagger engine, `v0.21.8`."""
