"""Runs suites: inside a throw-away copy of an image, or in a container of tools beside its running server."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

import anyio
import dagger
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.errors import answered, refused
from ci.build.ports import EngineFailure, SuiteOutput, SuiteRequest
from ci.fusion.fused import Fused
from ci.stack.model import SuiteKind

_TOOLS = Path(__file__).parents[2] / "tools"
# Over the suite's own limit, after which nothing is waited for: pytest gets 30 s to write its report.
_GRACE = 120.0
_SERVER_START = 300.0
# The engine answers within a second, or, for a service that is still starting, not at all.
_STOP = 10.0


class EngineTester:
    """A Tester on the engine of this session.

    `files` keeps the folders of files that tests left for a person, by `image/origin-kind` of their suite.
    """

    def __init__(self, source: dagger.Directory, builder: EngineBuilder) -> None:
        self._source = source
        self._builder = builder
        self.files: dict[str, dagger.Directory] = {}

    async def prepare(self) -> EngineFailure | None:
        """Build the image of the tools."""
        made = await answered(_tools().sync())
        return made if isinstance(made, EngineFailure) else None

    async def run_suite(self, fused: Fused, request: SuiteRequest) -> SuiteOutput | EngineFailure:
        """Run a suite in containers of its own."""
        return await answered(self._run_kind(fused, request))

    async def _run_kind(self, fused: Fused, request: SuiteRequest) -> SuiteOutput | EngineFailure:
        image = await self._builder.image(fused)
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
        # The name of the run makes the service one of its own: equal services are one to the engine.
        served = image.with_env_variable("SUITE", request.attempt)
        for name, value in request.settings.server_environment.items():
            served = served.with_env_variable(name, value)
        service = served.as_service(use_entrypoint=True)
        try:
            patience = min(_SERVER_START, request.settings.limit)
            with anyio.move_on_after(patience) as waiting:
                await service.start()
            if waiting.cancelled_caught:
                return EngineFailure(message=f"its server was not healthy after {patience:.0f} s")
            tools = _tools().with_service_binding("image", service)
            variables = {**request.settings.server_environment, "IMAGE_URL": f"http://image:{ports[0]}"}
            return await self._run(tools, request, "root", variables, ("-p", "server_fixtures"))
        except dagger.QueryError as error:
            cause = refused(error)
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
        words = [f"{settings.limit:.0f}", f"--timeout={settings.test_limit:.0f}", *plugins, *tests]
        prepared = (
            container.with_mounted_directory("/suite/packages", _packages())
            .with_mounted_directory("/suite/tests", self._source.directory(request.suite.folder))
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
            ["sh", "/suite/packages/run-suite", *words], use_entrypoint=True, expect=dagger.ReturnType.ANY
        )
        remains: SuiteOutput | None = None
        with anyio.move_on_after(settings.limit + _GRACE):
            remains = await self._collect(ran, request)
        return remains or EngineFailure(
            message=f"it was still running {_GRACE:.0f} s after its limit, and left no report"
        )

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


def tools_digest() -> str:
    """Return a digest of what suites are run with: with other tools, what passed has to pass again."""
    digest = hashlib.sha256()
    for file in sorted(path for path in _TOOLS.iterdir() if path.is_file()):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _tools() -> dagger.Container:
    context = dag.directory()
    for name in ("Dockerfile", "requirements-image.txt", "requirements-server.txt"):
        context = context.with_new_file(name, (_TOOLS / name).read_text())
    return context.docker_build()


def _packages() -> dagger.Directory:
    """Return what the inside of an image gets on its PYTHONPATH: pytest, and our own plugins."""
    packages = _tools().directory("/packages")
    for name in ("run-suite", "suite_recorder.py", "server_fixtures.py"):
        packages = packages.with_new_file(name, (_TOOLS / name).read_text())
    return packages


async def _stop(service: dagger.Service) -> None:
    """Stop a service. One that has ended by itself is as good as stopped; one that never was healthy cannot be."""
    with anyio.move_on_after(_STOP):
        try:
            await service.stop(kill=True)
        except dagger.QueryError:
            return
