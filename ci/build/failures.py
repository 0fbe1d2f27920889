"""What went wrong with a task, as the failure of an image: where it was in its Dockerfile, and why."""

import traceback
from collections.abc import Mapping

import msgspec

from ci.build.engine_failure import EngineFailure
from ci.build.tasks import Task
from ci.errors import EngineLostError, StackError, describe_unexpected, leaf_errors
from ci.results import Failure
from ci.stack.model import Stack
from ci.timing import TaskKind

DOING: Mapping[TaskKind, str] = {
    TaskKind.FETCH: "fetching {}",
    TaskKind.STAGE: "building {}",
    TaskKind.IMAGE: "the image as a whole",
    TaskKind.DESCRIBE: "reading what is in it",
    TaskKind.MEASURE: "measuring its layers",
    TaskKind.TOOLS: "building the tools for tests",
    TaskKind.SUITE: "running the suite {}",
    TaskKind.UPLOAD: "uploading it",
    TaskKind.ATTEST: "attaching its attestations",
    TaskKind.PUBLISH: "publishing the tags",
}
"""What was being done, where it was no instruction. In braces, the name of a stage, suite or image."""


def failure_of(stack: Stack, image: str, line: int, instruction: str, failure: EngineFailure) -> Failure:
    """Return a failure at a line of an image's Dockerfile; with line 0, `instruction` says what else was being done."""
    return Failure(
        path=stack.by_name[image].dockerfile_path if image else "",
        line=line,
        instruction=instruction,
        message=failure.message,
        exit_code=failure.exit_code,
        output=failure.output,
    )


def caught(stack: Stack, task: Task, error: Exception) -> Failure:
    """Return an exception as the failure of the task that raised it. Raises EngineLostError if it is one."""
    errors = [*leaf_errors(error)]
    lost = next((one for one in errors if isinstance(one, EngineLostError)), None)
    if lost is not None:
        raise lost from error
    instruction = DOING[task.kind].format(task.part or task.image)
    if all(isinstance(one, StackError) for one in errors):
        message = "\n".join(dict.fromkeys(map(str, errors)))
        return failure_of(stack, task.image, 0, instruction, EngineFailure(message=message))
    log = f"logs/{task.image}/build.log of the report" if task.image else "report.json"
    message = f"{describe_unexpected(error)}, with the traceback from {log}."
    failure = failure_of(stack, task.image, 0, instruction, EngineFailure(message=message))
    return msgspec.structs.replace(failure, traceback="".join(traceback.format_exception(error)))
