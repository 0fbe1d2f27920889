"""An operator who promotes and rolls back what a pipeline has published, with the commands."""

from collections.abc import Mapping

from ci.commands.gpu_gate import GpuPorts
from ci.commands.options import PromotionOptions
from ci.commands.promote import promote
from ci.commands.rollback import rollback
from ci.gpu_gate.verdict import GpuVerdict
from ci.oci.registry import Registry
from ci.publish.registry_state import RegistrySession
from ci.reports.promotion import render_promotion_plan
from ci.stack.gpu_config import GpuSettings
from ci.stack.model import Stack
from tests.integration.publish.pipeline_harness import IMAGES, Pipeline

NOW = "2026-11-25T08:00:00+00:00"
REASON = "no image here uses a GPU"


def quiet(_line: str) -> None:
    pass


async def no_gpu(_settings: GpuSettings, _reference: str) -> GpuVerdict:
    raise AssertionError


class Operator:
    """Promotes and rolls back what a pipeline has published."""

    def __init__(self, pipeline: Pipeline, registry: Registry) -> None:
        self.pipeline = pipeline
        self.registry = registry
        self.session = RegistrySession(registry, pipeline.layout, has_login=True)

    @property
    def stack(self) -> Stack:
        return self.pipeline.stack_of(self.pipeline.tree())

    async def digests(self, tag: str) -> Mapping[str, str | None]:
        return {name: await self.registry.head(self.pipeline.layout.tag(name, tag)) for name in IMAGES}

    async def promote(self, tag: str, also: tuple[str, ...] = ()) -> str:
        options = PromotionOptions(tag=tag, also=also, accept_without_gpu=REASON)
        gpu = GpuPorts(no_gpu, can_log_in=False)
        plan, warnings = await promote(self.stack, self.session, options, gpu, now=NOW, log=quiet)
        assert warnings == ()
        return render_promotion_plan(plan.record, plan.changes, plan.sizes, written=True)

    async def roll_back(self, tag: str) -> None:
        await rollback(self.stack, self.session, tag, to="", dry_run=False, now=NOW, log=quiet)
