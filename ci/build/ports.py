"""What a run needs from the outside world, as protocols. `ci.adapters` implements them; tests have small classes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ci.build.engine_failure import EngineFailure
from ci.build.progress import Progress
from ci.build.suite_ports import Tester
from ci.contents.budgets import ImageVerdict
from ci.contents.inspection import Inspection
from ci.contents.model import Contents
from ci.fusion.fused import Fused, FusedStep
from ci.results import Layer, Publication, RunReport
from ci.stack.image import Image
from ci.suite_results import SuiteReport


class Builder(Protocol):
    """Builds fused Dockerfiles. What an earlier call has built is taken from the cache.

    Raises ExternalError when the engine itself is out of reach; a build that fails is a value.
    """

    async def run_step(self, fused: Fused, step: FusedStep) -> str | EngineFailure:
        """Build as far as one step; return what it printed if it is a RUN, both streams together."""
        ...

    async def finish(self, fused: Fused) -> int | EngineFailure:
        """Build the whole image; return the sum of its files' sizes in bytes."""
        ...

    async def layers(self, fused: Fused) -> tuple[Layer, ...] | EngineFailure:
        """Measure the layers that an image which is built adds to its parent, or to its foreign base."""
        ...

    async def fetch(self, reference: str) -> EngineFailure | None:
        """Make a published image, named by its digest, ready to be built on."""
        ...

    async def upload(self, fused: Fused, target: str, labels: Mapping[str, str]) -> str | EngineFailure:
        """Push an image that is built to a tag, with labels and annotations put on top of it; return its digest.

        Layers that the registry has are not sent. What is transient has been tried again.
        """
        ...


class Inspector(Protocol):
    """Takes out of an image what says what is in it. Nothing of the image is executed.

    Raises ExternalError when the engine is out of reach.
    """

    async def inspect(self, image: Fused | str) -> Inspection | EngineFailure:
        """Inspect an image: a fused Dockerfile, which is built, or the reference of a published one by its digest.

        A published image is fetched, with all layers.
        """
        ...


class Publisher(Protocol):
    """Publishes what a run has built: uploads under staging tags, and tags once everything has passed."""

    def target(self, name: str) -> str:
        """Return the reference under which an image is uploaded before it has passed."""
        ...

    def labels(self, image: Image, fused: Fused, parent_digest: str | None) -> Mapping[str, str]:
        """Return the labels of an image, including those that replace labels of its parent."""
        ...

    async def attest_tests(
        self, name: str, digest: str, suites: Sequence[SuiteReport], needs: Mapping[str, str]
    ) -> None:
        """Attach to an image that it passed its tests, and the digests of the images it depends on.

        Raises a RegistryError.
        """
        ...

    async def describe(self, name: str, digest: str, fused: Fused, contents: Contents) -> Contents:
        """Attach to an uploaded image what is in it; return that with what the registry says of it.

        Raises a RegistryError.
        """
        ...

    async def publish_tags(self, report: RunReport) -> Publication:
        """Write the tags, unless an image did not pass. A failure is in the Publication, and raises nothing."""
        ...


class BudgetJudge(Protocol):
    """Judges how much images have grown."""

    async def judge(
        self, names: Sequence[str], contents: Mapping[str, Contents], reused: Mapping[str, str]
    ) -> tuple[ImageVerdict, ...]:
        """Return the verdict on each of these images. `contents` are of those that were built, `reused` digests."""
        ...


class RunPorts(NamedTuple):
    """The outside world, as a run sees it. Without a publisher nothing is uploaded, without a judge nothing judged."""

    builder: Builder
    tester: Tester
    inspector: Inspector
    progress: Progress
    publisher: Publisher | None = None
    budgets: BudgetJudge | None = None
