"""Runs test suites: inside a throw-away copy of an image, or in a test container beside its running server."""

from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

import anyio
import dagger
from dagger import dag
from typing_extensions import override

from ci.adapters.dagger_engine.errors import as_failure, engine_result
from ci.adapters.dagger_engine.images import EngineImages
from ci.build.engine_failure import EngineFailure
from ci.build.suite_ports import SuiteOutput, SuiteRequest, Tester
from ci.fusion.fused import Fused
from ci.stack.image import SuiteKind
from ci.stack.suites import CLUTTER

_TEST_CONTAINER = Path(__file__).parents[2] / "test_container"
# Seconds over the suite's own limit, after which the run is given up: pytest gets 30 s of them to write its report.
_GRACE = 120.0
_SERVER_START = 300.0
# The engine stops a service within a second, or, while the service is still starting, not at all.
_STOP = 10.0


class EngineTester(Tester):
    """Runs suites on the engine of this session.

    `files` holds the folders of files that tests wrote for the report, by `image/origin-kind` of their suite.
    """

    def __init__(self, source: dagger.Directory, images: EngineImages) -> None:
        self._source = source
        self._images = images
        self.files: dict[str, dagger.Directory] = {}

    @override
    async def prepare(self) -> EngineFailure | None:
        built = await engine_result(_test_container().sync())
        return built if isinstance(built, EngineFailure) else None

    @override
    async def run_suite(self, fused: Fused, request: SuiteRequest) -> SuiteOutput | EngineFailure:
        return await engine_result(self._run_kind(fused, request))

    async def _run_kind(self, fused: Fused, request: SuiteRequest) -> SuiteOutput | EngineFailure:
        image = await self._images.image(fused)
        match request.suite.kind:
            case SuiteKind.IMAGE:
                return await self._run_inside(image, request)
            case SuiteKind.SERVER:
                return await self._run_beside(image, request)
            case SuiteKind.GPU:
                return EngineFailure(message="a GPU suite runs at the GPU gate, not here")
        assert_never(request.suite.kind)

    async def _run_inside(self, image: dagger.Container, request: SuiteRequest) -> SuiteOutput | EngineFailure:
        user = await image.user() or "root"
        return await self._run(image, request, user, {}, ())

    async def _run_beside(self, image: dagger.Container, request: SuiteRequest) -> SuiteOutput | EngineFailure:
        ports = [await port.port() for port in await image.exposed_ports()]
        if not ports:
            return EngineFailure(message="the image exposes no port: its server cannot be reached")
        # The attempt in its environment gives each run its own service: the engine starts equal services only once.
        server = image.with_env_variable("SUITE", request.attempt)
        for name, value in request.settings.server_environment.items():
            server = server.with_env_variable(name, value)
        service = server.as_service(use_entrypoint=True)
        try:
            timeout = min(_SERVER_START, request.settings.limit)
            with anyio.move_on_after(timeout) as starting:
                await service.start()
            if starting.cancelled_caught:
                return EngineFailure(message=f"its server was not healthy after {timeout:.0f} s")
            container = _test_container().with_service_binding("image", service)
            variables = {**request.settings.server_environment, "IMAGE_URL": f"http://image:{ports[0]}"}
            return await self._run(container, request, "root", variables, ("-p", "server_fixtures"))
        except dagger.QueryError as error:
            cause = as_failure(error)
            return EngineFailure(message=f"its server failed: {cause.message}", output=cause.output)
        finally:
            with anyio.CancelScope(shield=True):
                await _stop(service)

    async def _run(
        self,
        container: dagger.Container,
        request: SuiteRequest,
        user: str,
        variables: Mapping[str, str],
        plugins: tuple[str, ...],
    ) -> SuiteOutput | EngineFailure:
        settings = request.settings
        tests = [f"/suite/tests/{name}" for name in request.only] or ["/suite/tests"]
        arguments = [f"{settings.limit:.0f}", f"--timeout={settings.test_limit:.0f}", *plugins, *tests]
        suite = self._source.directory(request.suite.folder).filter(exclude=list(CLUTTER))
        prepared = (
            container.with_mounted_directory("/suite/packages", _packages())
            .with_mounted_directory("/suite/tests", suite)
            .with_mounted_directory("/suite/report", dag.directory(), owner=user)
            .with_mounted_directory("/suite/work", dag.directory(), owner=user)
            .with_env_variable("PYTHONPATH", "/suite/packages")
            .with_env_variable("PYTHONDONTWRITEBYTECODE", "1")
            .with_env_variable("SUITE", request.attempt)
            .with_env_variable("IMAGE_NAME", request.image.name)
            .with_env_variable("IMAGE_SIZE_BUDGET", str(request.image.size_budget or ""))
        )
        for name, value in variables.items():
            prepared = prepared.with_env_variable(name, value)
        ran = prepared.with_exec(
            ["sh", "/suite/packages/run-suite", *arguments], use_entrypoint=True, expect=dagger.ReturnType.ANY
        )
        output: SuiteOutput | None = None
        with anyio.move_on_after(settings.limit + _GRACE):
            output = await self._collect(ran, request)
        return output or EngineFailure(message=f"still running {_GRACE:.0f} s after its time limit; it left no report")

    async def _collect(self, ran: dagger.Container, request: SuiteRequest) -> SuiteOutput:
        report = ran.directory("/suite/report")
        names = await report.entries()

        async def text(name: str) -> str:
            return await report.file(name).contents() if name in names else ""

        if "files/" in names:
            self.files[f"{request.image.name}/{request.suite.file}"] = report.directory("files")
        code = await text("exit-code") or str(await ran.exit_code())
        return SuiteOutput(
            exit_code=int(code),
            record=await text("record"),
            junit=await text("junit.xml") or None,
            log=await text("log") or await ran.combined_output(),
        )


def _test_container() -> dagger.Container:
    context = dag.directory()
    for name in ("Dockerfile", "requirements-image.txt", "requirements-server.txt"):
        context = context.with_new_file(name, (_TEST_CONTAINER / name).read_text())
    return context.docker_build()


def _packages() -> dagger.Directory:
    """Return what a tested image gets on its PYTHONPATH: pytest, and our own plugins."""
    packages = _test_container().directory("/packages")
    for name in ("run-suite", "suite_recorder.py", "server_fixtures.py"):
        packages = packages.with_new_file(name, (_TEST_CONTAINER / name).read_text())
    return packages


async def _stop(service: dagger.Service) -> None:
    """Stop a service. It is no error if it has ended by itself, or cannot be stopped because it was never healthy."""
    with anyio.move_on_after(_STOP):
        try:
            await service.stop(kill=True)
        except dagger.QueryError:
            return
