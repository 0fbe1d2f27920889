"""The front door: Dagger functions that build, test and publish. Options in, text or a Directory out.

No rules live here, and no loop over images. Docstrings and `Doc`s are the command line's help; booleans are its flags.
"""

from typing import Annotated

import dagger
from dagger import Doc, object_type
from msgspec.structs import replace

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.tester import EngineTester
from ci.commands.build import BuildResult, build_image, build_stack, run_image_tests
from ci.commands.options import BuildOptions
from ci.commands.plan import plan_stack
from ci.connect import BuildInputs, RegistryOptions, build_ports, open_registry, read_project, suggest_stack_toml
from ci.dagger_function import RedRunError, uncached_function
from ci.description_functions import DescriptionFunctions
from ci.options import (
    AcceptGrowth,
    Base,
    BuildArg,
    BuildSecret,
    BuildSecretId,
    BuildSsh,
    Describe,
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
from ci.promotion_functions import PromotionFunctions
from ci.report_folder import make_report
from ci.reports.folder import render_json
from ci.reports.text import render_plan, render_run
from ci.results import RunReport
from ci.sharing_functions import SharingFunctions
from ci.tidy_functions import TidyFunctions
from ci.wiki_functions import WikiFunctions


@object_type
class Datahub(PromotionFunctions, DescriptionFunctions, WikiFunctions, TidyFunctions, SharingFunctions):
    """Build, test, describe, publish and promote a stack of container images: Dockerfiles that build on each other."""

    source: Annotated[
        dagger.Directory | None,
        Doc("The source tree with the stack. Default: the git repository in which the command runs."),
    ] = None
    images: Annotated[
        str,
        Doc(
            "The folder of the stack: its images, and stack.toml. Default: images, if it has any, else the whole "
            "source tree."
        ),
    ] = ""

    @uncached_function
    async def plan(
        self,
        only: Only = None,
        rebuild: Rebuild = None,
        refresh: Refresh = False,
        epoch: Epoch = "",
        base: Base = "",
        head: Head = "",
        build_arg: BuildArg = None,
        build_secret: BuildSecret = None,
        build_secret_id: BuildSecretId = None,
        build_ssh: BuildSsh = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_json: Annotated[bool, Doc("Print JSON instead of a tree.")] = False,
    ) -> str:
        """Show what build-stack would do with each image, and why. Builds nothing."""
        inputs = BuildInputs(build_arg, build_secret, build_secret_id, build_ssh)
        options = _planning(only, rebuild, refresh, epoch, base, head)
        project = await read_project(self.source, self.images, inputs)
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        async with open_registry(project.stack, where) as connection:
            ports, _ = await build_ports(project, connection)
            plan = await plan_stack(project.stack, project.tree, replace(options, secrets=project.given), ports)
        return render_json(plan) if as_json else f"{render_plan(plan)}\n"

    @uncached_function
    async def init(self) -> str:
        """Print the stack.toml that this source tree needs, with what could not be decided as comments.

        Writes nothing. The first command to run on an old repository.
        """
        return await suggest_stack_toml(self.source, self.images)

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
        describe: Describe = True,
        accept_growth: AcceptGrowth = "",
        build_arg: BuildArg = None,
        build_secret: BuildSecret = None,
        build_secret_id: BuildSecretId = None,
        build_ssh: BuildSsh = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> str:
        """Build what changed, test it, publish it with --publish, and print a table.

        Images that the registry already has with the same content are reused: not built and not tested again. Exits 1,
        with the same table, if anything failed; then no tag is written.
        """
        inputs = BuildInputs(build_arg, build_secret, build_secret_id, build_ssh)
        options = _planning(only, rebuild, refresh, epoch, base, head)
        options = replace(
            options,
            jobs=jobs,
            test=test,
            retest=retest,
            publish=publish,
            describe=describe,
            accept_growth=accept_growth,
        )
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        result, _ = await self._build(options, inputs, where)
        return _green(result.report)

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
        describe: Describe = True,
        accept_growth: AcceptGrowth = "",
        build_arg: BuildArg = None,
        build_secret: BuildSecret = None,
        build_secret_id: BuildSecretId = None,
        build_ssh: BuildSsh = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> dagger.Directory:
        """Do what build-stack does and return the report as a folder, also if the run failed: add `-o report`.

        The call itself exits 0; the file `exit-code` in the folder has the run's exit code. Also measures the layers of
        each image that was built, which takes minutes for an image of many GB.
        """
        inputs = BuildInputs(build_arg, build_secret, build_secret_id, build_ssh)
        options = _planning(only, rebuild, refresh, epoch, base, head)
        options = replace(
            options,
            jobs=jobs,
            retest=retest,
            publish=publish,
            describe=describe,
            accept_growth=accept_growth,
            measure=True,
        )
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        result, tester = await self._build(options, inputs, where)
        return await make_report(result, tester.files)

    @uncached_function
    async def test(
        self,
        image: Annotated[str, Doc("Name of the image, as plan shows it.")],
        suite: Annotated[
            list[str] | None, Doc("Only these suites: a kind (image, server), or origin/kind as plan shows them.")
        ] = None,
        retest: Retest = False,
        build_arg: BuildArg = None,
        build_secret: BuildSecret = None,
        build_secret_id: BuildSecretId = None,
        build_ssh: BuildSsh = None,
    ) -> str:
        """Build one image and all it needs from source, and run its suites. Exits 1 if one does not pass."""
        inputs = BuildInputs(build_arg, build_secret, build_secret_id, build_ssh)
        project = await read_project(self.source, self.images, inputs)
        ports, _ = await build_ports(project)
        return _green(
            await run_image_tests(project.stack, image, suite or (), ports, retest=retest, secrets=project.given)
        )

    @uncached_function
    async def image(
        self,
        name: Annotated[str, Doc("Name of the image, as plan shows it.")],
        build_arg: BuildArg = None,
        build_secret: BuildSecret = None,
        build_secret_id: BuildSecretId = None,
        build_ssh: BuildSsh = None,
    ) -> dagger.Container:
        """Build one image and all it needs from source, to look into it or to serve it.

        For example: `image --name X terminal`, or
        `image --name X as-service --use-entrypoint up --ports 8888:8888`.
        """
        inputs = BuildInputs(build_arg, build_secret, build_secret_id, build_ssh)
        project = await read_project(self.source, self.images, inputs)
        ports, _ = await build_ports(project)
        report, fused = await build_image(project.stack, name, ports, project.given)
        _green(report)
        return await EngineBuilder(project.source, secrets=project.secrets).image(fused)

    async def _build(
        self, options: BuildOptions, inputs: BuildInputs, where: RegistryOptions
    ) -> tuple[BuildResult, EngineTester]:
        project = await read_project(self.source, self.images, inputs)
        async with open_registry(project.stack, where) as connection:
            ports, tester = await build_ports(project, connection)
            options = replace(options, secrets=project.given)
            return await build_stack(project.stack, project.tree, options, ports), tester


def _planning(
    only: list[str] | None, rebuild: list[str] | None, refresh: bool, epoch: str, base: str, head: str
) -> BuildOptions:
    return BuildOptions(only=only or (), rebuild=rebuild or (), refresh=refresh, epoch=epoch, base=base, head=head)


def _green(report: RunReport) -> str:
    if report.exit_code:
        raise RedRunError(f"the run failed, exit code {report.exit_code}\n\n{render_run(report)}")
    return f"{render_run(report)}\n"
