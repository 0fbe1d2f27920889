"""`test-gpu`: runs the GPU image of a published stack on a real GPU, by digest."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from ci.errors import RequestError
from ci.gpu_gate.verdict import GPU_VERDICTS, GpuVerdict
from ci.oci.referrers import push_referrer
from ci.promotion.plan import read_image
from ci.promotion.source_run import find_published_run
from ci.publish.attestations import RunRecord
from ci.publish.registry_state import RegistrySession
from ci.publish.tags import Place
from ci.stack.gpu_config import GpuSettings
from ci.stack.model import Stack


class GpuPorts(NamedTuple):
    """The GPU gate, as commands see it."""

    run: Callable[[GpuSettings, str], Awaitable[GpuVerdict]]
    """Runs an image, `repository@sha256:…`, on a real GPU. May take an hour, and shows the verdict as it comes."""
    can_log_in: bool
    """Whether there is anything to log in to the login node with."""


async def run_gpu_test(stack: Stack, session: RegistrySession, tag: str, ports: GpuPorts, *, keep: bool) -> GpuVerdict:
    """Run the GPU gate for a tag. With `keep`, the verdict is attached to the image, where a promotion looks for it."""
    session.tags.check_stack_tags([tag])
    record = await find_published_run(session.registry, places_of(stack, session), tag)
    if stack.gpu is None:
        raise RequestError(
            "stack.toml has no [gpu] table, which names the image to test and the login node. docs/stack.md lists its "
            "keys."
        )
    return await gate_run(session, record, stack.gpu, ports, keep=keep)


async def gate_run(
    session: RegistrySession, record: RunRecord, settings: GpuSettings, ports: GpuPorts, *, keep: bool
) -> GpuVerdict:
    """Run the GPU gate for the images of a run."""
    image = record.by_name.get(settings.image)
    if image is None:
        raise RequestError(f"{record.tag} has no image {settings.image!r}, which gpu.image of stack.toml names.")
    registry, repository = session.registry, image.reference.repository
    if keep:
        await registry.preflight(repository)
    manifest = await read_image(registry, image)
    verdict = await ports.run(settings, str(image.reference))
    if keep:
        await push_referrer(registry, repository, manifest.descriptor, GPU_VERDICTS.artifact(verdict))
    return verdict


def places_of(stack: Stack, session: RegistrySession) -> Mapping[str, Place]:
    """Return where the stack's enabled images are, by name."""
    return {image.name: session.tags.place(image.name) for image in stack.images if image.enabled}
