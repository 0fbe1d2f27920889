"""The results of a run as values: outcomes, tests, steps, layers, images, the whole run. No clock, no engine."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from ci import units
from ci.contents.budgets import ImageVerdict
from ci.planning.plan import Plan
from ci.suite_results import SuiteOutcome, SuiteReport, TestOutcome
from ci.timing import TaskReport


class Outcome(StrEnum):
    """The outcome of one image.

    TESTS_FAILED: the image was built, but a suite did not pass. OVER_BUDGET: it passed, but grew too
    much. NOT_UPLOADED: it passed, but is not in the registry. MISSING: the machine that had it left no report.
    """

    BUILT = "built"
    REUSED = "reused"
    TESTS_FAILED = "tests failed"
    OVER_BUDGET = "over budget"
    NOT_UPLOADED = "not uploaded"
    FAILED = "failed"
    BLOCKED = "blocked"
    MISSING = "missing"
    DISABLED = "disabled"

    @property
    def ok(self) -> bool:
        """Whether a run with this outcome may be green."""
        return self in {Outcome.BUILT, Outcome.REUSED, Outcome.DISABLED}


_BEST_FIRST = (
    TestOutcome.PASSED,
    TestOutcome.SKIPPED,
    TestOutcome.XFAILED,
    TestOutcome.FLAKY,
    TestOutcome.UNFINISHED,
    TestOutcome.ERROR,
    TestOutcome.FAILED,
)


def count_tests(suites: Sequence[SuiteReport]) -> str:
    """Return `41 passed, 2 skipped, 1 flaky`, the worst last, and the number of suites without a result."""
    counts = Counter(test.outcome for suite in suites for test in suite.tests)
    parts = [f"{counts[outcome]} {outcome}" for outcome in _BEST_FIRST if counts[outcome]]
    for outcome in (SuiteOutcome.EMPTY, SuiteOutcome.ERROR):
        number = sum(suite.outcome is outcome for suite in suites)
        if number:
            parts.append(f"{units.number(number, 'suite')} {outcome}")
    return ", ".join(parts)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a build or an upload failed.

    `instruction` and `line` say where in the image's own Dockerfile (`path`); with line 0, `instruction` says what else
    failed. `exit_code` is None if no command ran; `output` is the command's output, as far as the engine kept it
    (100 KiB).
    """

    path: str
    line: int
    instruction: str
    message: str
    exit_code: int | None = None
    output: str = ""
    traceback: str = ""
    """Of an unexpected error: it is in the log, not on the terminal."""

    @property
    def location(self) -> str:
        """File and line: `images/r/Dockerfile:12`."""
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


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """One layer in a registry: the digest and size in bytes of what is downloaded."""

    digest: str
    size: int


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What the stable tag points to, to compare with: the layers of each image by its name, the lowest first.

    An image that the tag does not have is left out. `problem` says why nothing could be read, if so.
    """

    tag: str
    images: Mapping[str, tuple[Blob, ...]] = {}
    problem: str = ""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """The layers of one instruction; or, without `image`, those of the foreign base. Listed from the lowest up.

    `image` is the image of the stack whose Dockerfile has the instruction. `digests` are those of the compressed layers
    in the registry, `compressed_size` the sum of their bytes: none and None if the image was not uploaded. `size` is
    that of the files that were added or changed. The engine makes `number` layers of it: one of each source of a COPY;
    of a foreign base 0, for not known.
    """

    instruction: str
    image: str | None
    size: int
    number: int = 1
    digests: tuple[str, ...] = ()
    compressed_size: int | None = None


class ImageReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one image. `seconds` is the time in which at least one of its stages was running.

    `size` is the sum of its files' sizes in bytes. `blocked_by` is the failed image that caused it.
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
    blobs: tuple[Blob, ...] = ()
    """The layers in the registry of an image that was uploaded or reused, the lowest first."""
    suites: tuple[SuiteReport, ...] = ()
    digest: str | None = None
    """Of the image that was uploaded under the staging tag, or of the published image that was reused."""
    upload_seconds: float | None = None
    versions: Mapping[str, str] = {}
    """Its key versions, as `describe` shows them: `"Python": "3.11.2"`. Empty if it was not described."""
    contents_notes: tuple[str, ...] = ()
    """Sentences: what is in it and was not read, or is wrong there. No reason for a red run."""

    @property
    def exists(self) -> bool:
        """Whether there is an image, whatever its tests say."""
        return self.outcome not in {Outcome.FAILED, Outcome.BLOCKED, Outcome.MISSING, Outcome.DISABLED}


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """The publication of the stack's tag: `registry/image:tag` of each image but the `variants`.

    `written` lists the images whose tag was written by this run, `unchanged` those that had it. A `failure`, in
    sentences, means that all tags are as before, and otherwise says which are not.
    """

    tag: str
    registry: str
    variants: Mapping[str, str] = {}
    """The whole references of images with another repository than their name, or with a prefix before the tag."""
    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failure: str = ""
    warning: str = ""
    """What is not as it should be, though all tags are."""
    seconds: float = 0.0
    traceback: str = ""
    """As in Failure."""
    record: str = ""
    """The run record, JSON, that is attached to each image. Empty if this run wrote none."""

    def __post_init__(self) -> None:
        if not self.tag:
            raise ValueError(f"A publication in {self.registry} without a tag.")


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole run. `started` is RFC 3339, UTC; `seconds` is wall time; `jobs` how many stages could run at once.

    `changed` lists the images whose own files changed, according to git; `commit` is that of the source tree.
    """

    plan: Plan
    images: tuple[ImageReport, ...]
    started: str
    seconds: float
    jobs: int
    commit: str | None = None
    changed: tuple[str, ...] = ()
    tasks: tuple[TaskReport, ...] = ()
    """In the order in which they started."""
    baseline: Baseline | None = None
    budgets: tuple[ImageVerdict, ...] = ()
    """On each image that exists, if the stack has a budget and a registry is open."""
    publication: Publication | None = None
    share: str = ""
    """The share of a divided stack that this is the report of; empty for a whole run."""
    divided: str = ""
    """When the stack was divided, RFC 3339, UTC: shares of one division have the same. Empty if it was not."""

    @property
    def exit_code(self) -> int:
        """0 if every image was built or reused as planned, and published if requested; else 1."""
        published = self.publication is None or not self.publication.failure
        return 0 if published and all(image.outcome.ok for image in self.images) else 1

    @property
    def by_name(self) -> Mapping[str, ImageReport]:
        """The images by name."""
        return {image.name: image for image in self.images}

    def with_outcome(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the names of the images with this outcome, in the plan's order."""
        return tuple(image.name for image in self.images if image.outcome is outcome)
