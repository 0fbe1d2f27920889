"""`divide` and `build-share`: the plan of a stack for several machines, and the part of one of them."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ci.build.ports import RunPorts
from ci.build.runner import Run
from ci.build.tasks import BuildRun
from ci.commands.build import BuildResult, commit_problems, make_publisher, make_substitutions
from ci.commands.options import BuildOptions
from ci.commands.plan import BuildPorts, collect_inputs
from ci.commands.registry import require_session
from ci.errors import RequestError
from ci.planning.cache_key import make_keys
from ci.planning.changes import History, changed_images
from ci.planning.decisions import PlanInputs, Present
from ci.planning.plan import Plan, make_plan
from ci.planning.secrets import GivenSecrets, check_secrets
from ci.publish.labels import ReleaseMetadata
from ci.publish.publisher import StackPublisher
from ci.publish.registry_state import RegistrySession
from ci.publish.uploaded import find_passed, find_uploaded
from ci.publish.weights import read_weights
from ci.results import Failure, ImageReport, Outcome, RunReport
from ci.sharing.dividing import divide
from ci.sharing.model import Share, Shares
from ci.sharing.share_plan import SharePlan, disagreements, find_share, needed, plan_share
from ci.stack.model import Stack, Tree
from ci.stack.stack_tag import StackTag

_NO_SECRETS = GivenSecrets()


async def divide_stack(stack: Stack, tree: Tree, options: BuildOptions, machines: int, ports: BuildPorts) -> Shares:
    """Plan a publication and divide it among at most so many machines. Raises RequestError and ExternalError.

    What forbids publishing is found here, before any machine starts.
    """
    if machines < 1:
        raise RequestError(f"--machines is {machines}: give how many machines may build at once, 1 or more.")
    options = msgspec.structs.replace(options, publish=True)
    started = ports.timestamp()
    inputs = await collect_inputs(stack, tree, options, ports)
    plan = make_plan(stack, inputs)
    publisher = make_publisher(stack, plan, inputs, options=options, session=ports.registry, started=started)
    await publisher.begin(plan.enabled)
    session = require_session(ports.registry)
    weights = await read_weights(session, plan.enabled, stack.version)
    return Shares(
        commit=inputs.history.commit or "",
        created=started,
        registry=session.tags.registry,
        epoch=inputs.refresh_epoch,
        is_refresh=options.refresh and not options.epoch,
        epochs=inputs.epochs,
        bases={base: digest for key in inputs.keys.values() for base, digest in key.bases.items() if digest},
        keys=inputs.keys,
        published={
            name: answer.needs
            for name, answer in inputs.answers.items()
            if isinstance(answer, Present) and name in plan.reused
        },
        forced=tuple(sorted(inputs.forced)),
        changed=changed_images(stack, inputs.history.changes),
        plan=plan,
        division=divide(plan, weights, machines),
    )


class Agreed(NamedTuple):
    """What every machine starts from: the open registry, git's history, and what the stack was divided from."""

    session: RegistrySession
    inputs: PlanInputs

    def publisher(self, stack: Stack, shares: Shares, *, is_refresh: bool) -> StackPublisher:
        """Return what publishes the images of a division."""
        metadata = ReleaseMetadata(
            tag=str(StackTag.of_commit(stack.version, shares.commit)),
            commit=shares.commit,
            created=shares.created,
            source=stack.source,
            epoch=shares.epoch,
            is_refresh=is_refresh,
        )
        return StackPublisher(self.session, metadata, stack, self.inputs)


async def agree(stack: Stack, tree: Tree, shares: Shares, ports: BuildPorts) -> Agreed:
    """Return what a machine starts from. Raises RequestError with all that is not as it was divided."""
    session = require_session(ports.registry)
    with ports.progress.work("read the history of git"):
        history = await ports.history("", "")
    bases: dict[str, str | None] = {**shares.bases}
    keys = make_keys(stack, tree, stack.images, bases, ports.pipeline, epochs=shares.epochs)
    problems = [*commit_problems(history), *disagreements(shares, history.commit, session.tags.registry, keys)]
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise RequestError(f"This is not the stack that was divided:\n{listed}")
    return Agreed(session, _inputs(shares, history))


def _inputs(shares: Shares, history: History) -> PlanInputs:
    reused = shares.plan.reused
    return PlanInputs(
        keys=shares.keys,
        answers={name: Present(digest=reused[name], needs=needs) for name, needs in shares.published.items()},
        history=history,
        records=None,
        refresh_epoch=shares.epoch,
        epochs=shares.epochs,
    )


async def build_share(  # noqa: PLR0913 (a share, and how it is built)
    stack: Stack,
    tree: Tree,
    shares: Shares,
    name: str,
    ports: BuildPorts,
    *,
    jobs: int = 0,
    measure: bool = False,
    secrets: GivenSecrets = _NO_SECRETS,
) -> BuildResult:
    """Build, test, upload and attest the images of one share. No tag of the stack is written.

    Raises RequestError and ExternalError before anything is built.
    """
    started = ports.timestamp()
    share = find_share(shares, name)
    session, inputs = agreed = await agree(stack, tree, shares, ports)
    with ports.progress.work("look up what other machines uploaded"):
        uploaded = await find_uploaded(session, shares, needed(stack, share))
        passed = await find_passed(session, shares, share.images)
    own = {name: found for name, found in passed.items() if isinstance(found, Sequence)}
    planned = plan_share(stack, shares, share, uploaded, own)
    check_secrets(stack, planned.plan, secrets)
    publisher = agreed.publisher(stack, shares, is_refresh=False)
    await publisher.begin(share.images)
    run = BuildRun(
        jobs=jobs or ports.jobs,
        started=started,
        describe=True,
        measure=measure,
        tags=False,
        tested=planned.plan.to_test,
        substitutions=make_substitutions(stack, planned.plan, inputs, session),
        commit=shares.commit,
        changed=shares.changed,
    )
    running = Run(
        planned.plan,
        stack,
        RunPorts(ports.builder, ports.tester, ports.inspector, ports.progress, publisher),
        run,
    )
    report = await running.report()
    return BuildResult(_with_blocked(stack, shares, share, planned, report), running.contents, stack.highlights)


def _with_blocked(stack: Stack, shares: Shares, share: Share, planned: SharePlan, report: RunReport) -> RunReport:
    """Return the report of a share with the images that it could not begin."""
    images, plans = dict(report.by_name), {image.name: image for image in planned.plan.images}
    explained: set[str] = set()
    for image in shares.plan.images:
        cause = planned.blocked.get(image.name)
        if cause is None:
            continue
        failure = None if cause in explained else _missing(stack, shares, image.name, cause)
        explained.add(cause)
        plans[image.name] = image
        images[image.name] = ImageReport(name=image.name, outcome=Outcome.BLOCKED, blocked_by=cause, failure=failure)
    order = [image.name for image in stack.images if image.name in plans]
    return msgspec.structs.replace(
        report,
        plan=Plan(images=tuple(plans[name] for name in order)),
        images=tuple(images[name] for name in order),
        share=share.name,
        divided=shares.created,
    )


def _missing(stack: Stack, shares: Shares, name: str, cause: str) -> Failure:
    owner = shares.division.owners[cause].name
    message = (
        f"{cause} is built by {owner} and is not in the registry: {owner} did not upload it. Run {owner} first; its "
        "report says what went wrong."
    )
    return Failure(
        path=stack.by_name[name].dockerfile_path,
        line=0,
        instruction=f"taking {cause} from the registry",
        message=message,
    )
