"""A division of a plan among machines, as values: what is written into `shares.json`."""

from collections.abc import Mapping

import msgspec

from ci.planning.cache_key import ImageKey
from ci.planning.plan import Plan


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """What an image costs: seconds to build it, to run its suites and to upload it; bytes of its compressed layers."""

    build: float = 0.0
    test: float = 0.0
    upload: float = 0.0
    size: int = 0


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that a prediction is made with. Rates are bytes per second, of compressed layers."""

    start: float = 60.0
    """Seconds until a machine begins with its share: a new runner installs the engine and builds the tools of tests."""
    link: float = 120e6
    """Between one machine and the registry."""
    registry: float = 2e9
    """What the registry serves to all machines together."""
    unpack: float = 150e6
    slots: int = 4
    """How many tasks a machine runs at once."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one machine does. No other share has these images."""

    name: str
    """`trunk-1`, `branch-2`: unique in the division."""
    images: tuple[str, ...]
    """What it builds, or tests again, each after those that it depends on."""
    needs: tuple[str, ...]
    """The images that these depend on and that it does not build: it takes them from the registry."""
    seconds: float
    """How long it is predicted to take."""


class Division(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of a plan. Those of the trunk run beside each other, then those of the branches.

    A share depends on none that runs beside it. One share is the answer where more machines would not be worth it, none
    where nothing is to be done.
    """

    trunk: tuple[Share, ...]
    branches: tuple[Share, ...]
    expected: float
    """Predicted seconds, with the start of each machine and that of the one that gathers."""
    alone: float
    """The same for one machine that does everything."""

    @property
    def shares(self) -> tuple[Share, ...]:
        """All shares, those of the trunk first."""
        return (*self.trunk, *self.branches)

    @property
    def owners(self) -> Mapping[str, Share]:
        """The share that each image belongs to."""
        return {image: share for share in self.shares for image in share.images}


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """What all machines agree on: none of them asks again what is to be done, with which bases and for which epoch."""

    commit: str
    created: str
    """When the plan was divided, RFC 3339, UTC: the time of the images' labels. It tells divisions apart."""
    registry: str
    """Where the images are, as in references: `docker.io/ucsdets`."""
    epoch: str = ""
    """Set if everything is fetched again: the cache epoch that all keys have."""
    is_refresh: bool = False
    """The epoch was chosen by us, and is noted in the registry until the stack is published."""
    epochs: Mapping[str, str] = {}
    """The cache epochs that images have of their own."""
    bases: Mapping[str, str] = {}
    """The digests of foreign bases by reference."""
    keys: Mapping[str, ImageKey]
    published: Mapping[str, Mapping[str, str]] = {}
    """Of each image that is reused the digests of the images that it was built from, by name."""
    forced: tuple[str, ...] = ()
    """The images that are built whatever is published."""
    changed: tuple[str, ...] = ()
    """The images whose own files changed, according to git."""
    plan: Plan
    division: Division
