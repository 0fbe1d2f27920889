"""Promotions and rollbacks that are killed after any number of writes, and clean-ups of the registry between them.

After each command that ends, all images of a tag are of one run; history is true after each, and a rollback goes where
history says.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from ci.oci.registry import Registry
from ci.promotion.apply import apply
from ci.promotion.errors import PromotionDeniedError
from ci.promotion.plan import plan_promotion
from ci.promotion.records import Kind
from ci.promotion.rollback import plan_rollback
from ci.promotion.timeline import RecordStatus, Timeline, updated
from ci.publish.attestations import RunRecord
from tests.integration.adapters.oci.contents import Contents
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.promotion.published import ACCEPTED, FORMS, NAMES, NOW, OWN, STABLE, Form, PublishedStack

State = dict[str, str | None]
TAGS = (STABLE, "stable")
WRITES = {"put", "put_blob", "delete"}
RUNS = 3


class KilledError(Exception):
    """The process is dead: whatever it does fails."""


class Kill(NamedTuple):
    """Kills a command instead of its next write, after so many writes: of stable tags, or of anything."""

    writes: int
    of_tags: bool


class Promote(NamedTuple):
    """Promote a run, for both tags or for one."""

    run: int
    also: bool
    kill: Kill | None


class RollBack(NamedTuple):
    """Roll a tag back."""

    tag: str
    kill: Kill | None


class CleanUp(NamedTuple):
    """The registry deletes all attestations, with the records."""


# Many kills are where a tag is mixed by them, and few clean-ups: they leave nothing to go back to.
KILLS = (
    some.none()
    | some.builds(Kill, writes=some.integers(1, 3), of_tags=some.just(True))  # noqa: FBT003
    | some.builds(Kill, writes=some.integers(0, 40), of_tags=some.just(False))  # noqa: FBT003
    | some.none()
)
PROMOTIONS = some.builds(Promote, some.integers(0, RUNS - 1), some.booleans(), KILLS)
ROLLBACKS = some.builds(RollBack, some.sampled_from([*TAGS, STABLE]), KILLS)
ACTIONS = some.integers(0, 9).flatmap(
    lambda number: PROMOTIONS if number < 5 else ROLLBACKS if number < 9 else some.builds(CleanUp)
)
LAYER = some.sampled_from([b"a", b"b", b"c"])
# Images join and leave the stack, but the base.
LAYERS = some.fixed_dictionaries({"base": LAYER}, optional=dict.fromkeys(NAMES[1:], LAYER))


class Meant(NamedTuple):
    """What a record was to reach: the state of its tag, and then the states that rollbacks go back to."""

    state: State
    way_back: list[State]


class Model:
    """What a tag should point to: the whole states from the first to the last, and what records since then meant."""

    def __init__(self, tag: str, state: State) -> None:
        self.tag = tag
        self.way_back = [state]
        self.begun: dict[int, Meant] = {}

    @property
    def whole(self) -> State:
        return self.way_back[-1]

    def promoted(self, run: RunRecord) -> Meant:
        state = {**self.whole, **{image.name: image.digest for image in run.images}}
        return Meant(state, [*self.way_back, state] if state != self.whole else self.way_back)

    def rolled_back(self, timeline: Timeline) -> Meant | None:
        """Return where history says that a rollback goes, None if it says that there is no way back."""
        unfinished = timeline.interrupted
        if unfinished and unfinished.kind is Kind.ROLLBACK:
            return self.begun[unfinished.number]
        if unfinished:
            return Meant(self.whole, self.way_back)
        return Meant(self.way_back[-2], self.way_back[:-1]) if len(self.way_back) > 1 and timeline.current else None

    def settle(self, way_back: list[State]) -> None:
        self.way_back, self.begun = way_back, {}

    def check(self, timeline: Timeline, state: State) -> None:
        """Compare with what the tag points to, after whatever was done or not done."""
        unfinished = timeline.interrupted
        begun = [*reversed(self.begun.values())]
        reached = next((one for one in begun if one.state == state), None)
        if state == self.whole:
            self.settle(self.way_back)
        # What a newer update wrote before it was killed may complete an older one, whose images it shares. Then history
        # may say either: that the older one is in effect, or that the newer one is unfinished.
        elif reached and (reached is begun[0] or not unfinished):
            self.settle(reached.way_back)
        assert (unfinished is not None) == (state != self.whole)
        now = {name: digest for name, digest in timeline.now.items() if digest}
        if unfinished:
            assert timeline.current is None
            assert unfinished.number in self.begun
            assert updated(unfinished, self.tag, timeline.now)
        if timeline.current:
            assert now.items() >= {(name, one) for name, one in timeline.current.new(self.tag).items() if one}
            restores = timeline.current.restores
            restored = [
                one.record for one in timeline.entries if one.record.number == restores and one.status == "earlier"
            ]
            assert len(restored) == bool(restores)
            assert all(one.new(self.tag).items() <= timeline.now.items() for one in restored)
        assert RecordStatus.MOVED not in {entry.status for entry in timeline.entries}


class Story:
    """A stack, its runs, and an operator whose commands may be killed."""

    def __init__(self, contents: Contents, form: Form) -> None:
        self.contents = contents
        self.stack = PublishedStack(MemoryRegistry(contents), "registry.test", form=form)
        self.runs: list[RunRecord] = []
        self.models: dict[str, Model] = {}

    async def begin(self, legacy: dict[str, bytes], layers: Sequence[dict[str, bytes]]) -> None:
        for name, layer in legacy.items():
            image = await self.stack.image(name, layer)
            await self.stack.registry.put(self.stack.places[name].tagged(STABLE), image)
        for number, one in enumerate(layers):
            part = self.stack.part(sorted(one))
            self.runs.append(await part.publish(f"2026.4-aaaaaa{number}", layers=one))
        self.models = {tag: Model(tag, await self.stack.digests(tag)) for tag in TAGS}

    async def act(self, action: Promote | RollBack | CleanUp) -> None:
        if isinstance(action, Promote):
            await self.promote(action)
        elif isinstance(action, RollBack):
            await self.roll_back(action)
        elif not any([(await self.stack.history(tag)).interrupted for tag in TAGS]):
            self.contents.collect_garbage()
            for model in self.models.values():
                model.settle([model.whole])
        for model in self.models.values():
            model.check(await self.stack.history(model.tag), await self.stack.digests(model.tag))

    async def promote(self, action: Promote) -> None:
        run, also = self.runs[action.run], TAGS[1:] if action.also else ()
        meant = {tag: self.models[tag].promoted(run) for tag in (STABLE, *also)}

        async def work(registry: Registry) -> None:
            await apply(registry, await plan_promotion(registry, run, ACCEPTED, at=NOW, also=also))

        await self.run(work, action.kill, meant)

    async def roll_back(self, action: RollBack) -> None:
        timeline = await self.stack.history(action.tag)
        meant = self.models[action.tag].rolled_back(timeline)

        async def work(registry: Registry) -> None:
            await apply(registry, await plan_rollback(registry, timeline, at=NOW))

        if meant:
            await self.run(work, action.kill, {action.tag: meant})
            return
        with pytest.raises(PromotionDeniedError):
            await work(self.stack.registry)

    async def run(
        self, work: Callable[[Registry], Awaitable[None]], kill: Kill | None, meant: dict[str, Meant]
    ) -> None:
        """Run a command. One that is killed means something from its record on."""
        before = {tag: (await self.stack.history(tag)).last_number for tag in meant}
        killed = False
        try:
            await work(MemoryRegistry(self.contents, _Killer(kill) if kill else None))
        except* KilledError:
            killed = True
        for tag, one in meant.items():
            number = (await self.stack.history(tag)).last_number
            if not killed:
                self.models[tag].settle(one.way_back)
                assert await self.stack.digests(tag) == one.state
            elif number > before[tag]:
                self.models[tag].begun[number] = one


class _Killer:
    """Counts down to the write that a command is killed at. After that all calls fail: nothing is restored."""

    def __init__(self, kill: Kill) -> None:
        self._kill = kill
        self._left = kill.writes
        self._dead = False

    def __call__(self, call: str) -> None:
        verb, _, about = call.partition(" ")
        if verb in WRITES and (about.endswith(TAGS) or not self._kill.of_tags):
            self._dead = self._dead or self._left == 0
            self._left -= 1
        if self._dead:
            raise KilledError


@given(
    legacy=some.dictionaries(some.sampled_from(NAMES), some.sampled_from([b"a", b"old"])),
    layers=some.lists(LAYERS, min_size=RUNS, max_size=RUNS),
    actions=some.lists(ACTIONS, min_size=4, max_size=10),
    deletes=some.booleans(),
    form=some.sampled_from([*FORMS.values()]),
)
@example(  # the record that finished the rollback was in the history of the image alone that was left to do
    legacy={},
    layers=[{"base": b"a", "datascience": b"a"}, {"base": b"a"}, {"base": b"a"}],
    actions=[
        Promote(0, False, None),  # noqa: FBT003
        RollBack(STABLE, Kill(writes=1, of_tags=True)),
        RollBack(STABLE, None),
        Promote(1, False, None),  # noqa: FBT003
        RollBack(STABLE, None),
    ],
    deletes=False,
    form=OWN,
)
@example(  # what the killed third promotion wrote made the second one whole, whose images it shares
    legacy={"datascience": b"a"},
    layers=[
        {"base": b"b", "datascience": b"a", "scipy-ml": b"a", "rstudio": b"a"},
        {"base": b"a"},
        {"base": b"b", "scipy-ml": b"a"},
    ],
    actions=[
        Promote(1, False, None),  # noqa: FBT003
        Promote(0, False, Kill(writes=2, of_tags=True)),  # noqa: FBT003
        Promote(2, True, Kill(writes=2, of_tags=True)),  # noqa: FBT003
        Promote(0, False, None),  # noqa: FBT003
    ],
    deletes=False,
    form=OWN,
)
@settings(max_examples=400, deadline=None)
def test_whatever_was_interrupted_the_next_command_mends_it(
    legacy: dict[str, bytes],
    layers: list[dict[str, bytes]],
    actions: list[Promote | RollBack | CleanUp],
    deletes: bool,  # noqa: FBT001
    form: Form,
) -> None:
    async def tell() -> None:
        story = Story(Contents(deletes=deletes), form)
        await story.begin(legacy, layers)
        for action in actions:
            await story.act(action)

    anyio.run(tell)
