"""A machine that is not given what was divided says all that differs, and builds nothing."""

import msgspec
import pytest

from ci.commands.options import BuildOptions
from ci.commands.sharing import build_share, divide_stack
from ci.errors import RequestError, StackError
from ci.oci.registry import AccessError
from ci.planning.changes import Changed, History
from ci.sharing.model import Shares
from ci.stack.reader import read_stack
from tests.integration.adapters.oci.memory import MemoryRegistry
from tests.integration.publish.share_world import Machines
from tests.integration.publish.world import PLAIN
from tests.unit.trees import MemoryTree

pytestmark = pytest.mark.anyio
PARENTS = {"i0": "debian:12", "i1": "i0", "i2": "i0", "i3": "i2"}
TRUNK = "trunk-1"


def disagreeing(shares: Shares, **changes: object) -> Shares:
    return msgspec.structs.replace(shares, **changes)


async def refusal(world: Machines, shares: Shares, history: History) -> str:
    async def read(base: str, head: str) -> History:  # noqa: ARG001 (a protocol's)
        return history

    tree = MemoryTree(world.files)
    with pytest.raises(StackError) as error:
        await build_share(read_stack(tree), tree, shares, TRUNK, world.ports(PLAIN)._replace(history=read))
    return str(error.value)


async def test_all_that_is_not_as_it_was_divided_is_said_at_once() -> None:
    world = Machines(PARENTS)
    shares = await world.divided()
    world.files["images/i2/Dockerfile"] += "RUN more\n"
    world.files["images/tests_common/image/test_a.py"] = "changed"
    changes = Changed(base="b" * 40, paths=())
    history = History(commit="f" * 40, dirty=True, changes=changes, uncommitted=("images/i2/Dockerfile",))
    text = await refusal(world, disagreeing(shares, registry="elsewhere.example/stack"), history)
    keys = (
        "  - The cache keys of i2, i3 are not those of shares.json: give the --build-arg that `divide` was given, and "
    )
    assert text.splitlines() == [
        "This is not the stack that was divided:",
        "  - Publishing needs a clean commit (the tag is VERSION-COMMIT). Commit your changes: images/i2/Dockerfile.",
        f"  - The source tree is at commit {'f' * 40}; the stack was divided at {shares.commit}.",
        "  - The registry is registry.example/stack; the stack was divided for elsewhere.example/stack.",
        f"{keys}use the same versions of this module and of the engine.",
        "  - The tests of i0, i1 are not those of shares.json: use the same version of this module.",
    ]
    assert not any(world.contents.tags.values())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("branch1", "Did you mean 'branch-1'?"),
        ("x", "The shares are: trunk-1, branch-1, branch-2."),
    ],
)
async def test_a_share_that_is_not_there(name: str, hint: str) -> None:
    world = Machines(PARENTS)
    shares = await world.divided()
    tree = MemoryTree(world.files)
    with pytest.raises(RequestError) as error:
        await build_share(read_stack(tree), tree, shares, name, world.ports(PLAIN))
    assert str(error.value) == f"shares.json has no share {name!r}. {hint}"


async def test_what_forbids_publishing_is_said_before_any_machine_starts() -> None:
    world = Machines(PARENTS)
    world.files["images/stack.toml"] = "[stack]\nrebuild-all = []\n"
    tree = MemoryTree(world.files)
    with pytest.raises(RequestError, match=r"set stack\.version"):
        await divide_stack(read_stack(tree), tree, BuildOptions(), 2, world.ports(PLAIN))
    with pytest.raises(RequestError, match="--machines is 0"):
        await divide_stack(read_stack(tree), tree, BuildOptions(), 0, world.ports(PLAIN))


async def test_repositories_that_cannot_be_written_to_are_named_before_any_machine_starts() -> None:
    def refuse(call: str) -> None:
        if call.startswith("preflight"):
            raise AccessError(f"this account may not write {call.partition(' ')[2]}")

    world = Machines(PARENTS)
    ports = world.ports(PLAIN)
    assert ports.registry is not None
    session = ports.registry._replace(registry=MemoryRegistry(world.contents, refuse))
    tree = MemoryTree(world.files)
    with pytest.raises(AccessError) as error:
        await divide_stack(read_stack(tree), tree, BuildOptions(), 2, ports._replace(registry=session))
    assert str(error.value).splitlines() == [
        f"this account may not write registry.example/stack/{name}" for name in PARENTS
    ]


async def test_a_refresh_that_is_divided_again_is_resumed() -> None:
    world = Machines(PARENTS)
    refresh = PLAIN._replace(options=BuildOptions(refresh=True))
    first = await world.divided(refresh)
    await world.build(first, TRUNK)
    again = await world.divided(refresh)
    assert again.epoch == first.epoch
    assert again.plan.to_build == ("i1", "i2", "i3")
    assert (await world.gathered(again, await world.build_all(again))).exit_code == 0
    assert (await world.divided(refresh)).epoch != first.epoch
