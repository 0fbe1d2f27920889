"""Which registry a command uses: the rules of its options, without reaching for it."""

from ci.errors import RequestError
from ci.publish.registry_state import RegistrySession


def registry_name(default: str, name: str, *, username: str, has_password: bool, has_service: bool) -> str:
    """Return the registry of a call: the option's, else `default`, empty for none. RequestError for half a login."""
    chosen = name or default
    if not chosen and (username or has_service):
        raise RequestError("No registry is given: name it with --registry, or as stack.registry in stack.toml.")
    if bool(username) != has_password:
        raise RequestError("A login needs both --registry-username and --registry-password: give both, or neither.")
    return chosen


def require_session(session: RegistrySession | None) -> RegistrySession:
    """Return the session of a command that cannot do without a registry. RequestError if there is none."""
    if session is None:
        raise RequestError(
            "No registry is given: name the one with the images with --registry, or as stack.registry in stack.toml."
        )
    return session
