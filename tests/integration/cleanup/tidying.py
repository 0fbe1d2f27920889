"""Runs that publish over months, and what an operator sees of what they published."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ci.cleanup.ports import Remover
from ci.cleanup.registry_remover import RegistryRemover
from ci.commands.describe import list_stacks, read_tag
from ci.commands.options import BuildOptions
from ci.commands.rollback import show_history
from ci.commands.tidy import TidyOptions, TidyResult, tidy
from ci.oci.registry import Registry
from ci.reports.contents import render_overview
from ci.reports.manifests import described_images
from ci.reports.promotion import render_history
from ci.reports.stacks import render_stacks
from ci.retention.model import Policy
from tests.integration.promotion.published import STABLE
from tests.integration.publish.pipeline_harness import IMAGES, StackRuns

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
YEAR = TidyOptions(policy=Policy(keep_last=3, keep_days=30), most=100, delete=True)


def stack_tag(number: int) -> str:
    return f"2026.4-{number:07x}"


async def publish(runs: StackRuns, registry: Registry, number: int, *changed: str, days: int = 0) -> str:
    """Publish a stack in which some images have new sources, so many days ago; return its tag."""
    for image in changed:
        path = f"images/{image}/Dockerfile"
        runs.files[path] = f"{runs.files[path].splitlines()[0]}\nRUN {image} {number}\n"
        runs.inspector.packages[image] = [f"Package: tool\nVersion: {number}\n"]
    runs.commit = f"{number:07x}" + "0" * 33
    runs.later = timedelta(days=-days)
    runs.options = BuildOptions(publish=True)
    report = await runs.run_with(registry)
    assert report.exit_code == 0, report.publication
    return stack_tag(number)


async def tidied(
    runs: StackRuns, registry: Registry, options: TidyOptions = YEAR, remover: Remover | None = None
) -> TidyResult:
    """Run the command."""
    stack = runs.stack_of(runs.tree())
    chosen = remover or RegistryRemover(registry)
    return await tidy(stack, runs.session(registry), chosen, options, now=NOW.timestamp())


async def seen(runs: StackRuns, registry: Registry, tags: Sequence[str]) -> Mapping[str, str]:
    """Return what the commands print: history, stacks, and what the tags are and have in them."""
    stack, session = runs.stack_of(runs.tree()), runs.session(registry)
    texts = {
        "history": render_history(await show_history(stack, session, STABLE)),
        "stacks": render_stacks(await list_stacks(stack, session)),
    }
    for tag in tags:
        published = await read_tag(stack, session, tag)
        references = {image.name: str(image.place.pinned(image.digest)) for image in published.images}
        texts[tag] = render_overview(described_images(published.stack, references))
    return texts


async def state(runs: StackRuns, registry: Registry) -> Mapping[str, str]:
    """Return what every tag of the stack's repositories points to."""
    found: dict[str, str] = {}
    for repository in dict.fromkeys(map(runs.layout.repository, IMAGES)):
        for tag in await registry.tags(repository):
            found[str(repository.tagged(tag))] = await registry.head(repository.tagged(tag)) or ""
    return found
