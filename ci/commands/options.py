"""What an operator asks for, as values: the options of the commands, checked where they are used."""

from collections.abc import Sequence

import msgspec

from ci.planning.secrets import GivenSecrets

EVERY_IMAGE = ("*", "all")
"""Stand for every image in `--rebuild`, unless an image has this name: none can be called `*`."""


class BuildOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a stack is planned, built, tested and published. The fields are the command line's options."""

    only: Sequence[str] = ()
    rebuild: Sequence[str] = ()
    refresh: bool = False
    epoch: str = ""
    base: str = ""
    head: str = ""
    jobs: int = 0
    """0 for one task more at once than there are cores."""
    test: bool = True
    retest: bool = False
    publish: bool = False
    secrets: GivenSecrets = GivenSecrets()
    describe: bool = True
    """Read what is in the images that are built."""
    measure: bool = False
    """Measure the layers of what is built, and compare sizes with what is stable."""
    accept_growth: str = ""
    """The reason to publish images that are over their budget."""


class PromotionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is promoted, and on what grounds."""

    tag: str
    also: Sequence[str] = ()
    """More tags to update together with the stable one."""
    accept_without_gpu: str | None = None
    """The reason to promote without a passed GPU verdict."""
    gpu: bool = True
    """False: the GPU gate is left out, which is for a dry run only."""
    dry_run: bool = False
