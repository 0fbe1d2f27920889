"""The front door: Dagger functions that turn arguments into a request, hand it on, and give back text or a Directory.

No logic lives here, and no loop over images. The texts are the command line's help; booleans are its flags.
"""

from typing import Annotated

import dagger
from dagger import DefaultPath, Doc, Ignore, dag, object_type

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.tester import EngineTester
from ci.commands.build import PlanWish, Project, RunWish, plan_project, run_project, run_sources
from ci.commands.registry import RegistryWish, open_registry
from ci.dagger_function import RedRunError, uncached_function
from ci.fusion.fuse import fuse
from ci.options import (
    Base,
    Epoch,
    Head,
    Jobs,
    Only,
    Password,
    Publish,
    Rebuild,
    Refresh,
    Registry,
    Retest,
    Service,
    Test,
    Username,
)
from ci.planning.plan import check_names, check_suites, make_plan
from ci.promotion_functions import PromotionFunctions
from ci.reports.folder import render_folder, render_json
from ci.reports.text import render_plan, render_run
from ci.results import RunReport

# .git stays: it tells what was changed.
_IGNORED = [".venv", "**/__pycache__", "**/.ipynb_checkpoints", "**/node_modules", "report"]


def _green(report: RunReport) -> str:
    if report.exit_code:
        raise RedRunError(f"the run failed, exit code {report.exit_code}\n\n{render_run(report)}")
    return f"{render_run(report)}\n"


@object_type
class Datahub(PromotionFunctions):
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

    @uncached_function
    async def plan(
        self,
        only: Only = None,
        rebuild: Rebuild = None,
        refresh: Refresh = False,
        epoch: Epoch = "",
        base: Base = "",
        head: Head = "",
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_json: Annotated[bool, Doc("Print JSON instead of a tree.")] = False,
    ) -> str:
        """Show what build-stack would do with each image, and why. Builds nothing."""
        wish = PlanWish(only or (), rebuild or (), refresh, epoch, base, head)
        project = await Project.read(self.source, self.images)
        where = RegistryWish(registry, registry_username, registry_password, registry_service)
        async with open_registry(project.stack, where) as opened:
            plan = (await plan_project(project, opened, wish)).plan
        return render_json(plan) if as_json else f"{render_plan(plan)}\n"

    @uncached_function
    async def build_stack(
        self,
        only: Only = None,
        jobs: Jobs = 0,
        test: Test = True,
        retest: Retest = False,
        rebuild: Rebuild = None,
        refresh: Refresh = False,
        epoch: Epoch = "",
        base: Base = "",
        head: Head = "",
        publish: Publish = False,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> str:
        """Build what changed, test it, publish it if asked to, and print a table.

        What the registry has with the same content is taken from there, and not built or tested again. Exits 1, with
        the same table, when anything failed; then no tag is written.
        """
        wish = PlanWish(only or (), rebuild or (), refresh, epoch, base, head)
        where = RegistryWish(registry, registry_username, registry_password, registry_service)
        run = RunWish(jobs=jobs, test=test, retest=retest, publish=publish)
        return _green((await self._run(wish, where, run))[0])

    @uncached_function
    async def build_report(
        self,
        only: Only = None,
        jobs: Jobs = 0,
        retest: Retest = False,
        rebuild: Rebuild = None,
        refresh: Refresh = False,
        epoch: Epoch = "",
        base: Base = "",
        head: Head = "",
        publish: Publish = False,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> dagger.Directory:
        """Do what build-stack does and give back the report as a folder, for a red run too: add `-o report`.

        The call itself exits 0; the file `exit-code` in the folder holds the run's. Measures each built image's layers
        too, which takes minutes for an image of many GB.
        """
        wish = PlanWish(only or (), rebuild or (), refresh, epoch, base, head)
        where = RegistryWish(registry, registry_username, registry_password, registry_service)
        run = RunWish(jobs=jobs, retest=retest, publish=publish, describe=True)
        return _folder(*await self._run(wish, where, run))

    @uncached_function
    async def test(
        self,
        image: Annotated[str, Doc("Name of the image: its folder's name.")],
        suite: Annotated[
            list[str] | None, Doc("Only these suites: a kind (image, server), or origin/kind as plan shows them.")
        ] = None,
        retest: Retest = False,
    ) -> str:
        """Build one image and all it needs from source, and run its suites. Exits 1 when one does not pass."""
        project = await Project.read(self.source, self.images)
        plan = make_plan(project.stack, only=[image])
        check_suites(project.stack, image, suite or ())
        return _green(await run_sources(project, plan, image, suite or (), retest=retest))

    @uncached_function
    async def image(self, name: Annotated[str, Doc("Name of the image: its folder's name.")]) -> dagger.Container:
        """Build one image and all it needs from source, to look into or to serve.

        For example: `image --name X terminal`, or
        `image --name X as-service --use-entrypoint up --ports 8888:8888`.
        """
        project = await Project.read(self.source, self.images)
        check_names(project.stack, [name])
        return await EngineBuilder(self.source).image(fuse(project.stack, name))

    async def _run(self, wish: PlanWish, where: RegistryWish, run: RunWish) -> tuple[RunReport, EngineTester]:
        project = await Project.read(self.source, self.images)
        async with open_registry(project.stack, where) as opened:
            planned = await plan_project(project, opened, wish, publishes=run.publish)
            return await run_project(project, opened, planned, run)


def _folder(report: RunReport, tester: EngineTester) -> dagger.Directory:
    folder = dag.directory()
    for path, text in render_folder(report).items():
        folder = folder.with_new_file(path, text)
    for name, files in tester.files.items():
        folder = folder.with_directory(f"logs/{name}", files)
    return folder
