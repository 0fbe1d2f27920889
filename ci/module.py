"""The front door: Dagger functions that turn arguments into a request, hand it on, and give back text or a Directory.

No logic lives here, and no loop over images. The texts are the command line's help; booleans are its flags.
"""

import functools
import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, ParamSpec, TypeVar, cast

import dagger
import msgspec
from dagger import DefaultPath, Doc, Ignore, dag, function, object_type
from dagger.mod._exceptions import FunctionError

from ci.adapters.engine.builder import EngineBuilder
from ci.adapters.engine.source import fetch_tree
from ci.adapters.engine.telemetry import TelemetryProgress
from ci.adapters.engine.tester import EngineTester
from ci.errors import StackError
from ci.pipeline.run import Ports, Run, RunRequest
from ci.planning.plan import Plan, check_name, check_suites, make_plan
from ci.reports.folder import render_folder, render_json
from ci.reports.text import render_plan, render_run
from ci.results import RunReport
from ci.stack.fusing import fuse
from ci.stack.model import Stack
from ci.stack.reading import read_stack

P = ParamSpec("P")
R = TypeVar("R")

_IGNORED = [".git", ".venv", "**/__pycache__", "**/.ipynb_checkpoints", "**/node_modules", "report"]

Only = Annotated[list[str] | None, Doc("Names of images: only these and all they need. Default: the whole stack.")]
Jobs = Annotated[int, Doc("How many stages may build at once. 0: as many as the engine's machine has cores.")]

Test = Annotated[bool, Doc("Run the suites of the images. --test=false builds only, and says so in the table.")]
Retest = Annotated[bool, Doc("Run tests again whose result is known from an earlier run of the same image.")]


class RedRunError(StackError):
    """A run ended with images that failed; the text is its table."""


class _ToldError(FunctionError):
    """An error as the SDK passes it on: the name of its class, then its text, and no traceback as for other classes."""


_ToldError.__module__, _ToldError.__qualname__ = "builtins", "datahub"


def effect(call: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Make a Dagger function that runs each time it is called, and whose errors are sentences.

    Dagger keeps results for seven days otherwise. An error that leaves a task group would reach the user as
    "unhandled errors in a TaskGroup": it is taken out here, once.
    """

    @functools.wraps(call)
    async def plainly(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await call(*args, **kwargs)
        except* StackError as group:
            told = dict.fromkeys(_texts(group))
        raise _ToldError("\n".join(told))

    # The SDK's overloads lack `cache` (dagger#11572).
    return cast("Callable[P, Awaitable[R]]", function(plainly, cache="never"))  # type: ignore[call-overload]


def _texts(error: BaseException) -> Iterator[str]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _texts(inner)
    else:
        yield str(error)


def _request(plan: Plan, jobs: int, *, retest: bool, describe: bool = False) -> RunRequest:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return RunRequest(
        # The function's container sees all cores of the engine's machine.
        jobs=jobs or len(os.sched_getaffinity(0)),
        started=now,
        describe=describe,
        tested=plan.to_build,
        retest=now if retest else "",
    )


def _green(report: RunReport) -> str:
    if report.exit_code:
        raise RedRunError(f"the run failed, exit code {report.exit_code}\n\n{render_run(report)}")
    return f"{render_run(report)}\n"


@object_type
class Datahub:
    """Build, test and publish a stack of container images: a folder of Dockerfiles that build on each other."""

    source: Annotated[
        dagger.Directory,
        DefaultPath("/"),
        Ignore(_IGNORED),
        Doc("The source tree that holds the stack. Default: this repository."),
    ]
    images: Annotated[
        str, Doc("The folder of the source tree below which every folder with a Dockerfile is an image.")
    ] = "images"

    @effect
    async def plan(
        self,
        only: Only = None,
        as_json: Annotated[bool, Doc("Print JSON instead of a tree.")] = False,  # noqa: FBT002
    ) -> str:
        """Show what build-stack would do with each image, and why. Builds nothing."""
        made = make_plan(await self._stack(), only=only or ())
        return render_json(made) if as_json else f"{render_plan(made)}\n"

    @effect
    async def build_stack(
        self,
        only: Only = None,
        jobs: Jobs = 0,
        test: Test = True,  # noqa: FBT002
        retest: Retest = False,  # noqa: FBT002
    ) -> str:
        """Build and test the images and print a table of them. Exits 1, with the same table, when anything failed."""
        stack = await self._stack()
        plan = make_plan(stack, only=only or ())
        request = _request(plan, jobs, retest=retest)
        if not test:
            request = msgspec.structs.replace(request, tested=())
        return _green(await self._run(stack, plan, request))

    @effect
    async def build_report(self, only: Only = None, jobs: Jobs = 0, retest: Retest = False) -> dagger.Directory:  # noqa: FBT002
        """Build and test the images and give back the report as a folder, for a red run too: add `-o report`.

        The call itself exits 0; the file `exit-code` in the folder holds the run's. Measures each image's layers too,
        which takes minutes for an image of many GB.
        """
        stack = await self._stack()
        plan = make_plan(stack, only=only or ())
        tester = EngineTester(self.source, EngineBuilder(self.source))
        report = await self._run(stack, plan, _request(plan, jobs, retest=retest, describe=True), tester)
        folder = dag.directory()
        for path, text in render_folder(report).items():
            folder = folder.with_new_file(path, text)
        for name, files in tester.files.items():
            folder = folder.with_directory(f"logs/{name}", files)
        return folder

    @effect
    async def test(
        self,
        image: Annotated[str, Doc("Name of the image: its folder's name.")],
        suite: Annotated[
            list[str] | None, Doc("Only these suites: a kind (image, server), or origin/kind as `plan` shows them.")
        ] = None,
        retest: Retest = False,  # noqa: FBT002
    ) -> str:
        """Build one image and all it needs, and run its suites. Exits 1 when one does not pass."""
        stack = await self._stack()
        plan = make_plan(stack, only=[image])
        check_suites(stack, image, suite or ())
        request = msgspec.structs.replace(_request(plan, 0, retest=retest), tested=(image,), suites=tuple(suite or ()))
        return _green(await self._run(stack, plan, request))

    @effect
    async def image(self, name: Annotated[str, Doc("Name of the image: its folder's name.")]) -> dagger.Container:
        """Build one image and all it needs, to look into or to serve.

        For example: `image --name X terminal`, or
        `image --name X as-service --use-entrypoint up --ports 8888:8888`.
        """
        stack = await self._stack()
        check_name(stack, name)
        return await EngineBuilder(self.source).image(fuse(stack, name))

    async def _stack(self) -> Stack:
        return read_stack(await fetch_tree(self.source), self.images)

    async def _run(
        self, stack: Stack, plan: Plan, request: RunRequest, tester: EngineTester | None = None
    ) -> RunReport:
        builder = EngineBuilder(self.source)
        ports = Ports(builder, tester or EngineTester(self.source, builder), TelemetryProgress())
        return await Run(plan, stack, ports, request).report()
