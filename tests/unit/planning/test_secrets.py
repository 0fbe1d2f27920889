"""What a build needs besides files and images is said before anything is built."""

import msgspec
import pytest

from ci.errors import RequestError
from ci.planning.decisions import Action
from ci.planning.plan import Plan, make_plan
from ci.planning.secrets import GivenSecrets, check_secrets
from ci.stack.model import Stack
from ci.stack.reader import read_stack
from tests.unit.trees import dockerfiles

NPM = "RUN --mount=type=secret,id=npm,required npm ci"
SSH = "RUN --mount=type=ssh,required=true git clone"
STACK = read_stack(
    dockerfiles(
        base=f"FROM debian\n{NPM}\n",
        kid=f"FROM base\n{SSH}\nRUN --mount=type=secret,target=/x/pip.conf,required=1 x\n",
        opt="FROM debian\nRUN --mount=type=secret,id=opt --mount=type=ssh x\n",
        unused=f"FROM debian AS no\n{NPM}\nFROM debian\n",
    )
)
BASE = (
    "images/base/Dockerfile:2: RUN --mount=type=secret,id=npm,required: this secret is required, and not given. From "
    "an environment variable: --build-secret env:npm"
)
KID = (
    "images/kid/Dockerfile:2: RUN --mount=type=ssh,required=true: an SSH agent is required, and not given. Write "
    "--build-ssh $SSH_AUTH_SOCK"
)
PIP = (
    "images/kid/Dockerfile:3: RUN --mount=type=secret,target=/x/pip.conf,required=1: this secret is required, and not "
    "given. From an environment variable: --build-secret-id pip.conf --build-secret env:NAME"
)


def problems(given: GivenSecrets, *only: str, stack: Stack = STACK, plan: Plan | None = None) -> list[str]:
    try:
        check_secrets(stack, plan or make_plan(stack, only=only), given)
    except RequestError as error:
        first, *rest = str(error).splitlines()
        assert first == "Secrets of this build:"
        return [line.removeprefix("  - ") for line in rest]
    return []


def test_required_ones_that_are_missing_are_refused_all_at_once() -> None:
    assert problems(GivenSecrets()) == [BASE, PIP, KID]
    assert problems(GivenSecrets(ids=("npm", "pip.conf"), has_ssh=True)) == []
    assert problems(GivenSecrets(ids=("npm",), has_ssh=True)) == [PIP]


@pytest.mark.parametrize("name", ["opt", "unused"])
def test_optional_ones_and_those_of_other_images_may_be_missing(name: str) -> None:
    assert problems(GivenSecrets(), name) == []


def test_an_image_needs_those_of_the_images_it_is_built_with() -> None:
    assert problems(GivenSecrets(), "kid") == [BASE, PIP, KID]
    assert problems(GivenSecrets(), "base") == [BASE]


def reusing(stack: Stack, name: str) -> Plan:
    plan = make_plan(stack)
    digest = f"sha256:{'a' * 64}"
    images = (
        msgspec.structs.replace(one, action=Action.REUSE, digest=digest) if one.name == name else one
        for one in plan.images
    )
    return Plan(images=tuple(images))


def test_a_reused_image_needs_none_unless_its_triggers_make_it_be_built() -> None:
    stack = read_stack(dockerfiles(base=f"FROM debian\n{NPM}\n", kid="FROM base\n"))
    assert problems(GivenSecrets(), stack=stack, plan=reusing(stack, "base")) == []
    stack = read_stack(dockerfiles(base=f"FROM debian\n{NPM}\nONBUILD RUN x\n", kid="FROM base\n"))
    assert problems(GivenSecrets(), stack=stack, plan=reusing(stack, "base")) == [BASE]


def test_a_secret_that_no_image_mounts_is_a_mistake() -> None:
    given = GivenSecrets(ids=("npm", "pip.conf", "optt"), has_ssh=True)
    assert problems(given) == ["--build-secret optt: no RUN --mount=type=secret has this id. Did you mean 'opt'?"]


def test_an_id_with_a_variable_may_be_any() -> None:
    stack = read_stack(dockerfiles(a="FROM debian\nARG I=x\nRUN --mount=type=secret,id=$I,required x\n"))
    assert problems(GivenSecrets(), stack=stack) == []
    assert problems(GivenSecrets(ids=("x",)), stack=stack) == []
