import pytest

from ci.commands.secrets import secret_ids
from ci.errors import RequestError


def test_ids_are_the_names_of_variables_and_files() -> None:
    assert secret_ids(["env://npm", "file:///run/keys/pip.conf"], []) == ("npm", "pip.conf")
    assert secret_ids([], []) == ()


def test_ids_may_be_named() -> None:
    assert secret_ids(["env://A", "env://A", "vault://x"], ["npm", "pip", "x"]) == ("npm", "pip", "x")


@pytest.mark.parametrize(
    ("addresses", "ids", "problem"),
    [
        (["env://A"], ["a", "b"], "There are 1 --build-secret and 2 --build-secret-id."),
        (["env://A", "env://A"], [], "Two --build-secret have the same value: Dagger takes them for one."),
        (["env://A", "file:///x/A"], [], "Two --build-secret have the id 'A'."),
        (["env://A", "env://B"], ["x", "x"], "Two --build-secret have the id 'x'."),
        (["cmd://pass show x"], [], "A --build-secret that is neither env:NAME nor file:PATH has no name of its own."),
        (["env://A"], [""], "A --build-secret that is neither env:NAME nor file:PATH has no name of its own."),
    ],
)
def test_secrets_that_are_not_clear_are_refused(addresses: list[str], ids: list[str], problem: str) -> None:
    with pytest.raises(RequestError) as error:
        secret_ids(addresses, ids)
    advice = "Name the ids: --build-secret-id ID for each --build-secret, in the same order."
    assert str(error.value) == f"{problem} {advice}"
