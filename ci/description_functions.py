"""The front door's third part: Dagger functions that say what is in images, and what changed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, NamedTuple

import dagger
from dagger import Doc

from ci.adapters.dagger_engine.folder import make_folder
from ci.adapters.dagger_engine.telemetry import TelemetryProgress
from ci.commands.describe import (
    FailedBuildError,
    check_keep,
    chosen,
    compare,
    describe_source,
    list_stacks,
    read_tag,
    tag_to_compare_with,
)
from ci.commands.plan import BuildPorts
from ci.commands.registry import require_session
from ci.connect import (
    BuildInputs,
    Project,
    RegistryOptions,
    build_ports,
    open_registry,
    read_project,
    show_line,
)
from ci.contents.described_stack import DescribedStack
from ci.contents.finding import search_packages
from ci.dagger_function import RedRunError, uncached_function
from ci.options import (
    AsJson,
    BuildArg,
    BuildSecret,
    BuildSecretId,
    BuildSsh,
    Password,
    Registry,
    Service,
    SomeImages,
    StackOrStableTag,
    Username,
)
from ci.planning.plan import make_plan
from ci.reports.contents import render_contents, render_overview
from ci.reports.dependencies import render_dependencies
from ci.reports.difference import render_difference, render_difference_markdown
from ci.reports.folder import render_json
from ci.reports.manifests import described_images, render_manifests
from ci.reports.package_search import render_package_search
from ci.reports.stacks import render_stacks
from ci.reports.text import render_run


class _World(NamedTuple):
    """What these functions work on."""

    project: Project
    ports: BuildPorts

    async def stack(self, tag: str, images: list[str] | None = None, *, keep: bool = False) -> "_Described":
        """Return the stack of a tag, or that of the source tree for none, and where its images are."""
        project = self.project
        if not tag:
            try:
                stack = await describe_source(project.stack, project.tree, self.ports, project.given, images or ())
            except FailedBuildError as error:
                raise RedRunError(f"{error}\n\n{render_run(error.report)}") from error
            return _Described(stack, {}, "")
        session = require_session(self.ports.registry)
        found = await read_tag(project.stack, session, tag, inspector=self.ports.inspector, keep=keep, log=show_line)
        references = {image.name: str(image.place.pinned(image.digest)) for image in found.images}
        return _Described(found.stack, references, f"published as {found.record.tag}" if found.record else "")


class _Described(NamedTuple):
    stack: DescribedStack
    references: dict[str, str]
    note: str


class DescriptionFunctions:
    """The functions of Datahub that say what is in images."""

    source: dagger.Directory | None
    images: str

    @uncached_function
    async def describe(
        self,
        image: SomeImages = None,
        tag: StackOrStableTag = "",
        package: Annotated[
            str, Doc("Show only packages of this name, in all images: numpy, or a pattern such as 'torch*'.")
        ] = "",
        keep: Annotated[
            bool, Doc("Attach the description to images that were published without one. Only with --tag.")
        ] = False,
        build_arg: BuildArg = None,
        build_secret: BuildSecret = None,
        build_secret_id: BuildSecretId = None,
        build_ssh: BuildSsh = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_json: AsJson = False,
    ) -> str:
        """Show what is in the images: key versions, kernels, packages, settings, layers.

        All images in short, or with --image in full. --package 'torch*' answers which image has a package, and in which
        version. With --tag of a published stack, nothing is built or fetched: its description is in the registry.
        Without, the source tree is built first.
        """
        check_keep(tag, keep=keep)
        inputs = BuildInputs(build_arg, build_secret, build_secret_id, build_ssh)
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        async with self._world(where, inputs) as world:
            described = await world.stack(tag, image, keep=keep)
        stack = chosen(described.stack, image or ())
        known = {name: stack.images[name] for name in stack.names if name in stack.images}
        if package:
            search = search_packages(package, known)
            return render_json(search) if as_json else f"{render_package_search(search)}\n"
        if as_json:
            return render_json([*known.values()])
        highlights = world.project.stack.highlights
        every = described_images(described.stack, described.references, highlights, described.note)
        shown = [one for one in every if one.contents.image in known]
        if image or len(shown) == 1:
            return "\n\n".join(render_contents(one) for one in shown) + "\n"
        return f"{render_overview(shown)}\n"

    @uncached_function
    async def manifests(
        self,
        tag: StackOrStableTag = "",
        build_arg: BuildArg = None,
        build_secret: BuildSecret = None,
        build_secret_id: BuildSecretId = None,
        build_ssh: BuildSsh = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> dagger.Directory:
        """Give what describe shows as files, for people, programs and scanners: add `-o manifests`.

        IMAGE.md, IMAGE.json (docs/schemas/contents.json), IMAGE.cdx.json (CycloneDX 1.6), and dependencies.md.
        """
        inputs = BuildInputs(build_arg, build_secret, build_secret_id, build_ssh)
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        async with self._world(where, inputs) as world:
            described = await world.stack(tag)
            plan = make_plan(world.project.stack)
        with TelemetryProgress().work("write the manifests"):
            highlights, note = world.project.stack.highlights, described.note
            texts = render_manifests(described.stack, described.references, highlights=highlights, note=note)
            return await make_folder({**texts, "dependencies.md": render_dependencies(plan, {})})

    @uncached_function
    async def stacks(
        self,
        version: Annotated[str, Doc("The version of the stacks, 2026.4. Default: stack.version of stack.toml.")] = "",
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_json: AsJson = False,
    ) -> str:
        """Show the stacks that were published: tag, when, commit, size, and what became of them."""
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        project = await read_project(self.source, self.images)
        async with open_registry(project.stack, where) as connection:
            session = require_session(connection.session if connection else None)
            listing = await list_stacks(project.stack, session, version)
        return render_json(listing) if as_json else f"{render_stacks(listing)}\n"

    @uncached_function
    async def diff(
        self,
        old: Annotated[
            str, Doc("What to compare with: a tag of a published stack or a stable tag. Default: VERSION-stable.")
        ] = "",
        new: Annotated[
            str, Doc("The tag of what is compared. Default: the source tree as it is, which is built.")
        ] = "",
        image: SomeImages = None,
        inherited: Annotated[bool, Doc("Repeat each change at the images built on the one that brought it.")] = False,
        build_arg: BuildArg = None,
        build_secret: BuildSecret = None,
        build_secret_id: BuildSecretId = None,
        build_ssh: BuildSsh = None,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_json: AsJson = False,
        as_markdown: Annotated[bool, Doc("Print Markdown, for a comment on a pull request.")] = False,
    ) -> str:
        """Show what changed between two stacks: packages, versions, sizes, settings, layers.

        Each change is shown once, at the image that brought it. Without options: what students would notice if the
        source tree became stable. Of published stacks, no layer is read. A difference is no failure: exits 0.
        """
        inputs = BuildInputs(build_arg, build_secret, build_secret_id, build_ssh)
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        async with self._world(where, inputs) as world:
            # What is published may be missing, and costs nothing to look for; the build comes after it.
            before = await world.stack(tag_to_compare_with(world.project.stack, world.ports.registry, old))
            after = await world.stack(new)
        found = compare(before.stack, after.stack, images=image or (), inherited=inherited)
        if as_json:
            return render_json(found)
        return render_difference_markdown(found) if as_markdown else f"{render_difference(found)}\n"

    @asynccontextmanager
    async def _world(self, where: RegistryOptions, inputs: BuildInputs) -> AsyncIterator[_World]:
        project = await read_project(self.source, self.images, inputs)
        async with open_registry(project.stack, where) as connection:
            ports, _ = await build_ports(project, connection)
            yield _World(project, ports)
