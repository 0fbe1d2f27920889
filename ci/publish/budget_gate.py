"""Judges what a run built and reused against what is stable in the registry."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ci.contents.budgets import ImageVerdict, Stable, judge
from ci.contents.described_stack import DescribedStack
from ci.contents.model import Contents
from ci.oci.registry import RegistryError
from ci.publish.described import find_contents, read_published_stack
from ci.publish.registry_state import RegistrySession
from ci.stack.budget_config import Budget
from ci.stack.model import Stack
from ci.stack.stack_tag import stable_tag_of


class BudgetGate(NamedTuple):
    """The budget of a stack. `accepted` is the reason that an operator gave to let growth pass, empty for none."""

    session: RegistrySession
    stack: Stack
    budget: Budget
    accepted: str = ""

    async def judge(
        self, names: Sequence[str], contents: Mapping[str, Contents], reused: Mapping[str, str]
    ) -> tuple[ImageVerdict, ...]:
        """Return the verdict on each of these images. `contents` are of those that were built, `reused` digests.

        What cannot be read is over its budget. Raises nothing that a registry may do.
        """
        found = dict(contents)
        missing: dict[str, str] = {}
        others = {name: reused[name] for name in names if name in reused and name not in contents}
        for name, answer in (await find_contents(self.session, others)).items():
            if isinstance(answer, Contents):
                found[name] = answer
            else:
                missing[name] = str(answer) if answer else _MISSING.format(name=name)
        parents = {name: self.stack.by_name[name].parent for name in names}
        new = DescribedStack(name="this run", images=found, parents=parents, missing=missing)
        return judge(self.budget, await self._stable(names), new, self.accepted)

    async def _stable(self, names: Sequence[str]) -> Stable:
        tag = self.budget.against or stable_tag_of(self.stack.version)
        try:
            published = await read_published_stack(self.session, names, tag)
        except RegistryError as error:
            return Stable(tag=tag, stack=None, problem=str(error))
        return Stable(tag=tag, stack=published.stack if published else None)


_MISSING = "It was published without a description. `describe --image {name} --tag TAG --keep` makes one."
