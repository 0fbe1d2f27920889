"""What runs suites, as a protocol: `ci.adapters` implements it; tests have small classes."""

from typing import Protocol

import msgspec

from ci.build.engine_failure import EngineFailure
from ci.fusion.fused import Fused
from ci.stack.image import Image, Suite, TestSettings


class SuiteOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What the run of a suite left behind.

    `record` is what `ci/test_container/suite_recorder.py` wrote, `junit` pytest's report if there is one, `log` the end
    of its output. `exit_code` is that of pytest, or of what ended it.
    """

    exit_code: int
    record: str
    junit: str | None
    log: str


class SuiteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. `only` names tests by pytest's node ids, none for all; runs with another `attempt` share nothing."""

    image: Image
    suite: Suite
    settings: TestSettings
    attempt: str
    only: tuple[str, ...] = ()


class Tester(Protocol):
    """Runs suites on images. Raises ExternalError when the engine is out of reach."""

    async def prepare(self) -> EngineFailure | None:
        """Make what the tests need that is not of the stack: pytest, a browser."""
        ...

    async def run_suite(self, fused: Fused, request: SuiteRequest) -> SuiteOutput | EngineFailure:
        """Run a suite on the image of a fused Dockerfile, in containers of its own."""
        ...
