"""`[gpu]` of stack.toml: where and how an image is tested on a real GPU before a promotion."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
POD_ID = "{id}"
"""The placeholder in the name of the pod for a part that is different in each attempt."""
MAX_SECONDS = 11 * 3600
"""DSMLP deletes pods after twelve hours. One hour is left for starting, reporting and cleaning up."""
# The gate sets these itself, or with them the launcher would not wait for the tests.
_RESERVED_WORDS = ("--", "-i", "-N", "-f", "-b", "-B", "-d", "-h")


class GpuSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A field is a key of `[gpu]`. Limits are seconds, `memory` is GB."""

    image: str
    """The image of the stack that is tested, on behalf of all."""
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
    """The workspace that pays; empty for the account itself."""
    words: tuple[str, ...] = ()
    """More arguments for the launcher."""
    pod: str = f"gpu-gate-{POD_ID}"
    tests: str = "/opt/workflow_tests"
    """The folder of the tests in the image."""
    min_passed: AtLeastOne = 1
    """The gate fails with fewer passed tests."""
    connect_limit: Seconds = 30
    queue_limit: Seconds = 1800
    """Until the image runs: waiting for a GPU, and pulling the image."""
    run_limit: Seconds = 3600


# Checked before any work: on the cluster a mistake shows only after minutes, in a message of the launcher or in none.
_CHECKS: Mapping[str, tuple[str, str]] = {
    "image": (r".+", "expected the name of an image of the stack."),
    "host": (r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "expected a host name such as 'login.example.edu'."),
    "user": (r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "expected the name of an account."),
    "launch": (r"/[^\0\n]*[^/\0\n]", "expected the absolute path of a program."),
    "gpu-class": (
        r"[A-Za-z0-9][A-Za-z0-9._-]*",
        "expected a class of GPUs such as 'small'. Without one a pod is never scheduled.",
    ),
    "workspace": (r"([A-Za-z0-9][A-Za-z0-9._-]*)?", "expected the name of a workspace, or '' for none."),
    "tests": (r"/[^\0\n]*", "expected the absolute path of the tests in the image."),
    "pod": (
        r"(?!.{60})[a-z][a-z0-9-]*\{id\}([a-z0-9-]*[a-z0-9])?",
        f"expected at most 59 lower-case letters, digits and '-', with {POD_ID} once, which is different each time.",
    ),
}


def gpu_problems(read: Mapping[str, Any], given: Iterable[str]) -> Iterator[str]:
    """Return a sentence for each mistake. `read` are the keys with the right type, `given` all keys of the table."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(GpuSettings)}
    for key, field in fields.items():
        if field.required and key not in given:
            yield f"{key} is missing: the GPU gate needs it."
    for key, (pattern, sentence) in _CHECKS.items():
        if key in read and not re.fullmatch(pattern, str(read[key])):
            yield f"{key}: invalid value {str(read[key])!r}: {sentence}"
    for word in msgspec.convert(read.get("words", ()), tuple[str, ...]):
        if word in _RESERVED_WORDS or "\0" in word:
            yield f"words: {word!r} is not allowed: the gate itself decides what is launched, and how."
    seconds = sum(float(read.get(key, fields[key].default)) for key in ("queue-limit", "run-limit"))
    if seconds > MAX_SECONDS:
        yield f"queue-limit and run-limit add up to {seconds:.0f} seconds; the maximum is {MAX_SECONDS}."
