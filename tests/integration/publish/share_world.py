"""A stack that several machines publish, each with an engine of its own, and a registry in memory."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import msgspec

from ci.commands.gathering import gather_shares
from ci.commands.options import BuildOptions
from ci.commands.plan import BuildPorts
from ci.commands.sharing import build_share, divide_stack
from ci.results import RunReport
from ci.sharing.dividing import divide as split
from ci.sharing.files import read_shares
from ci.sharing.model import Costs, Shares, Weight
from ci.stack.model import Stack, Tree
from tests.integration.publish.world import PLAIN, Step, World

EAGER = Costs(start=0, slots=1)
"""Machines that start at once: any stack is divided."""
WEIGHT = Weight(build=600, test=600, upload=60, size=1)


class Machines(World):
    """Each command is given what a file of JSON holds, as on machines of their own."""

    options = BuildOptions()

    async def divide(self, step: Step = PLAIN, machines: int = 2) -> Shares | None:
        async def divide(stack: Stack, tree: Tree, ports: BuildPorts) -> Shares:
            return await divide_stack(stack, tree, step.options, machines, ports)

        self.moment += timedelta(minutes=1)
        shares = await self.attempt(step, divide)
        if shares is None:
            return None
        weights = dict.fromkeys(self.parents, WEIGHT)
        shares = msgspec.structs.replace(shares, division=split(shares.plan, weights, machines, EAGER))
        return read_shares(msgspec.json.encode(shares).decode())

    async def divided(self, step: Step = PLAIN, machines: int = 2) -> Shares:
        shares = await self.divide(step, machines)
        assert shares is not None
        return shares

    async def build(self, shares: Shares, name: str, step: Step = PLAIN) -> RunReport | None:
        async def build(stack: Stack, tree: Tree, ports: BuildPorts) -> RunReport:
            return (await build_share(stack, tree, shares, name, ports)).report

        self.moment += timedelta(minutes=1)
        report = await self.attempt(step, build)
        return report and msgspec.json.decode(msgspec.json.encode(report), type=RunReport)

    async def build_all(self, shares: Shares, step: Step = PLAIN) -> list[RunReport]:
        found = [await self.build(shares, share.name, step) for share in shares.division.shares]
        return [report for report in found if report is not None]

    async def gather(self, shares: Shares, reports: Iterable[RunReport | None], step: Step = PLAIN) -> RunReport | None:
        kept = [report for report in reports if report is not None]

        async def gather(stack: Stack, tree: Tree, ports: BuildPorts) -> RunReport:
            return (await gather_shares(stack, tree, shares, kept, ports)).report

        self.moment += timedelta(minutes=1)
        report = await self.attempt(step, gather)
        if report is not None and report.exit_code == 0:
            self.check(self.tag)
        return report

    async def gathered(self, shares: Shares, reports: Iterable[RunReport | None]) -> RunReport:
        report = await self.gather(shares, reports)
        assert report is not None
        return report

    async def publish(self, step: Step = PLAIN, machines: int = 2) -> RunReport:
        shares = await self.divided(step, machines)
        return await self.gathered(shares, await self.build_all(shares))

    @property
    def has_tag(self) -> bool:
        """Whether any image has the tag of the stack."""
        tags = (self.layout.tag(name, self.tag) for name in self.parents)
        return any(one.tag in self.contents.tags[str(one.repository)] for one in tags)

    def tags(self) -> Mapping[str, list[str]]:
        """Return the tags of each image, without those of lists of what is attached."""
        found = {name: self.contents.tags[str(self.layout.repository(name))] for name in self.parents}
        return {name: sorted(tag for tag in tags if not tag.startswith("sha256-")) for name, tags in found.items()}


def outcomes(report: RunReport | None) -> dict[str, str]:
    assert report is not None
    return {image.name: image.outcome.value for image in report.images}


def why(report: RunReport | None, name: str) -> str:
    assert report is not None
    failure = report.by_name[name].failure
    return failure.message if failure else ""
