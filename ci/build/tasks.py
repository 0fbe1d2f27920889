"""The work of a run as a graph: which task needs which. Pure: it names tasks and does none of them."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from ci.fusion.fuse import fuse_all
from ci.fusion.fused import Fused, FusedStage
from ci.fusion.substitutions import Substitutions
from ci.planning.plan import Plan
from ci.stack.model import Stack, Suite, SuiteKind


class TaskKind(StrEnum):
    """What a task does. FETCH gets a published image; ATTEST writes down beside an image that it passed."""

    FETCH = "fetch"
    STAGE = "stage"
    IMAGE = "image"
    DESCRIBE = "describe"
    UPLOAD = "upload"
    TOOLS = "tools"
    SUITE = "suite"
    ATTEST = "prove"


class Task(NamedTuple):
    """One task. `part` is the stage of a STAGE and the `origin/kind` of a SUITE; TOOLS are of no image."""

    kind: TaskKind
    image: str
    part: str = ""


TOOLS = Task(TaskKind.TOOLS, "")


class Wanted(NamedTuple):
    """What is to be done with the images of a plan beyond building them.

    `describe` has each image's layers measured, `upload` sends what is built to the registry and proves there what
    passed. `tested` limits the images whose suites run, `suites`, if there are any, the suites (`kind` or
    `origin/kind`). `substitutions` is what stands in for what is not built.
    """

    tested: Collection[str] = ()
    suites: Collection[str] = ()
    describe: bool = False
    upload: bool = False
    substitutions: Substitutions = Substitutions()


class TaskGraph(NamedTuple):
    """All tasks of a run, the needed before those that need them.

    `waits` holds what a task has to wait for, `draws` all that it is made of. They differ where a stage copies from
    another stage of the same Dockerfile: it may start beside it, because the engine fetches what it needs itself.
    """

    fused: Mapping[str, Fused]
    suites: Mapping[Task, Suite]
    depends_on: Mapping[Task, tuple[Task, ...]]
    inputs: Mapping[Task, tuple[Task, ...]]


def plan_tasks(plan: Plan, stack: Stack, wanted: Wanted) -> TaskGraph:
    """Cut the plan into tasks.

    All that comes after the building stands behind it, so that a free slot goes to a child of an image before it goes
    to the image's tests. Uploads stand before tests: they take long, and mostly wait.
    """
    tested = [name for name in plan.to_test if name in wanted.tested]
    fused = fuse_all(stack, dict.fromkeys((*plan.to_build, *tested)), wanted.substitutions)
    graph = _Graph(stack, plan)
    for name, text in fused.items():
        graph.add_image(name, text)
    uploaded = [name for name in plan.to_build if wanted.upload]
    for name in uploaded:
        graph.add(Task(TaskKind.UPLOAD, name), Task(TaskKind.IMAGE, name), *graph.parents_upload(name))
    testing = {
        Task(TaskKind.SUITE, name, suite.name): suite
        for name in tested
        for suite in stack.suites_of(name)
        if suite.kind is not SuiteKind.GPU
        if not wanted.suites or {suite.name, suite.kind} & set(wanted.suites)
    }
    if testing:
        graph.add(TOOLS)
    for task in testing:
        graph.add(task, Task(TaskKind.IMAGE, task.image), TOOLS)
    if wanted.upload:
        for name in tested:
            suites = [task for task in testing if task.image == name]
            uploads = [Task(TaskKind.UPLOAD, name)] if name in uploaded else []
            graph.add(Task(TaskKind.ATTEST, name), *uploads, *suites)
    if wanted.describe:
        for name in fused:
            graph.add(Task(TaskKind.DESCRIBE, name), Task(TaskKind.IMAGE, name))
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
        """Add the stages of an image, the image as a whole, and the getting of published ones that it inputs on."""
        dependencies = (name,) if name in self._reused else self._stack.by_name[name].needs
        published = tuple(Task(TaskKind.FETCH, one) for one in dependencies if one in self._reused)
        for task in published:
            self.add(task)
        for stage in text.stages:
            if stage.image != name:
                continue
            task = Task(TaskKind.STAGE, name, stage.name)
            own = tuple(used for used in _drawn(text, stage) if used.kind is TaskKind.STAGE or used in self.depends_on)
            self.inputs[task] = (*own, *published)
            waited = (used for used in own if used.kind is TaskKind.IMAGE or used.part == stage.base)
            self.depends_on[task] = (*waited, *published)
        self.add(Task(TaskKind.IMAGE, name), Task(TaskKind.STAGE, name, text.stages[-1].name))

    def parents_upload(self, name: str) -> tuple[Task, ...]:
        """Return the upload of the parent, whose digest the image names, and whose layers are then there already."""
        upload = Task(TaskKind.UPLOAD, self._stack.by_name[name].parent or "")
        return (upload,) if upload in self.depends_on else ()


def _drawn(fused: Fused, stage: FusedStage) -> tuple[Task, ...]:
    owner = {other.name: other.image for other in fused.stages}
    return tuple(
        Task(TaskKind.STAGE, stage.image, name) if owner[name] == stage.image else Task(TaskKind.IMAGE, owner[name])
        for name in stage.needs
    )
