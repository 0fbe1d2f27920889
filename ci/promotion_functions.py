"""The front door's other half: Dagger functions that promote what was published."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import dagger
from dagger import Doc

from ci.commands.build import Project
from ci.commands.promote import GateWish, Promoter, PromotionWish
from ci.commands.registry import RegistryWish, open_registry
from ci.dagger_function import RedRunError, uncached_function
from ci.errors import RequestError
from ci.options import (
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
from ci.promotion.apply import PromotionPlan
from ci.reports.folder import render_json
from ci.reports.gpu import render_gpu_verdict
from ci.reports.promotion import render_history, render_promotion_plan


class PromotionFunctions:
    """The functions of Datahub that move stable tags, or are asked before."""

    source: dagger.Directory
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
        keep: Annotated[
            bool, Doc("Keep the verdict in the registry, beside the image, where `tag` looks for it.")
        ] = True,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_json: Annotated[bool, Doc("Print the verdict as JSON.")] = False,
    ) -> str:
        """Try the image that [gpu] of stack.toml names on a real GPU, through a login node, by its digest.

        Exits 1 for everything but the whole proof that its tests passed there, with the same text.
        """
        gate = GateWish(ssh_key, ssh_password, known_hosts, ssh_service, attempts)
        where = RegistryWish(registry, registry_username, registry_password, registry_service)
        async with self._promoter(where) as promoter:
            verdict = await promoter.gate(tag, gate, kept=keep)
        text = render_json(verdict) if as_json else f"{render_gpu_verdict(verdict)}\n"
        if not verdict.passed:
            raise RedRunError(text)
        return text

    @uncached_function
    async def tag(
        self,
        tag: Tag,
        dry_run: DryRun = False,
        no_gpu: Annotated[bool, Doc("Ask nothing of the GPU gate. For a dry run only.")] = False,
        accept_without_gpu: Annotated[
            str | None, Doc("Why this stack may be promoted though no GPU has seen it. It is recorded and shown.")
        ] = None,
        also: Annotated[
            list[str] | None, Doc("More tags to move with it, such as stable: all of them or none.")
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
    ) -> str:
        """Promote a published stack: 2026.4-a1239ab becomes 2026.4-stable, for every image or for none.

        Needs a GPU verdict that passed, on exactly the image that is promoted: of an earlier test-gpu, or made now with
        the --ssh options. No layer is moved. Function rollback goes back.
        """
        if no_gpu and not dry_run:
            raise RequestError("--no-gpu is for a dry run. To promote without a GPU, say why: --accept-without-gpu.")
        wish = PromotionWish(tag, accept_without_gpu, also or (), not no_gpu, not dry_run)
        gate = GateWish(ssh_key, ssh_password, known_hosts, ssh_service, attempts)
        where = RegistryWish(registry, registry_username, registry_password, registry_service)
        async with self._promoter(where) as promoter:
            return await _finish(promoter, await promoter.promotion(wish, gate), dry_run=dry_run)

    @uncached_function
    async def rollback(
        self,
        tag: StableTag,
        to: Annotated[
            str, Doc("Which record to go back to: its number, or the beginning of its id, from history.")
        ] = "",
        dry_run: DryRun = False,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
    ) -> str:
        """Let a stable tag name again what it named before its last promotion, for every image or for none."""
        where = RegistryWish(registry, registry_username, registry_password, registry_service)
        async with self._promoter(where) as promoter:
            return await _finish(promoter, await promoter.rollback(tag, to), dry_run=dry_run)

    @uncached_function
    async def history(
        self,
        tag: StableTag,
        registry: Registry = "",
        registry_username: Username = "",
        registry_password: Password = None,
        registry_service: Service = None,
        as_json: Annotated[bool, Doc("Print JSON instead of a table.")] = False,
    ) -> str:
        """Show what a stable tag named and names, who vouched for it, and which record to roll back to."""
        where = RegistryWish(registry, registry_username, registry_password, registry_service)
        async with self._promoter(where) as promoter:
            timeline = await promoter.history(tag)
        return render_json(timeline) if as_json else f"{render_history(tag, timeline.entries)}\n"

    @asynccontextmanager
    async def _promoter(self, where: RegistryWish) -> AsyncIterator[Promoter]:
        project = await Project.read(self.source, self.images)
        async with open_registry(project.stack, where) as opened:
            yield Promoter(project, opened)


async def _finish(promoter: Promoter, change: PromotionPlan, *, dry_run: bool) -> str:
    warnings = await promoter.apply(change, dry_run=dry_run)
    return f"{render_promotion_plan(change.record, change.sizes, written=not dry_run, warnings=warnings)}\n"
