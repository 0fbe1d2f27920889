"""The tasks of a run and which depends on which. Pure: it lists tasks and runs none."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ci.fusion.fuse import fuse_all
from ci.fusion.fused import Fused, FusedStage, FusedStep
from ci.fusion.substitutions import Substitutions
from ci.planning.plan import Plan
from ci.stack.image import Suite, SuiteKind
from ci.stack.model import Stack
from ci.timing import TaskKind


class Task(NamedTuple):
    """One task. `part` is the stage of a STAGE or the folder of a SUITE; TOOLS belong to no image."""

    kind: TaskKind
    image: str
    part: str = ""


TOOLS = Task(TaskKind.TOOLS, "")


class BuildRun(msgspec.Struct, frozen=True, kw_only=True):
    """How a plan is run.

    `jobs` is how many tasks may run at once, `started` the time now (RFC 3339). With `describe`, what is in the
    images that are built is read, with `measure` how large their layers are. Without `tags`, the tag of the stack is
    not written.
    `tested` names the images whose suites run; `suites`, unless empty, limits these (`kind` or `origin/kind`). Tests
    that were run before run again if `retest` has a text that is new. `commit` and `changed` are for the report.
    """

    jobs: int
    started: str
    describe: bool = False
    measure: bool = False
    tags: bool = True
    tested: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    retest: str = ""
    substitutions: Substitutions = Substitutions()
    commit: str | None = None
    changed: tuple[str, ...] = ()


class TaskGraph(NamedTuple):
    """All tasks of a run, each after those that it depends on.

    `depends_on` holds what a task waits for, `inputs` everything it is made from. They differ where a stage copies from
    another stage of the same Dockerfile: both may start at once, because the engine fetches what it needs itself.
    """

    fused: Mapping[str, Fused]
    suites: Mapping[Task, Suite]
    depends_on: Mapping[Task, tuple[Task, ...]]
    inputs: Mapping[Task, tuple[Task, ...]]

    def steps(self, task: Task) -> tuple[FusedStep, ...]:
        """Return the steps of a STAGE."""
        steps = self.fused[task.image].steps if task.kind is TaskKind.STAGE else ()
        return tuple(step for step in steps if (step.image, step.stage) == (task.image, task.part))

    @property
    def sizes(self) -> Mapping[Task, int]:
        """How many pieces of work each task is: the steps of a stage, 1 for any other."""
        return {task: len(self.steps(task)) if task.kind is TaskKind.STAGE else 1 for task in self.depends_on}


def plan_tasks(plan: Plan, stack: Stack, run: BuildRun, *, upload: bool) -> TaskGraph:
    """Split the plan into tasks; with `upload`, what is built is pushed, and what passed is attested there.

    What comes after building has lower priority than all building, so that a free slot goes to a child of an image
    before it goes to the image's tests. Uploads come before tests: they take long, and mostly wait.
    """
    fused = fuse_all(stack, dict.fromkeys((*plan.to_build, *run.tested)), run.substitutions)
    graph = _Graph(stack, plan)
    for name, text in fused.items():
        graph.add_image(name, text)
    uploaded = [name for name in plan.to_build if upload]
    for name in uploaded:
        graph.add(Task(TaskKind.UPLOAD, name), Task(TaskKind.IMAGE, name), *graph.parents_upload(name))
    described = [Task(TaskKind.DESCRIBE, name) for name in plan.to_build if run.describe]
    for task in described:
        graph.add(task, Task(TaskKind.IMAGE, task.image))
    testing = {
        Task(TaskKind.SUITE, name, suite.folder): suite
        for name in run.tested
        for suite in stack.suites_of(name)
        if suite.kind is not SuiteKind.GPU
        if not run.suites or {suite.name, suite.kind} & set(run.suites)
    }
    if testing:
        graph.add(TOOLS)
    for task in testing:
        graph.add(task, Task(TaskKind.IMAGE, task.image), TOOLS)
    if upload:
        for name in run.tested:
            suites = [task for task in testing if task.image == name]
            # The attestation says which builds of the images it depends on went into it.
            uploads = [Task(TaskKind.UPLOAD, one) for one in (name, *stack.by_name[name].needs) if one in uploaded]
            own = [task for task in described if task.image == name]
            graph.add(Task(TaskKind.ATTEST, name), *uploads, *suites, *own)
    if run.measure:
        for name in fused:
            graph.add(Task(TaskKind.MEASURE, name), Task(TaskKind.IMAGE, name))
    return TaskGraph(fused, testing, graph.depends_on, graph.inputs)


class _Graph:
    def __init__(self, stack: Stack, plan: Plan) -> None:
        self._stack = stack
        self._reused = plan.reused
        self.depends_on: dict[Task, tuple[Task, ...]] = {}
        self.inputs: dict[Task, tuple[Task, ...]] = {}

    def add(self, task: Task, *needed: Task) -> None:
        self.depends_on[task] = self.inputs[task] = needed

    def add_image(self, name: str, text: Fused) -> None:
        """Add the stages of an image, the image as a whole, and the fetching of published images it depends on."""
        needed = (name,) if name in self._reused else self._stack.by_name[name].needs
        published = tuple(Task(TaskKind.FETCH, one) for one in needed if one in self._reused)
        for task in published:
            self.add(task)
        for stage in text.stages:
            if stage.image != name:
                continue
            task = Task(TaskKind.STAGE, name, stage.name)
            own = tuple(
                used for used in _stage_inputs(text, stage) if used.kind is TaskKind.STAGE or used in self.depends_on
            )
            self.inputs[task] = (*own, *published)
            awaited = (used for used in own if used.kind is TaskKind.IMAGE or used.part == stage.base)
            self.depends_on[task] = (*awaited, *published)
        self.add(Task(TaskKind.IMAGE, name), Task(TaskKind.STAGE, name, text.stages[-1].name))

    def parents_upload(self, name: str) -> tuple[Task, ...]:
        """Return the upload of the parent: the image names its digest, and the shared layers are there by then."""
        upload = Task(TaskKind.UPLOAD, self._stack.by_name[name].parent or "")
        return (upload,) if upload in self.depends_on else ()


def _stage_inputs(fused: Fused, stage: FusedStage) -> tuple[Task, ...]:
    owner = {other.name: other.image for other in fused.stages}
    return tuple(
        Task(TaskKind.STAGE, stage.image, name) if owner[name] == stage.image else Task(TaskKind.IMAGE, owner[name])
        for name in stage.needs
    )
