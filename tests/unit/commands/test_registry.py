import pytest

from ci.commands.registry import check_password, registry_name, require_session
from ci.errors import RequestError
from tests.unit.commands.samples import session


def chosen(
    default: str = "", name: str = "", *, username: str = "", password: bool = False, service: bool = False
) -> str:
    return registry_name(default, name, username=username, has_password=password, has_service=service)


def test_the_option_comes_before_stack_toml() -> None:
    assert chosen("docker.io/a", "docker.io/b") == "docker.io/b"
    assert chosen("docker.io/a", username="bob", password=True) == "docker.io/a"
    assert chosen() == ""


def test_a_user_name_needs_a_password() -> None:
    with pytest.raises(RequestError, match="--registry-username is 'bob', but there is no --registry-password"):
        chosen("docker.io/a", username="bob")
    with pytest.raises(RequestError, match="--registry-password is empty, but --registry-username is 'bob'"):
        check_password("bob", "")
    check_password("bob", "secret")


def test_without_a_user_name_nobody_logs_in_whatever_the_password() -> None:
    """A workflow of a fork has neither, and passes both options."""
    assert chosen("docker.io/a", username="", password=True) == "docker.io/a"
    assert chosen(username="", password=True) == ""


@pytest.mark.parametrize(("username", "service"), [("bob", False), ("", True)], ids=["a login", "a service"])
def test_options_of_a_registry_that_is_not_named_are_refused(*, username: str, service: bool) -> None:
    with pytest.raises(RequestError, match="No registry is given: name it with --registry"):
        chosen(username=username, password=bool(username), service=service)


def test_a_command_that_reads_images_needs_a_registry() -> None:
    opened = session()
    assert require_session(opened) is opened
    with pytest.raises(RequestError, match="No registry is given: name the one with the images"):
        require_session(None)
