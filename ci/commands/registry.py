"""Which registry a command uses: the rules of its options, without reaching for it."""

from ci.errors import RequestError
from ci.publish.registry_state import RegistrySession
from ci.stack.model import Stack
from ci.stack.stack_tag import stable_tag_of

NO_REGISTRY = "No registry is given: name the one with the images with --registry, or as stack.registry in stack.toml."
_BOTH_OR_NO_USER = "Give both; with an empty --registry-username there is no login."


def registry_name(default: str, name: str, *, username: str, has_password: bool, has_service: bool) -> str:
    """Return the registry of a call: the option's, else `default`, empty for none. RequestError for half a login.

    Without a user name there is no login, and a password does not count: workflows of forks pass both options, and have
    no secrets.
    """
    chosen = name or default
    if not chosen and (username or has_service):
        raise RequestError("No registry is given: name it with --registry, or as stack.registry in stack.toml.")
    if username and not has_password:
        raise RequestError(
            f"--registry-username is {username!r}, but there is no --registry-password. {_BOTH_OR_NO_USER}"
        )
    return chosen


def check_password(username: str, password: str) -> None:
    """Raise RequestError for an empty password, which no registry accepts."""
    if not password:
        raise RequestError(
            f"--registry-password is empty, but --registry-username is {username!r}. Is the secret set? "
            f"{_BOTH_OR_NO_USER}"
        )


def require_session(session: RegistrySession | None) -> RegistrySession:
    """Return the session of a command that cannot do without a registry. RequestError if there is none."""
    if session is None:
        raise RequestError(NO_REGISTRY)
    return session


def stable_tag(stack: Stack, option: str) -> str:
    """Return the stable tag of a stack's version, for an option that names another. RequestError without a version."""
    if not stack.version:
        raise RequestError(f"Which stable tag? Name it with {option}, or set stack.version in stack.toml.")
    return stable_tag_of(stack.version)
