"""The secrets and the SSH agent that a build needs: what is missing is said before anything is built."""

import re
from collections.abc import Iterator, Sequence

import msgspec

from ci.dockerfile.parser import Instruction
from ci.dockerfile.secret_mounts import secret_mounts, ssh_mounts
from ci.errors import RequestError, did_you_mean
from ci.fusion.fuse import used_stages
from ci.planning.plan import Plan
from ci.stack.image import Image
from ci.stack.model import Stack

_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class GivenSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller gives to builds: the ids of secrets, and whether there is an SSH agent. Never their values."""

    ids: Sequence[str] = ()
    has_ssh: bool = False


def check_secrets(stack: Stack, plan: Plan, given: GivenSecrets) -> None:
    """Raise RequestError for required secrets of what a plan builds, and for given ones that no image mounts."""
    unknown = _unknown_ids(stack, given.ids)
    # As the fused texts: the children of a published image with an ONBUILD are built with it from its sources.
    published = [name for name in plan.reused if not stack.by_name[name].dockerfile.onbuild]
    images = stack.closure(plan.to_build, without=published)
    missing = dict.fromkeys(problem for image in images for problem in _missing(image, given))
    problems = [*unknown, *missing]
    if problems:
        raise RequestError("Secrets of this build:\n" + "\n".join(f"  - {problem}" for problem in problems))


def _missing(image: Image, given: GivenSecrets) -> Iterator[str]:
    instructions = _instructions(image)
    for secret in secret_mounts(instructions):
        if secret.is_required and not secret.has_variables and secret.id not in given.ids:
            id_option = "" if _VARIABLE.fullmatch(secret.id) else f"--build-secret-id {secret.id} "
            name = "NAME" if id_option else secret.id
            yield (
                f"{secret.location}: RUN --mount={secret.written}: this secret is required, and not given. "
                f"From an environment variable: {id_option}--build-secret env:{name}"
            )
    if not given.has_ssh:
        for agent in ssh_mounts(instructions):
            if agent.is_required:
                yield (
                    f"{agent.location}: RUN --mount={agent.written}: an SSH agent is required, and not given. "
                    "Write --build-ssh $SSH_AUTH_SOCK"
                )


def _unknown_ids(stack: Stack, ids: Sequence[str]) -> Iterator[str]:
    mounted = [one for image in stack.images if image.enabled for one in secret_mounts(_instructions(image))]
    if not any(one.has_variables for one in mounted):
        known = {one.id for one in mounted}
        for name in ids:
            if name not in known:
                yield f"--build-secret {name}: no RUN --mount=type=secret has this id.{did_you_mean(name, known)}"


def _instructions(image: Image) -> Sequence[Instruction]:
    return [one for stage in used_stages(image) for one in stage.body] if image.stages else []
