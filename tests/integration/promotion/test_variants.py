"""Variants of an image in one repository: promoted and rolled back together, each under its own tag."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.adapters.oci.client import HttpRegistry
from ci.commands.gpu_gate import GpuPorts, run_gpu_test
from ci.commands.options import PromotionOptions
from ci.commands.promote import promote
from ci.commands.rollback import show_history
from ci.errors import RequestError
from ci.gpu_gate.verdict import GpuOutcome, GpuVerdict
from ci.oci.referrers import list_referrers
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.source_run import find_published_run
from ci.publish.tags import RelativePlace
from ci.registry_format import GPU_VERDICT, PROMOTION_RECORD
from ci.stack.gpu_config import GpuSettings
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.debian import DebianRegistry, debian_registry
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.promotion.operator import NOW, Operator, no_gpu, quiet
from tests.integration.promotion.published import NAMES, SHARED, STABLE, PublishedStack, digests_of
from tests.integration.publish.pipeline_harness import FILES, IMAGES, TAG, Form, Pipeline, results
from tests.unit.commands.samples import GPU

pytestmark = pytest.mark.anyio
A, B = "2026.4-aaaaaa1", "2026.4-bbbbbb2"
NEXT = "2026.4-bbbbbbb"
# As jupyter/docker-stacks has them: variants of a parent, and of a child.
FORM: Form = {
    "base": RelativePlace("base-notebook"),
    "ds": RelativePlace("pytorch-notebook", "cuda12-"),
    "ml": RelativePlace("pytorch-notebook", "cuda12-extra-"),
    "r": RelativePlace("pytorch-notebook", "cuda13-"),
}
VARIANTS = {
    "images/base/Dockerfile": FILES["images/base/Dockerfile"],
    "images/ds/Dockerfile": "FROM base\nARG CUDA=12\nRUN torch $CUDA\n",
    "images/ml/Dockerfile": "FROM ds\nRUN ml\n",
    "images/r/Dockerfile": "FROM base\nARG CUDA=13\nRUN torch $CUDA\n",
}


@pytest.fixture
def own_debian(tmp_path: Path) -> Iterator[DebianRegistry]:
    with debian_registry(tmp_path) as running:
        yield running


@pytest.fixture
def pipeline() -> Pipeline:
    unused = RegistryServer()
    unused.host = "registry.test"
    found = Pipeline(unused)
    found.form = FORM
    found.files |= VARIANTS
    return found


async def test_variants_in_dockers_own_registry(own_debian: DebianRegistry, pipeline: Pipeline) -> None:
    """Published twice, promoted, promoted with another tag, and rolled back to nothing."""
    pipeline.name = f"{own_debian.host}/stack"
    async with HttpRegistry(own_debian.endpoint) as registry:
        operator = Operator(pipeline, registry)
        assert set(results(await pipeline.run_with(registry)).values()) == {"built"}
        first = await operator.digests(TAG)
        pipeline.commit = "b" * 40
        pipeline.files["images/r/Dockerfile"] += "RUN more\n"
        assert results(await pipeline.run_with(registry)) == {**dict.fromkeys(IMAGES, "reused"), "r": "built"}
        second = await operator.digests(NEXT)
        assert {name for name in IMAGES if first[name] != second[name]} == {"r"}

        await operator.promote(TAG)
        shown = await operator.promote(NEXT, also=("stable",))
        assert re.search(r"^r +cuda13-2026\.4-stable +sha256:\w+ +sha256:", shown, re.MULTILINE)
        assert await operator.digests(STABLE) == await operator.digests("stable") == second
        tags = await registry.tags(pipeline.layout.repository("r"))
        assert {tag for tag in tags if tag.startswith("cuda") or "stable" in tag} == {
            f"{prefix}{tag}"
            for prefix in ("cuda12-", "cuda12-extra-", "cuda13-")
            for tag in (TAG, NEXT, STABLE, f"{STABLE}.history", "stable", "stable.history", "2026.4.stacks")
        }

        await operator.roll_back(STABLE)
        assert (await operator.digests(STABLE), await operator.digests("stable")) == (first, second)
        await operator.roll_back(STABLE)
        await operator.roll_back("stable")
        nothing = dict.fromkeys(IMAGES)
        assert (await operator.digests(STABLE), await operator.digests("stable")) == (nothing, nothing)
        assert (await operator.digests(TAG), await operator.digests(NEXT)) == (first, second)
        timeline = await show_history(operator.stack, operator.session, STABLE)
        assert [entry.record.number for entry in timeline.entries] == [4, 3, 2, 1]
        assert set(timeline.now) == {str(pipeline.layout.place(name)) for name in IMAGES}

        own_debian.collect_garbage()  # deletes all attestations
        assert (await pipeline.run_with(registry)).exit_code == 0
        run = await find_published_run(registry, {name: pipeline.layout.place(name) for name in IMAGES}, NEXT)
        assert digests_of(run) == await operator.digests(NEXT)
        assert results(await pipeline.run_with(registry)) == dict.fromkeys(IMAGES, "reused")


async def test_the_tag_of_one_variant_is_not_that_of_the_stack(pipeline: Pipeline) -> None:
    operator = Operator(pipeline, MemoryRegistry())
    await pipeline.run_with(operator.registry)
    await operator.promote(TAG)
    gpu = GpuPorts(no_gpu, can_log_in=False)
    for attempt in (
        operator.roll_back(f"cuda12-{STABLE}"),
        operator.promote(f"cuda13-{TAG}"),
        operator.promote(TAG, also=("cuda12-stable",)),
        run_gpu_test(operator.stack, operator.session, f"cuda13-{TAG}", gpu, keep=False),
        show_history(operator.stack, operator.session, f"cuda12-extra-{STABLE}"),
    ):
        with pytest.raises(RequestError, match="Give the tag of the whole stack, '"):
            await attempt


async def test_the_gpu_image_may_be_a_variant(pipeline: Pipeline) -> None:
    pipeline.files["images/stack.toml"] += GPU
    operator = Operator(pipeline, MemoryRegistry())
    await pipeline.run_with(operator.registry)
    ran: list[str] = []

    async def run(settings: GpuSettings, reference: str) -> GpuVerdict:
        ran.append(reference)
        return GpuVerdict(
            image=settings.image, reference=reference, outcome=GpuOutcome.PASSED, why="", host="", pod="", started=NOW,
            seconds=1, attempts=(),
        )  # fmt: skip

    gpu, digest = GpuPorts(run, can_log_in=True), (await operator.digests(TAG))["ml"]
    assert digest is not None
    options = PromotionOptions(tag=TAG)
    plan, _ = await promote(operator.stack, operator.session, options, gpu, now=NOW, log=quiet)
    assert ran == [str(pipeline.layout.place("ml").pinned(digest))]
    assert plan.record.proof is not None
    assert (plan.record.proof.image, plan.record.proof.digest) == ("ml", digest)
    assert await list_referrers(operator.registry, pipeline.layout.repository("ml"), digest, GPU_VERDICT)


async def test_a_variant_that_has_the_digest_of_another_has_a_record_and_a_history_too() -> None:
    registry = MemoryRegistry()
    stack = PublishedStack(registry, "registry.test", form=SHARED)
    same = dict.fromkeys(NAMES[1:], b"same")
    a, b = await stack.publish(A, layers=same), await stack.publish(B, layers={**same, "rstudio": b"other"})
    one = a.by_name["rstudio"]
    assert {image.digest for image in a.images[1:]} == {one.digest}
    await stack.promote(a)
    found = await list_referrers(registry, one.place.repository, one.digest, PROMOTION_RECORD)
    assert len(found) == 1
    for name in NAMES:
        assert len((await stack.part([name]).history()).entries) == 1
    assert await find_published_run(registry, stack.places, A) == a
    await stack.promote(b)
    assert await stack.digests() == digests_of(b)
    await stack.roll_back()
    assert await stack.digests() == digests_of(a)


@pytest.mark.parametrize("deletes", [True, False])
async def test_a_rollback_removes_the_tag_of_one_variant_and_no_other(*, deletes: bool) -> None:
    """Where two variants have one digest, nothing may be deleted by it."""
    stack = PublishedStack(MemoryRegistry(Contents(deletes=deletes)), "registry.test", form=SHARED)
    same = dict.fromkeys(NAMES, b"same")
    a = await stack.part(NAMES[:3]).publish(A, layers={name: same[name] for name in NAMES[:3]})
    b = await stack.publish(B, layers=same)
    await stack.part(NAMES[:3]).promote(a)
    await stack.promote(b)
    await stack.roll_back()
    assert await stack.digests() == {**digests_of(a), "scipy-ml": None}
    assert await stack.digests(B) == digests_of(b)


async def test_the_image_of_another_variant_under_a_tag_is_named() -> None:
    stack = PublishedStack(MemoryRegistry(), "registry.test", form=SHARED)
    run = await stack.publish(A)
    other = await stack.registry.get(run.by_name["scipy-ml"].reference)
    assert other is not None
    await stack.registry.put(stack.places["rstudio"].tagged(A), other)
    with pytest.raises(PromotionDeniedError) as raised:
        await find_published_run(stack.registry, stack.places, A)
    (problem,) = raised.value.problems
    assert problem.startswith(f"rstudio: registry.test/ucsdets/notebook:r-{A} is {other.digest}, but the run of ")
    assert f" This digest is from the run of {run.started}, as scipy-ml. " in problem


async def test_images_that_become_variants_are_promoted_and_rolled_back() -> None:
    """Records from before say that each was in a repository of its own."""
    before = PublishedStack(MemoryRegistry(), "registry.test")
    a = await before.publish(A)
    await before.promote(a)
    after = PublishedStack(before.registry, "registry.test", form=SHARED)
    assert (await after.history()).current is not None
    b = await after.publish(B)
    await after.promote(b)
    assert await after.digests() == digests_of(b)
    await after.roll_back()
    assert await after.digests() == {**dict.fromkeys(NAMES), "base": digests_of(a)["base"]}
    assert await before.digests() == digests_of(a)
    timeline = await after.history()
    assert [(entry.record.number, entry.status.value) for entry in timeline.entries] == [
        (3, "now"),
        (2, "earlier"),
        (1, "earlier"),
    ]
