"""Which stacks may become stable: a tag must point to all images of one run."""

import re

import pytest

from ci.gpu_gate.verdict import GPU_VERDICTS, GpuOutcome, GpuVerdict
from ci.oci.referrers import push_referrer
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.gate_check import find_gate_approval
from ci.promotion.records import GateApproval
from ci.promotion.source_run import find_published_run
from ci.publish.attestations import RunRecord
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import FORMS, GPU_IMAGE, NAMES, PublishedStack

pytestmark = pytest.mark.anyio

A = "2026.4-aaaaaa1"


@pytest.fixture(params=[*FORMS.values()], ids=[*FORMS])
def stack(request: pytest.FixtureRequest) -> PublishedStack:
    return PublishedStack(MemoryRegistry(), "registry.test", form=request.param)


async def refused(stack: PublishedStack, tag: str = A) -> tuple[str, ...]:
    with pytest.raises(PromotionDeniedError, match=f"{tag} cannot become stable, and nothing was written") as raised:
        await find_published_run(stack.registry, stack.places, tag)
    return raised.value.problems


async def test_the_run_is_found(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    assert await find_published_run(stack.registry, stack.places, A) == run


@pytest.mark.parametrize("name", NAMES)
async def test_any_image_leads_to_the_whole_run(stack: PublishedStack, name: str) -> None:
    run = await stack.publish(A)
    other = stack.part([name, "brand-new"])
    assert await find_published_run(stack.registry, other.places, A) == run


async def test_a_tag_that_was_not_published(stack: PublishedStack) -> None:
    (problem,) = await refused(stack)
    assert problem.startswith("No image has this tag; searched: registry.test/ucsdets/base, ")


async def test_images_without_a_run_record(stack: PublishedStack) -> None:
    for name in NAMES:
        await stack.registry.put(stack.places[name].tagged(A), await stack.image(name, b"by hand"))
    (problem,) = await refused(stack)
    assert "No run record found for registry.test/ucsdets/base:" in problem


async def test_all_that_is_missing_or_different_is_listed(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    contents = stack.registry.contents  # type: ignore[attr-defined]
    del contents.tags[str(stack.places["datascience"].repository)][stack.places["datascience"].tagged(A).tag]
    by_hand = await stack.image("scipy-ml", b"by hand")
    await stack.registry.put(stack.places["scipy-ml"].tagged(A), by_hand)
    missing, different = await refused(stack)
    assert missing.startswith(f"datascience is missing: {stack.places['datascience'].tagged(A)} does not exist")
    assert f"{stack.places['scipy-ml'].tagged(A)} is {by_hand.digest}, but the run of {run.started}" in different
    assert f"published {run.by_name['scipy-ml'].digest}. " in different
    assert "No run record mentions this digest." in different
    again = "If its publication was interrupted, run the same build-stack --publish again: it completes the stack."
    assert missing.endswith(again)
    assert different.endswith(again)


async def test_images_of_two_runs_are_told_apart(stack: PublishedStack) -> None:
    first = await stack.publish(A, layers={"base": b"same"})
    await stack.publish(A, started="2026-11-24T12:00:00Z", layers={"base": b"same"})
    await stack.registry.put(stack.places["rstudio"].tagged(A), await stack.image("rstudio", b"rstudio of the first"))
    later = stack.part(NAMES)
    assert first.images
    problems = await refused(later)
    assert len(problems) == 1
    assert problems[0].startswith("rstudio: ")


async def test_of_runs_with_the_same_tag_the_one_whose_images_are_tagged_is_found(stack: PublishedStack) -> None:
    first = await stack.publish(A, layers={"base": b"same", "rstudio": b"first"})
    second = await stack.publish(A, started="2026-11-24T12:00:00Z", layers={"base": b"same", "rstudio": b"second"})
    assert await find_published_run(stack.registry, stack.places, A) == second
    for image in first.images:
        manifest = await stack.registry.get(stack.places[image.name].pinned(image.digest))
        assert manifest is not None
        await stack.registry.put(stack.places[image.name].tagged(A), manifest)
    assert await find_published_run(stack.registry, stack.places, A) == first


async def test_an_image_that_is_not_in_the_run_must_not_have_its_tag(stack: PublishedStack) -> None:
    smaller = stack.part(NAMES[:3])
    run = await smaller.publish(A)
    assert await find_published_run(stack.registry, stack.places, A) == run
    await stack.registry.put(stack.places["scipy-ml"].tagged(A), await stack.image("scipy-ml", b"x"))
    (problem,) = await refused(stack)
    assert "has no image of this name" in problem


def verdict(digest: str, outcome: GpuOutcome, started: str = "2026-11-24T10:00:00Z") -> GpuVerdict:
    reference = f"registry.test/ucsdets/scipy-ml@{digest}"
    return GpuVerdict(
        image=GPU_IMAGE, reference=reference, outcome=outcome, why="So it was.", host="login.test", pod="p",
        started=started, seconds=9, attempts=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "passes"),
    [
        pytest.param([], False, id="none"),
        pytest.param([GpuOutcome.PASSED], True, id="passed"),
        pytest.param([GpuOutcome.PASSED, GpuOutcome.TESTS_FAILED], False, id="passed, then failed"),
        pytest.param([GpuOutcome.BAD_RUN, GpuOutcome.PASSED], True, id="bad, then passed"),
        pytest.param([GpuOutcome.PASSED, GpuOutcome.NO_CAPACITY], True, id="passed, then no GPU was free"),
        pytest.param([GpuOutcome.INFRASTRUCTURE, GpuOutcome.LOGIN, GpuOutcome.HOST_KEY], False, id="never tried"),
    ],
)
async def test_the_newest_verdict_about_the_image_decides(
    stack: PublishedStack,
    outcomes: list[GpuOutcome],
    passes: bool,  # noqa: FBT001
) -> None:
    run = await stack.publish(A)
    tried = run.by_name[GPU_IMAGE]
    repository = stack.places[GPU_IMAGE].repository
    manifest = await stack.registry.get(repository.pinned(tried.digest))
    assert manifest is not None
    for hour, outcome in enumerate(outcomes):
        attached = verdict(tried.digest, outcome, f"2026-11-24T1{hour}:00:00Z")
        await push_referrer(stack.registry, repository, manifest.descriptor, GPU_VERDICTS.artifact(attached))
    if passes:
        assert (await approved(stack, run)).outcome == "passed"
        return
    missing = await find_gate_approval(stack.registry, run, GPU_IMAGE)
    assert isinstance(missing, str)
    assert "Run test-gpu for this tag" in missing
    approval = await approved(stack, run, accept=" no GPU ")
    assert approval.override_reason == "no GPU"
    assert approval.outcome in {"", *outcomes}


async def test_a_fresh_verdict_counts_for_its_digest_only(stack: PublishedStack) -> None:
    run = await stack.publish(A)
    fresh = verdict(run.by_name[GPU_IMAGE].digest, GpuOutcome.PASSED)
    assert (await approved(stack, run, fresh=fresh)).digest == run.by_name[GPU_IMAGE].digest
    for other in (
        verdict(run.by_name["base"].digest, GpuOutcome.PASSED),
        verdict(fresh.digest, GpuOutcome.NO_CAPACITY),
    ):
        assert isinstance(await find_gate_approval(stack.registry, run, GPU_IMAGE, fresh=other), str)


@pytest.mark.parametrize(("image", "says"), [("", r"has no \[gpu\]"), ("other", "is not an image of")])
async def test_a_stack_whose_gate_names_no_image(stack: PublishedStack, image: str, says: str) -> None:
    run = await stack.publish(A)
    missing = await find_gate_approval(stack.registry, run, image)
    assert isinstance(missing, str)
    assert re.search(says, missing)
    assert (await approved(stack, run, image, accept="a page")).override_reason == "a page"


async def approved(
    stack: PublishedStack,
    run: RunRecord,
    image: str = GPU_IMAGE,
    *,
    fresh: GpuVerdict | None = None,
    accept: str | None = None,
) -> GateApproval:
    found = await find_gate_approval(stack.registry, run, image, fresh=fresh, accept=accept)
    assert isinstance(found, GateApproval)
    return found
