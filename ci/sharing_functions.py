"""The front door's sixth part: Dagger functions with which several machines publish one stack."""

from typing import Annotated

import dagger
from dagger import Doc

from ci.adapters.dagger_engine.folder import make_folder
from ci.adapters.dagger_engine.kept import read_kept_files
from ci.adapters.dagger_engine.limits import within_limit
from ci.adapters.dagger_engine.telemetry import TelemetryProgress
from ci.commands.gathering import gather_shares
from ci.commands.options import BuildOptions
from ci.commands.sharing import build_share, divide_stack
from ci.connect import BuildInputs, RegistryOptions, build_ports, open_registry, read_project
from ci.dagger_function import uncached_function
from ci.options import (
    AcceptGrowth,
    Base,
    BuildArg,
    BuildSecret,
    BuildSecretId,
    BuildSsh,
    Epoch,
    Head,
    Jobs,
    Password,
    Rebuild,
    Refresh,
    Registry,
    Service,
    Username,
)
from ci.report_folder import make_report
from ci.reports.division import render_division, render_outputs
from ci.reports.folder import render_json
from ci.sharing.files import REPORT, SHARES, log_folders, read_kept, read_shares


class SharingFunctions:
    """The functions of Datahub for several machines."""

    source: dagger.Directory | None
    images: str

    @uncached_function
    async def divide(
        self,
        machines: Annotated[int, Doc("How many machines may build at once, at most.")] = 8,
        rebuild: Rebuild = None,
        refresh: Refresh = False,
        epoch: Epoch = "",
        base: Base = "",
        head: Head = "",
        build_arg: BuildArg = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> dagger.Directory:
        """Plan a publication and divide it among machines: a trunk, then branches that build beside each other.

        The folder has `shares.json`, which each machine gets; `outputs`, the names of the shares for a workflow; and
        `summary.md`. Builds nothing. How long images take is read from the records of published stacks.
        """
        options = BuildOptions(rebuild=rebuild or (), refresh=refresh, epoch=epoch, base=base, head=head)
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        project = await read_project(self.source, self.images, BuildInputs(build_arg))
        async with open_registry(project.stack, where) as connection:
            ports, _ = await build_ports(project, connection)
            shares = await divide_stack(project.stack, project.tree, options, machines, ports)
        texts = {SHARES: render_json(shares), "outputs": render_outputs(shares), "summary.md": render_division(shares)}
        return await make_folder(texts)

    @uncached_function
    async def build_share(
        self,
        shares: Annotated[dagger.File, Doc("The shares.json that divide made.")],
        share: Annotated[str, Doc("The name of the share: trunk-1, branch-2.")],
        jobs: Jobs = 0,
        build_arg: BuildArg = None,
        build_secret: BuildSecret = None,
        build_secret_id: BuildSecretId = None,
        build_ssh: BuildSsh = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> dagger.Directory:
        """Build, test and upload the images of one share, and return its report as a folder: add `-o report`.

        What its images depend on is taken from the registry; where another machine did not upload it, they are blocked
        at once. Writes no tag of the stack. The file `exit-code` in the folder has the exit code.
        """
        inputs = BuildInputs(build_arg, build_secret, build_secret_id, build_ssh)
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        agreed = read_shares(await within_limit("read --shares", shares.contents()))
        project = await read_project(self.source, self.images, inputs)
        async with open_registry(project.stack, where) as connection:
            ports, tester = await build_ports(project, connection)
            result = await build_share(
                project.stack, project.tree, agreed, share, ports, jobs=jobs, measure=True, secrets=project.given
            )
        return await make_report(result, tester.files)

    @uncached_function
    async def gather(
        self,
        kept: Annotated[
            dagger.Directory,
            Doc("A folder with what was kept: shares.json, and the report folder of each share, anywhere in it."),
        ],
        accept_growth: AcceptGrowth = "",
        build_arg: BuildArg = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> dagger.Directory:
        """Make one report of those of all shares, and write the tag of the stack if every image passed.

        Builds nothing: the reports are held against what the registry has. The file `exit-code` in the folder has the
        exit code.
        """
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        with TelemetryProgress().work("read what the machines kept"):
            files = await read_kept_files(kept, (SHARES, REPORT))
        shares, reports = read_kept(files.texts)
        project = await read_project(self.source, self.images, BuildInputs(build_arg))
        async with open_registry(project.stack, where) as connection:
            ports, _ = await build_ports(project, connection)
            result = await gather_shares(
                project.stack, project.tree, shares, [*reports.values()], ports, accept_growth=accept_growth
            )
        logs = log_folders(shares, reports, files.log_folders)
        return await make_report(result, {name: kept.directory(path) for name, path in logs.items()})
