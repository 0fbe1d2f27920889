"""`[gpu]` of stack.toml: where and how an image is tested on a real GPU before its promotion."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
POD_ID = "{id}"
"""The placeholder in the pod's name for a random part."""
MOST_SECONDS = 11 * 3600
"""DSMLP deletes pods after twelve hours; the gate needs up to one to start, report and clean up."""
# The gate passes these itself, or they would keep the launcher from waiting for the tests.
_RESERVED_WORDS = ("--", "-i", "-N", "-f", "-b", "-B", "-d", "-h")


class GpuSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """The keys of `[gpu]`. Limits are in seconds, `memory` is in GB."""

    image: str
    """The image of the stack that is tested on behalf of all."""
    host: str
    """The login node."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 22
    user: str
    launch: str = "/opt/launch-sh/bin/launch.sh"
    gpu_class: str
    gpus: AtLeastOne = 1
    cpus: AtLeastOne = 4
    memory: AtLeastOne = 32
    workspace: str
    """The workspace that is charged; empty for the account itself."""
    words: tuple[str, ...] = ()
    """More arguments for the launcher."""
    pod: str = f"gpu-gate-{POD_ID}"
    tests: str = "/opt/workflow_tests"
    """The path of the tests in the image."""
    min_passed: AtLeastOne = 1
    """The gate fails if fewer tests pass."""
    connect_limit: Seconds = 30
    queue_limit: Seconds = 1800
    """Until the image runs: for a free GPU, and for pulling the image."""
    run_limit: Seconds = 3600


# Checked before any work: the launcher shows a mistake only after minutes, or not at all.
_CHECKS: Mapping[str, tuple[str, str]] = {
    "image": (r".+", "is not an image: give the name of one of the stack."),
    "host": (r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "is not a host name. Example: 'login.example.edu'."),
    "user": (r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "is not a user name: give the account's name without a host."),
    "launch": (r"/[^\0\n]*[^/\0\n]", "is not an absolute path: the login node's PATH is not used."),
    "gpu-class": (
        r"[A-Za-z0-9][A-Za-z0-9._-]*",
        "is not a GPU class. Example: 'small'. A pod without a class is never scheduled.",
    ),
    "workspace": (r"([A-Za-z0-9][A-Za-z0-9._-]*)?", "is not a workspace: give its name, or '' for none."),
    "tests": (r"/[^\0\n]*", "is not an absolute path: give the path of the tests in the image."),
    "pod": (
        r"(?!.{60})[a-z][a-z0-9-]*\{id\}([a-z0-9-]*[a-z0-9])?",
        f"is not a pod name: use up to 59 lowercase letters, digits, '-' and {POD_ID} once, for a random part.",
    ),
}


def gpu_problems(read: Mapping[str, Any], given: Iterable[str]) -> Iterator[str]:
    """Find the problems of the table. `read` are its keys with a value of the right type, `given` all its keys."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(GpuSettings)}
    for key, field in fields.items():
        if field.required and key not in given:
            yield f"{key} is missing: the GPU gate needs it."
    for key, (pattern, sentence) in _CHECKS.items():
        if key in read and not re.fullmatch(pattern, str(read[key])):
            yield f"{key}: {str(read[key])!r} {sentence}"
    for word in msgspec.convert(read.get("words", ()), tuple[str, ...]):
        if word in _RESERVED_WORDS or "\0" in word:
            yield f"words: {word!r} is not allowed: the gate itself sets the launcher's image, pod and mode."
    seconds = sum(float(read.get(key, fields[key].default)) for key in ("queue-limit", "run-limit"))
    if seconds > MOST_SECONDS:
        yield f"queue-limit and run-limit add up to {seconds:.0f} seconds; the maximum is {MOST_SECONDS}."
