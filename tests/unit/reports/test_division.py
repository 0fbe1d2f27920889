"""What a division looks like in a job's summary, and to a workflow."""

import msgspec
import pytest

from ci.reports.division import render_division, render_outputs
from ci.sharing.model import Division, Share
from tests.unit.sharing.test_files import SHARES

ONE = Division(
    trunk=(Share(name="trunk-1", images=("base", "ds"), needs=(), seconds=80),), branches=(), expected=140, alone=140
)


def test_a_table_of_shares() -> None:
    division = Division(
        trunk=(Share(name="trunk-1", images=("base",), needs=(), seconds=120),),
        branches=(
            Share(name="branch-1", images=tuple(f"i{number}" for number in range(25)), needs=("base",), seconds=300),
            Share(name="branch-2", images=("a|b",), needs=("base",), seconds=60),
        ),
        expected=600,
        alone=1500,
    )
    shares = msgspec.structs.replace(SHARES, division=division)
    text = render_division(shares).replace("\xa0", " ")
    assert text.startswith("## 27 images on up to 2 machines, in about 10 min 00 s instead of 25 min 00 s\n")
    assert "| `branch-1` | 25 | 5 min 00 s | `i0, i1," in text
    assert "i19 +5` |" in text
    assert "`a\\|b`" in text
    assert render_outputs(shares) == 'trunk=["trunk-1"]\nbranches=["branch-1","branch-2"]\n'


@pytest.mark.parametrize(
    ("division", "head", "outputs"),
    [
        (
            ONE,
            "## One machine builds 2 images, in about 2 min 20 s: more would not be worth it",
            'trunk=["trunk-1"]\nbranches=[]\n',
        ),
        (
            Division(trunk=(), branches=(), expected=0, alone=0),
            "## Nothing to build or test: gathering publishes the stack",
            "trunk=[]\nbranches=[]\n",
        ),
    ],
)
def test_answers_without_branches(division: Division, head: str, outputs: str) -> None:
    shares = msgspec.structs.replace(SHARES, division=division)
    assert render_division(shares).splitlines()[0] == head
    assert render_outputs(shares) == outputs
