"""The front door's other half: Dagger functions that promote what was published, and roll it back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import dagger
from dagger import Doc

from ci.commands.gpu_gate import run_gpu_test
from ci.commands.options import PromotionOptions
from ci.commands.promote import AppliedPlan, promote
from ci.commands.registry import require_session, stable_tag
from ci.commands.rollback import rollback, show_history
from ci.connect import GpuOptions, RegistryOptions, gpu_ports, open_registry, read_project, show_line
from ci.dagger_function import RedRunError, uncached_function
from ci.options import (
    AsMarkdown,
    Attempts,
    DryRun,
    KnownHosts,
    Password,
    Registry,
    Service,
    SshKey,
    SshPassword,
    SshService,
    StableTag,
    Tag,
    Username,
)
from ci.promotion.package_history import package_history
from ci.publish.registry_state import RegistrySession
from ci.reports.folder import render_json
from ci.reports.gpu import render_gpu_summary, render_gpu_verdict
from ci.reports.promotion import (
    render_history,
    render_history_summary,
    render_promotion_plan,
    render_promotion_summary,
)
from ci.reports.stacks import render_package_history
from ci.stack.model import Stack


class PromotionFunctions:
    """The functions of Datahub that change stable tags, or prepare that."""

    source: dagger.Directory | None
    images: str

    @uncached_function
    async def test_gpu(
        self,
        tag: Tag,
        known_hosts: KnownHosts = None,
        ssh_key: SshKey = None,
        ssh_password: SshPassword = None,
        ssh_service: SshService = None,
        attempts: Attempts = 3,
        keep: Annotated[bool, Doc("Attach the verdict to the image in the registry, where `tag` looks for it.")] = True,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_json: Annotated[bool, Doc("Print the verdict as JSON.")] = False,
        as_markdown: AsMarkdown = False,
    ) -> str:
        """Test the image that [gpu] of stack.toml names on a real GPU, by digest, through a login node.

        Exits 1 unless the tests verifiably passed; the text is the same.
        """
        gpu = gpu_ports(GpuOptions(ssh_key, ssh_password, known_hosts, ssh_service, attempts))
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        async with self._registry(where) as (stack, session):
            verdict = await run_gpu_test(stack, session, tag, gpu, keep=keep)
        text = f"{render_gpu_verdict(verdict)}\n"
        if as_json:
            text = render_json(verdict)
        elif as_markdown:
            text = render_gpu_summary(verdict)
        if not verdict.passed:
            raise RedRunError(text)
        return text

    @uncached_function
    async def tag(
        self,
        tag: Tag,
        dry_run: DryRun = False,
        no_gpu: Annotated[bool, Doc("Leave the GPU gate out. Only with --dry-run.")] = False,
        accept_without_gpu: Annotated[
            str | None,
            Doc("Promote without a passed GPU verdict, for this reason. It is recorded, and shown in the history."),
        ] = None,
        also: Annotated[
            list[str] | None, Doc("More tags to update with the stable one, such as stable: all of them or none.")
        ] = None,
        known_hosts: KnownHosts = None,
        ssh_key: SshKey = None,
        ssh_password: SshPassword = None,
        ssh_service: SshService = None,
        attempts: Attempts = 3,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_markdown: AsMarkdown = False,
    ) -> str:
        """Promote a published stack: 2026.4-a1239ab becomes 2026.4-stable, for every image or for none.

        Needs a passed GPU verdict on exactly the image that is promoted: from an earlier test-gpu, or from a run of the
        GPU gate now, if the --ssh options are given. No layer is copied. Function rollback undoes it. A promotion that
        was interrupted is completed by running it again.
        """
        options = PromotionOptions(
            tag=tag, also=also or (), accept_without_gpu=accept_without_gpu, gpu=not no_gpu, dry_run=dry_run
        )
        gpu = gpu_ports(GpuOptions(ssh_key, ssh_password, known_hosts, ssh_service, attempts))
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        async with self._registry(where) as (stack, session):
            applied = await promote(stack, session, options, gpu, now=_now(), log=show_line)
        return _render(applied, dry_run=dry_run, as_markdown=as_markdown)

    @uncached_function
    async def rollback(
        self,
        tag: StableTag,
        to: Annotated[
            str, Doc("The record to go back to: its number, or the beginning of its id, as history shows them.")
        ] = "",
        dry_run: DryRun = False,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_markdown: AsMarkdown = False,
    ) -> str:
        """Point a stable tag back to the images it had before its last promotion, for every image or for none.

        A promotion that was interrupted is undone, a rollback that was interrupted is finished.
        """
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        async with self._registry(where) as (stack, session):
            applied = await rollback(stack, session, tag, to=to, dry_run=dry_run, now=_now(), log=show_line)
        return _render(applied, dry_run=dry_run, as_markdown=as_markdown)

    @uncached_function
    async def history(
        self,
        tag: Annotated[str, Doc("A stable tag, such as 2026.4-stable. Default: VERSION-stable of stack.toml.")] = "",
        package: Annotated[
            str, Doc("Show when packages of this name came, changed and went: numpy, or a pattern such as 'torch*'.")
        ] = "",
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_json: Annotated[bool, Doc("Print JSON instead of a table.")] = False,
        as_markdown: AsMarkdown = False,
    ) -> str:
        """Show what a stable tag pointed to and when, who approved it, and which record to roll back to."""
        where = RegistryOptions(registry, registry_username, registry_password, registry_service)
        async with self._registry(where) as (stack, session):
            chosen = tag or stable_tag(stack, "--tag")
            if package:
                found = await package_history(stack, session, chosen, package)
                return render_json(found) if as_json else f"{render_package_history(found)}\n"
            timeline = await show_history(stack, session, chosen)
        if as_json:
            return render_json(timeline)
        return render_history_summary(timeline) if as_markdown else f"{render_history(timeline)}\n"

    @asynccontextmanager
    async def _registry(self, where: RegistryOptions) -> AsyncIterator[tuple[Stack, RegistrySession]]:
        project = await read_project(self.source, self.images)
        async with open_registry(project.stack, where) as connection:
            yield project.stack, require_session(connection.session if connection else None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _render(applied: AppliedPlan, *, dry_run: bool, as_markdown: bool) -> str:
    plan = applied.plan
    notes = (*plan.notes, *applied.warnings)
    render = render_promotion_summary if as_markdown else render_promotion_plan
    return f"{render(plan.record, plan.changes, plan.sizes, written=not dry_run, notes=notes).rstrip()}\n"
