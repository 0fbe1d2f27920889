"""`[gpu]` of stack.toml: where and how an image is tried on a real GPU before it is promoted."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
POD_ID = "{id}"
"""What stands in the pod's name for a part that differs each time."""
MOST_SECONDS = 11 * 3600
"""DSMLP deletes pods after twelve hours; one is left for starting, answering and cleaning up."""
# The gate gives these itself, or they would have the launcher not wait for the tests.
_RESERVED_WORDS = ("--", "-i", "-N", "-f", "-b", "-B", "-d", "-h")


class GpuSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A field is a key of `[gpu]`. Limits are seconds, `memory` is GB."""

    image: str
    """The image of the stack that is tried for all."""
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
    """The workspace that pays for it; empty: the account itself."""
    words: tuple[str, ...] = ()
    """More words for the launcher."""
    pod: str = f"gpu-gate-{POD_ID}"
    tests: str = "/opt/workflow_tests"
    """Where the tests lie in the image."""
    min_passed: AtLeastOne = 1
    """Fewer passed tests are no proof."""
    connect_limit: Seconds = 30
    queue_limit: Seconds = 1800
    """For the time until the image runs: waiting for a GPU, and fetching the image."""
    run_limit: Seconds = 3600


# Checked before any work, since a mistake shows only after minutes there, in the launcher's words or in none at all.
_CHECKS: Mapping[str, tuple[str, str]] = {
    "image": (r".+", "names no image: write the name of one of the stack."),
    "host": (r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "is no host: write its name alone, like 'login.example.edu'."),
    "user": (r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "is no user: write the name of the account alone."),
    "launch": (r"/[^\0\n]*[^/\0\n]", "is no absolute path of a program: nothing else is sure to be found there."),
    "gpu-class": (
        r"[A-Za-z0-9][A-Za-z0-9._-]*",
        "is no class of GPUs: write one like 'small'. Without one a pod waits for ever.",
    ),
    "workspace": (r"([A-Za-z0-9][A-Za-z0-9._-]*)?", "is no workspace: write its name, or '' for none."),
    "tests": (r"/[^\0\n]*", "is no absolute path: write where the tests lie in the image."),
    "pod": (
        r"(?!.{60})[a-z][a-z0-9-]*\{id\}([a-z0-9-]*[a-z0-9])?",
        f"names no pod: write small letters, digits, '-' and once {POD_ID}, which differs each time; 59 at most.",
    ),
}


def gpu_problems(read: Mapping[str, Any], given: Iterable[str]) -> Iterator[str]:
    """LogLine what is wrong with the table: `read` are its keys that have the right type, `given` all that it has."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(GpuSettings)}
    for key, field in fields.items():
        if field.required and key not in given:
            yield f"{key} is missing: the GPU gate cannot do without it."
    for key, (pattern, sentence) in _CHECKS.items():
        if key in read and not re.fullmatch(pattern, str(read[key])):
            yield f"{key}: {str(read[key])!r} {sentence}"
    for word in msgspec.convert(read.get("words", ()), tuple[str, ...]):
        if word in _RESERVED_WORDS or "\0" in word:
            yield f"words: {word!r} cannot be among them: the gate's own words say what is launched, and how."
    seconds = sum(float(read.get(key, fields[key].default)) for key in ("queue-limit", "run-limit"))
    if seconds > MOST_SECONDS:
        yield f"queue-limit and run-limit are {seconds:.0f} seconds together, and {MOST_SECONDS} are the most."
