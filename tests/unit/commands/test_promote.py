import pytest

from ci.commands.build import build_stack
from ci.commands.gpu_gate import GpuPorts, run_gpu_test
from ci.commands.options import BuildOptions, PromotionOptions
from ci.commands.promote import promote
from ci.commands.rollback import rollback, show_history
from ci.errors import RequestError
from ci.gpu_gate.verdict import GpuOutcome, GpuVerdict
from ci.oci.registry import AccessError
from ci.promotion.errors import PromotionDeniedError
from ci.publish.registry_state import RegistrySession
from ci.stack.gpu_config import GpuSettings
from ci.stack.model import Stack
from ci.stack.reader import read_stack
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.publish.pipeline_harness import Engine
from tests.unit.commands.samples import GPU, ports, session, tree

pytestmark = pytest.mark.anyio
TAG, STABLE = "2026.4-a1239ab", "2026.4-stable"
NOW = "2026-11-25T08:00:00+00:00"
OPTIONS = PromotionOptions(tag=TAG)


class Gate:
    """The GPU gate with a verdict that is known before. Keeps what it ran."""

    def __init__(self, outcome: GpuOutcome = GpuOutcome.PASSED, *, can_log_in: bool = True) -> None:
        self.outcome = outcome
        self.ran: list[str] = []
        self.ports = GpuPorts(self.run, can_log_in)
        self.meanwhile = _nothing

    async def run(self, settings: GpuSettings, reference: str) -> GpuVerdict:
        self.ran.append(reference)
        self.meanwhile()
        return GpuVerdict(
            image=settings.image,
            reference=reference,
            outcome=self.outcome,
            why="It is so.",
            host=settings.host,
            pod="pod",
            started=NOW,
            seconds=1,
            attempts=(),
        )


def quiet(_line: str) -> None:
    pass


def _nothing() -> None:
    pass


class Published:
    """A stack that was published in a registry in memory."""

    def __init__(self, stack: Stack, opened: RegistrySession, registry: MemoryRegistry) -> None:
        self.stack = stack
        self.session = opened
        self.registry = registry

    def tags(self, tag: str) -> set[str]:
        return {name for name, tags in self.registry.contents.tags.items() if tag in tags}


async def published(gpu: str = GPU) -> Published:
    registry = MemoryRegistry()
    found, opened = tree(gpu=gpu), session(registry)
    world = ports(opened)._replace(builder=Engine(registry, 1))
    report = (await build_stack(read_stack(found), found, BuildOptions(publish=True), world)).report
    assert report.exit_code == 0, report.publication
    registry.calls.clear()
    return Published(read_stack(found), opened, registry)


async def test_a_promotion_runs_the_gate_once_and_keeps_the_verdict() -> None:
    made, gate = await published(), Gate()
    applied = await promote(made.stack, made.session, OPTIONS, gate.ports, now=NOW, log=quiet)
    assert len(gate.ran) == 1
    assert made.tags(STABLE) == {"registry.example/ucsdets/base", "registry.example/ucsdets/ml"}
    assert applied.plan.record.proof is not None
    again = await promote(made.stack, made.session, OPTIONS, gate.ports, now=NOW, log=quiet)
    assert again.plan.is_done
    assert len(gate.ran) == 1


async def test_a_verdict_of_an_earlier_test_is_enough() -> None:
    made, gate = await published(), Gate()
    assert (await run_gpu_test(made.stack, made.session, TAG, gate.ports, keep=True)).passed
    await promote(made.stack, made.session, OPTIONS, Gate(can_log_in=False).ports, now=NOW, log=quiet)
    assert made.tags(STABLE)


async def test_without_an_approval_and_a_login_nothing_is_promoted() -> None:
    made, gate = await published(), Gate(can_log_in=False)
    with pytest.raises(PromotionDeniedError, match="was not promoted"):
        await promote(made.stack, made.session, OPTIONS, gate.ports, now=NOW, log=quiet)
    assert gate.ran == []
    assert made.tags(STABLE) == set()


async def test_a_gate_that_fails_denies_the_promotion() -> None:
    made, gate = await published(), Gate(GpuOutcome.TESTS_FAILED)
    with pytest.raises(PromotionDeniedError, match="tests failed"):
        await promote(made.stack, made.session, OPTIONS, gate.ports, now=NOW, log=quiet)
    assert made.tags(STABLE) == set()


async def test_missing_rights_are_reported_before_the_gate_runs() -> None:
    made, gate = await published(), Gate()

    def refuse(call: str) -> None:
        if call.startswith("preflight"):
            raise AccessError("this account may not write")

    opened = session(MemoryRegistry(made.registry.contents, refuse))
    with pytest.raises(Exception, match="this account may not write"):
        await promote(made.stack, opened, OPTIONS, gate.ports, now=NOW, log=quiet)
    assert gate.ran == []


async def test_a_dry_run_writes_nothing_and_keeps_no_verdict() -> None:
    made, gate = await published(), Gate()
    options = PromotionOptions(tag=TAG, dry_run=True)
    applied = await promote(made.stack, made.session, options, gate.ports, now=NOW, log=quiet)
    assert not applied.plan.is_done
    assert [call for call in made.registry.calls if call.startswith(("put", "preflight"))] == []


async def test_tags_that_changed_while_the_gate_ran_are_read_again() -> None:
    made, gate = await published(), Gate()
    contents = made.registry.contents
    base = "registry.example/ucsdets/base"

    def promote_one() -> None:
        contents.tags[base][STABLE] = contents.tags[base][TAG]

    gate.meanwhile = promote_one
    applied = await promote(made.stack, made.session, OPTIONS, gate.ports, now=NOW, log=quiet)
    assert [update.old is not None for update in applied.plan.record.moves] == [True, False]


async def test_the_gate_may_be_left_out_in_a_dry_run_only() -> None:
    made, gate = await published(), Gate()
    with pytest.raises(RequestError, match="--no-gpu works only with --dry-run"):
        await promote(made.stack, made.session, PromotionOptions(tag=TAG, gpu=False), gate.ports, now=NOW, log=quiet)
    shown = PromotionOptions(tag=TAG, gpu=False, dry_run=True)
    assert (await promote(made.stack, made.session, shown, gate.ports, now=NOW, log=quiet)).plan.record.proof is None
    assert gate.ran == []


@pytest.mark.parametrize("accept", ["", "  "])
async def test_a_promotion_without_a_gpu_needs_a_reason_in_words(accept: str) -> None:
    made, gate = await published(), Gate()
    options = PromotionOptions(tag=TAG, accept_without_gpu=accept)
    with pytest.raises(RequestError, match="needs a reason in words"):
        await promote(made.stack, made.session, options, gate.ports, now=NOW, log=quiet)


async def test_a_tag_that_cannot_become_stable_is_refused_before_anything_is_read() -> None:
    made, gate = await published(), Gate()
    with pytest.raises(RequestError, match="latest"):
        await promote(made.stack, made.session, PromotionOptions(tag="latest"), gate.ports, now=NOW, log=quiet)
    assert made.registry.calls == []


async def test_a_stack_without_a_gpu_table_cannot_be_tested_on_one() -> None:
    made, gate = await published(gpu=""), Gate()
    with pytest.raises(RequestError, match=r"no \[gpu\] table"):
        await run_gpu_test(made.stack, made.session, TAG, gate.ports, keep=True)
    with pytest.raises(PromotionDeniedError):
        await promote(made.stack, made.session, OPTIONS, gate.ports, now=NOW, log=quiet)
    accepted = PromotionOptions(tag=TAG, accept_without_gpu="no image here uses a GPU")
    await promote(made.stack, made.session, accepted, gate.ports, now=NOW, log=quiet)
    assert made.tags(STABLE)


async def test_a_rollback_goes_back_and_history_shows_both() -> None:
    made, gate = await published(), Gate()
    await promote(made.stack, made.session, OPTIONS, gate.ports, now=NOW, log=quiet)
    shown = await rollback(made.stack, made.session, STABLE, to="", dry_run=True, now=NOW, log=quiet)
    assert not shown.plan.is_done
    assert made.tags(STABLE)
    await rollback(made.stack, made.session, STABLE, to="", dry_run=False, now=NOW, log=quiet)
    timeline = await show_history(made.stack, made.session, STABLE)
    assert [entry.record.number for entry in timeline.entries] == [2, 1]


async def test_where_a_rollback_goes_is_said_before_anything_is_written() -> None:
    made, gate = await published(), Gate()
    await promote(made.stack, made.session, OPTIONS, gate.ports, now=NOW, log=quiet)
    said: list[str] = []

    def log(line: str) -> None:
        assert not any(call.startswith("put") for call in made.registry.calls)
        said.append(line)

    made.registry.calls.clear()
    applied = await rollback(made.stack, made.session, STABLE, to="", dry_run=False, now=NOW, log=log)
    assert said == [f"This undoes record 1 (promotion of {TAG}): {STABLE} goes back to no images."]
    assert applied.plan.notes == tuple(said)
