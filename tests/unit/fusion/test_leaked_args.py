import pytest

from ci.fusion.fused import leaked_args
from tests.unit.fusion.sample_stacks import fused


@pytest.mark.parametrize(
    ("base", "child", "names"),
    [
        pytest.param("FROM x\nARG A B=1\n", "FROM base\nARG C\n", ("A", "B", "C"), id="of the image and its parent"),
        pytest.param("FROM x\nARG A\nENV A=1 B=2\n", "FROM base\nARG B\n", (), id="set by ENV"),
        pytest.param("FROM x\n", "ARG G\nFROM base\n", (), id="above the first FROM"),
        pytest.param("FROM x\n", "FROM y AS z\nARG A\nFROM base\nCOPY --from=z / /\n", (), id="of a copied stage"),
        pytest.param("FROM x\nRUN --mount=type=ssh x\n", "FROM base\n", ("SSH_AUTH_SOCK",), id="of an SSH agent"),
        pytest.param("FROM x\n", "FROM base AS z\nARG A\nFROM z\n", ("A",), id="of a stage below"),
    ],
)
def test_args_that_no_env_sets_are_leaked(base: str, child: str, names: tuple[str, ...]) -> None:
    assert leaked_args(fused("child", {"base": base, "child": child})) == names


def test_an_image_that_needs_no_other_leaks_its_own() -> None:
    assert leaked_args(fused("a", {"a": "FROM x\nARG A\nRUN b\n"})) == ("A",)
