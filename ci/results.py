"""What happened in a run, as values: outcomes, steps, layers, images, the whole. No clock and no engine in here."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from ci.planning.plan import Plan
from ci.stack.model import Suite


class Outcome(StrEnum):
    """How it ended for one image.

    TESTS_FAILED: there is an image, and a suite did not pass. NOT_UPLOADED: it passed, and is not in the registry.
    """

    BUILT = "built"
    REUSED = "reused"
    TESTS_FAILED = "tests failed"
    NOT_UPLOADED = "not uploaded"
    FAILED = "failed"
    BLOCKED = "blocked"
    DISABLED = "disabled"

    @property
    def ok(self) -> bool:
        """Whether a run with this outcome may be green."""
        return self in {Outcome.BUILT, Outcome.REUSED, Outcome.DISABLED}


class TestOutcome(StrEnum):
    """How one test ended. FLAKY: it failed, and passed when it was run again in a fresh container."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "failed as expected"
    FLAKY = "flaky"
    UNFINISHED = "unfinished"

    @property
    def ok(self) -> bool:
        """Whether a suite with this outcome in it may pass."""
        return self in {TestOutcome.PASSED, TestOutcome.SKIPPED, TestOutcome.XFAILED, TestOutcome.FLAKY}


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One test of a suite. `name` is pytest's node id, `text` the last lines of its failure or why it was skipped."""

    name: str
    outcome: TestOutcome
    seconds: float = 0.0
    text: str = ""


class SuiteOutcome(StrEnum):
    """How a suite ended. ERROR: it did not come to its end, or did not prove that it did. EMPTY: it has no tests."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    EMPTY = "empty"


class SuiteReport(Suite, frozen=True, kw_only=True):
    """What happened to a suite on one image.

    `why` is a sentence unless it passed. Times are as in StepResult. `log` is the end of pytest's output, of the first
    run if there were two; `junit` its report, if any.
    """

    outcome: SuiteOutcome
    why: str = ""
    tests: tuple[TestResult, ...] = ()
    started: float = 0.0
    seconds: float = 0.0
    log: str = ""
    junit: str | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a build or an upload stopped.

    `instruction` and `line` tell where in the image's own Dockerfile (`path`), or, with line 0, what else failed.
    `exit_code` is None when the engine refused it without running a command; `output` is all the command printed, as
    far as the engine kept it (100 KiB).
    """

    path: str
    line: int
    instruction: str
    message: str
    exit_code: int | None = None
    output: str = ""

    @property
    def place(self) -> str:
        """Where to look: `images/r/Dockerfile:12`."""
        return f"{self.path}:{self.line}" if self.line else self.path


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """One instruction that changed files: RUN, COPY, ADD or WORKDIR.

    Times are seconds; `started` counts from the start of the run.
    """

    stage: str
    command: str
    line: int
    started: float
    seconds: float
    output: str
    failed: bool = False


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """What one instruction added to an image, the lowest first; or, with no `image`, one layer of the foreign base.

    `image` is the image of the stack whose Dockerfile made it, `created` RFC 3339. `digests` are of the zstd blobs: the
    engine makes one for each source of a COPY. `compressed_size` is their bytes; `size` the bytes of the files that
    were added or changed (of a foreign base's layer: of its tar archive).
    """

    instruction: str
    image: str | None
    created: str
    digests: tuple[str, ...]
    compressed_size: int
    size: int


class ImageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one image. `seconds` is the time in which at least one of its stages was at work.

    `size` is the sum of all its files' sizes in bytes. `blocked_by` names the failed image at the root of it.
    """

    name: str
    outcome: Outcome
    started: float = 0.0
    seconds: float = 0.0
    size: int | None = None
    steps: tuple[StepResult, ...] = ()
    failure: Failure | None = None
    blocked_by: str | None = None
    layers: tuple[Layer, ...] = ()
    suites: tuple[SuiteReport, ...] = ()
    digest: str | None = None
    """Of what was uploaded under the staging tag, or of the published image that was taken."""
    upload_seconds: float | None = None

    @property
    def exists(self) -> bool:
        """Whether there is an image, whatever its tests say."""
        return self.outcome not in {Outcome.FAILED, Outcome.BLOCKED, Outcome.DISABLED}


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the tag that was to name the stack, `repository:tag` of each image.

    `written` names the images whose tag was written by this run, `unchanged` those that had it. With a `failure`, which
    is sentences, the tag names what it named before, or they say where it does not.
    """

    tag: str
    registry: str
    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failure: str = ""
    seconds: float = 0.0
    record: str = ""
    """The run record, JSON, as it is attached to each image. Empty if this run wrote none."""


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole run. `started` is RFC 3339, UTC; `seconds` is wall time; `jobs` how many stages could run at once.

    `changed` names the images whose own files were changed, as git tells; `commit` is that of the source tree.
    """

    plan: Plan
    images: tuple[ImageReport, ...]
    started: str
    seconds: float
    jobs: int
    commit: str | None = None
    changed: tuple[str, ...] = ()
    publication: Publication | None = None

    @property
    def exit_code(self) -> int:
        """0 when every image of the plan did what the plan said, and was published if that was asked for, else 1."""
        published = self.publication is None or not self.publication.failure
        return 0 if published and all(image.outcome.ok for image in self.images) else 1

    @property
    def by_name(self) -> Mapping[str, ImageReport]:
        """The images by name."""
        return {image.name: image for image in self.images}

    def named(self, outcome: Outcome) -> tuple[str, ...]:
        """Names of the images that ended so, in the plan's order."""
        return tuple(image.name for image in self.images if image.outcome is outcome)


def busy_seconds(spans: Sequence[tuple[float, float]]) -> float:
    """Return the length of the union of intervals `(start, end)`: overlapping time counts once."""
    total = 0.0
    reached = float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
