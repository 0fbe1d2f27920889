"""`build-stack`, `build-report`, `test` and `image`: build a plan, test it, publish it; and what forbids publishing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import anyio

from ci.build.outcomes import with_contents
from ci.build.ports import RunPorts
from ci.build.runner import Run
from ci.build.tasks import BuildRun
from ci.commands.options import BuildOptions
from ci.commands.plan import BuildPorts, collect_inputs
from ci.contents.described_stack import DescribedStack
from ci.contents.model import Contents
from ci.errors import RequestError, first_few
from ci.fusion.fuse import fuse
from ci.fusion.fused import Fused
from ci.fusion.substitutions import Substitutions, proxies_of, substitutions_of
from ci.planning.changes import History, Unknown, changed_images
from ci.planning.decisions import PlanInputs
from ci.planning.plan import Plan, check_suites, make_plan
from ci.planning.secrets import GivenSecrets, check_secrets
from ci.publish.budget_gate import BudgetGate
from ci.publish.described import find_contents
from ci.publish.labels import ReleaseMetadata
from ci.publish.publisher import StackPublisher
from ci.publish.registry_state import RegistrySession
from ci.publish.sizes import with_registry_sizes
from ci.results import RunReport
from ci.stack.model import Stack, Tree
from ci.stack.stack_tag import StackTag

_NO_SECRETS = GivenSecrets()
# Seconds: a silent registry must not keep a finished run waiting.
_READING_LIMIT = 60.0


class BuildResult(NamedTuple):
    """The report of a run, and what is in its images, unless that was not asked for.

    What is in images that were reused is known only if they were measured, too.
    """

    report: RunReport
    contents: Mapping[str, Contents]
    highlights: Sequence[str]
    """Of stack.toml."""

    @property
    def described(self) -> DescribedStack:
        """The images whose contents are known."""
        parents = {image.name: image.parent for image in self.report.plan.images}
        return DescribedStack(name="this run", images=self.contents, parents=parents)


async def build_stack(stack: Stack, tree: Tree, options: BuildOptions, ports: BuildPorts) -> BuildResult:
    """Plan, build, test and, if asked to, publish. Raises RequestError and ExternalError before anything is built."""
    check_growth(stack, options.accept_growth)
    started = ports.timestamp()
    inputs = await collect_inputs(stack, tree, options, ports)
    plan = make_plan(stack, inputs, only=options.only)
    check_secrets(stack, plan, options.secrets)
    publisher = (
        make_publisher(stack, plan, inputs, options=options, session=ports.registry, started=started)
        if options.publish
        else None
    )
    if publisher is not None:
        await publisher.begin(plan.enabled)
    if options.retest:
        plan = plan.with_retests
    run = BuildRun(
        jobs=options.jobs or ports.jobs,
        started=started,
        describe=options.describe,
        measure=options.measure,
        tested=plan.to_test if options.test else (),
        retest=started if options.retest else "",
        substitutions=make_substitutions(stack, plan, inputs, ports.registry),
        commit=inputs.history.commit,
        changed=changed_images(stack, inputs.history.changes),
    )
    budgets = None
    if options.describe and stack.budget is not None and ports.registry is not None:
        budgets = BudgetGate(ports.registry, stack, stack.budget, options.accept_growth)
    running = Run(plan, stack, _run_ports(ports)._replace(publisher=publisher, budgets=budgets), run)
    report = await running.report()
    contents = running.contents
    if options.measure and ports.registry is not None:
        report = await with_registry_sizes(report, stack, ports.registry)
        if options.describe:
            reused = await published_contents(ports.registry, report.plan.reused)
            report, contents = with_contents(report, reused, stack.highlights), {**contents, **reused}
    return BuildResult(report, contents, stack.highlights)


async def published_contents(session: RegistrySession, digests: Mapping[str, str]) -> Mapping[str, Contents]:
    """Return what is in published images, as far as the registry says so in time."""
    found: Mapping[str, object] = {}
    with anyio.move_on_after(_READING_LIMIT):
        found = await find_contents(session, digests)
    return {name: answer for name, answer in found.items() if isinstance(answer, Contents)}


def _run_ports(ports: BuildPorts) -> RunPorts:
    return RunPorts(ports.builder, ports.tester, ports.inspector, ports.progress)


def check_growth(stack: Stack, reason: str) -> None:
    """Raise RequestError for a reason to accept growth that cannot be one."""
    if reason and stack.budget is None:
        raise RequestError("--accept-growth accepts what is over its budget, but stack.toml has no [budget].")
    if reason and not reason.strip():
        raise RequestError("--accept-growth needs a reason in words: it is recorded with the stack.")


async def run_image_tests(  # noqa: PLR0913 (an image, its suites, and how)
    stack: Stack,
    image: str,
    suites: Sequence[str],
    ports: BuildPorts,
    *,
    retest: bool = False,
    secrets: GivenSecrets = _NO_SECRETS,
) -> RunReport:
    """Build one image and all it needs from source, and run its suites, or those of them that `suites` names."""
    started = ports.timestamp()
    plan = _plan_for(stack, image, secrets)
    check_suites(stack, image, suites)
    run = BuildRun(
        jobs=ports.jobs,
        started=started,
        tested=(image,),
        suites=tuple(suites),
        retest=started if retest else "",
        substitutions=Substitutions(proxies=proxies_of(stack)),
    )
    return await _run(plan, stack, run, ports)


async def build_image(
    stack: Stack, name: str, ports: BuildPorts, secrets: GivenSecrets = _NO_SECRETS
) -> tuple[RunReport, Fused]:
    """Build one image and all it needs from source. Returns the text that it was built from, too."""
    run = BuildRun(jobs=ports.jobs, started=ports.timestamp(), substitutions=Substitutions(proxies=proxies_of(stack)))
    report = await _run(_plan_for(stack, name, secrets), stack, run, ports)
    return report, fuse(stack, name, run.substitutions)


def _plan_for(stack: Stack, image: str, secrets: GivenSecrets) -> Plan:
    plan = make_plan(stack, only=[image])
    check_secrets(stack, plan, secrets)
    return plan


async def _run(plan: Plan, stack: Stack, run: BuildRun, ports: BuildPorts) -> RunReport:
    return await Run(plan, stack, _run_ports(ports), run).report()


def make_publisher(  # noqa: PLR0913 (what may be published depends on all of these)
    stack: Stack,
    plan: Plan,
    inputs: PlanInputs,
    *,
    options: BuildOptions,
    session: RegistrySession | None,
    started: str,
) -> StackPublisher:
    """Return what publishes a plan. Raises RequestError with everything that forbids it, before anything is built."""
    problems = [*_publish_problems(stack, plan, inputs, options, session)]
    commit = inputs.history.commit
    if problems or session is None or commit is None:
        raise RequestError("Cannot publish:\n" + "\n".join(f"  - {problem}" for problem in problems))
    metadata = ReleaseMetadata(
        tag=str(StackTag.of_commit(stack.version, commit)),
        commit=commit,
        created=started,
        source=stack.source,
        epoch=inputs.refresh_epoch,
        is_refresh=options.refresh and not options.epoch,
    )
    return StackPublisher(session, metadata, stack, inputs)


def _publish_problems(
    stack: Stack, plan: Plan, inputs: PlanInputs, options: BuildOptions, session: RegistrySession | None
) -> Iterator[str]:
    if not options.test:
        yield "--publish requires tests: remove --test=false."
    if not options.describe:
        yield "--publish needs to know what is in the images: remove --describe=false."
    if session is None:
        yield "No registry is given: name it with --registry, or as stack.registry in stack.toml."
    yield from commit_problems(inputs.history)
    if len(plan.images) < len(stack.images):
        yield "--publish works on the whole stack: remove --only."
    elif not plan.enabled:
        yield "Every image is disabled in stack.toml: nothing can be published."
    unknown = dict.fromkeys(base for key in inputs.keys.values() for base in key.unknown)
    if unknown:
        yield f"Cannot resolve base image {first_few(tuple(unknown))}: check the name and the registry login."
    if not stack.version:
        yield "Publishing needs a version for the tag, VERSION-COMMIT: set stack.version in stack.toml."


def commit_problems(history: History) -> Iterator[str]:
    """Yield why the source tree is not a clean commit, if so."""
    needed = "Publishing needs a clean commit (the tag is VERSION-COMMIT)"
    if history.commit is None:
        why = history.changes.why if isinstance(history.changes, Unknown) else ""
        yield f"{needed}, and the commit of the source tree is not known. {why}"
    elif history.dirty:
        filters = f" Filters of .git/config are not run here ({', '.join(history.filters)})." if history.filters else ""
        changes = f": {first_few(history.uncommitted)}" if history.uncommitted else ""
        yield f"{needed}. Commit your changes{changes}.{filters}"


def make_substitutions(stack: Stack, plan: Plan, inputs: PlanInputs, session: RegistrySession | None) -> Substitutions:
    """Return what a plan puts in the place of references and epochs."""
    published = {}
    if session is not None:
        published = {name: str(session.tags.repository(name).pinned(digest)) for name, digest in plan.reused.items()}
    return substitutions_of(
        stack,
        published=published,
        bases=[key.bases for key in inputs.keys.values()],
        epochs={name: key.epoch for name, key in inputs.keys.items()},
    )
