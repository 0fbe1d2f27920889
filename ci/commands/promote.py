"""Puts together what promotes a stack: the registry, the login node, the records. No decisions."""

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import dagger

from ci.commands.build import Project
from ci.commands.registry import Opened, now, reach, read_password
from ci.errors import PromotionDeniedError, RequestError
from ci.gpu_gate.gate import run_gate
from ci.gpu_gate.ports import LoginNode
from ci.gpu_gate.verdict import GPU_VERDICTS, GpuVerdict
from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Repository
from ci.oci.referrers import push_referrer
from ci.promotion.apply import PromotionPlan, apply
from ci.promotion.gate_check import find_gate_approval
from ci.promotion.plan import plan_promotion, read_image
from ci.promotion.records import GateApproval
from ci.promotion.rollback import collect_history, plan_rollback
from ci.promotion.source_run import find_published_run
from ci.promotion.timeline import Timeline
from ci.publish.attestations import RunRecord
from ci.reports.gpu import render_gpu_verdict
from ci.stack.gpu_config import GpuSettings
from ci.stack.stack_tag import StackTag


class GateWish(NamedTuple):
    """How a user wants the login node reached."""

    key: dagger.Secret | None = None
    password: dagger.Secret | None = None
    known_hosts: dagger.File | None = None
    service: dagger.Service | None = None
    attempts: int = 3

    @property
    def can_log_in(self) -> bool:
        """Whether there is anything to log in with."""
        return self.key is not None or self.password is not None


class PromotionWish(NamedTuple):
    """What a user wants promoted: `accept` is a reason to do without a GPU, `also` are more tags to move.

    Without `gpu` nothing is asked of the GPU gate, which is for looking only. With `kept` the registry gets a verdict.
    """

    tag: str
    accept: str | None = None
    also: Sequence[str] = ()
    gpu: bool = True
    kept: bool = True


class Promoter:
    """Promotes the stack of a project in an open registry."""

    def __init__(self, project: Project, opened: Opened | None) -> None:
        if opened is None:
            raise RequestError("Where are the images? Name the registry with --registry, or as stack.registry.")
        self._stack = project.stack
        self._registry = opened.shelf.registry
        self._places = opened.shelf.places

    async def find(self, tag: str) -> RunRecord:
        """Return the run that a tag stands for. Raises PromotionDeniedError with all that does not belong together."""
        return await find_published_run(self._registry, self._repositories(), tag)

    async def gate(self, tag: str, wish: GateWish, *, kept: bool) -> GpuVerdict:
        """Try the GPU image of a tag on a real GPU; keep the verdict beside it."""
        return await self._gate(await self.find(tag), self._gpu(), wish, kept=kept)

    async def promotion(self, wish: PromotionWish, gate: GateWish) -> PromotionPlan:
        """Plan a promotion. Where there is no proof yet, and a login is given, the GPU gate is run for it now.

        Raises PromotionDeniedError for want of proof. Rights that are not enough are told before the gate is run.
        """
        StackTag.parse(wish.tag)  # an invalid tag is refused before the first request
        record = await self.find(wish.tag)
        change = await plan_promotion(self._registry, record, None, at=now(), also=wish.also)
        if change.is_done or not wish.gpu:
            return change
        if wish.kept:
            await gather_or_raise(
                self._registry.preflight, dict.fromkeys(update.target.repository for update in change.updates)
            )
        proof = await self._proof(record, wish, gate)
        # The gate may have taken an hour: what the tags name is read again.
        return await plan_promotion(self._registry, record, proof, at=now(), also=wish.also)

    async def _proof(self, record: RunRecord, wish: PromotionWish, gate: GateWish) -> GateApproval:
        gpu = self._stack.gpu
        image = gpu.image if gpu else ""
        try:
            return await find_gate_approval(self._registry, record, image, accept=wish.accept)
        except PromotionDeniedError:
            if gpu is None or not gate.can_log_in:
                raise
        verdict = await self._gate(record, gpu, gate, kept=wish.kept)
        return await find_gate_approval(self._registry, record, image, fresh=verdict)

    async def rollback(self, tag: str, to: str) -> PromotionPlan:
        """Plan to go back: to what was before the last promotion, or to a record."""
        return await plan_rollback(self._registry, await self.history(tag), at=now(), to=to)

    async def history(self, tag: str) -> Timeline:
        """Return what became of all promotions of a stable tag."""
        return await collect_history(self._registry, self._repositories(), tag)

    async def apply(self, change: PromotionPlan, *, dry_run: bool) -> Sequence[str]:
        """Update the tags, unless this is a dry run. Returns warnings."""
        return () if dry_run else await apply(self._registry, change)

    async def _gate(self, record: RunRecord, gpu: GpuSettings, wish: GateWish, *, kept: bool) -> GpuVerdict:
        image = record.by_name.get(gpu.image)
        if image is None:
            raise RequestError(f"{gpu.image}, which [gpu] of stack.toml names, is no image of {record.tag}.")
        repository = image.reference.repository
        node = await _node(gpu, wish)
        if kept:
            await self._registry.preflight(repository)
        manifest = await read_image(self._registry, image)
        verdict = await run_gate(node, gpu, str(image.reference), tell=_tell, attempts=wish.attempts)
        _tell(render_gpu_verdict(verdict))  # whatever becomes of it now, it took an hour
        if kept:
            await push_referrer(self._registry, repository, manifest.descriptor, GPU_VERDICTS.artifact(verdict))
        return verdict

    def _gpu(self) -> GpuSettings:
        if self._stack.gpu is None:
            raise RequestError(
                "stack.toml has no [gpu]: it says which image is tried, and through which login node. docs/stack.md "
                "lists its keys."
            )
        return self._stack.gpu

    def _repositories(self) -> Mapping[str, Repository]:
        return {image.name: self._places.repository(image.name) for image in self._stack.images if image.enabled}


def _tell(line: str) -> None:
    """Show a line while the gate runs: what a function prints is part of Dagger's progress."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _node(gpu: GpuSettings, wish: GateWish) -> LoginNode:
    # asyncssh takes 0.4 s to import, which every call of every function would have to wait for.
    from ci.adapters.ssh import SshLogin, SshNode  # noqa: PLC0415

    login = SshLogin(
        private_key=await wish.key.plaintext() if wish.key else "",
        password=await read_password(wish.password) if wish.password else "",
    )
    known_hosts = await wish.known_hosts.contents() if wish.known_hosts else ""
    return SshNode(gpu, login, known_hosts, await _address(wish))


async def _address(wish: GateWish) -> tuple[str, int] | None:
    if wish.service is None:
        return None
    host, _, port = (await reach(wish.service, "--ssh-service")).rpartition(":")
    return host, int(port)
