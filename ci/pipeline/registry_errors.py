"""What can go wrong with a registry, told apart by who can do something about it.

The texts are whole sentences: what happened, to which reference, what to do.
"""

from ci.errors import ExternalError


class RegistryError(ExternalError):
    """A registry did not do what was asked of it."""


class LoginError(RegistryError):
    """It wants a login and got none, or a wrong one (401)."""


class AccessError(RegistryError):
    """The login is good, its rights are not enough (403)."""


class NoRepositoryError(RegistryError):
    """It has no such repository and makes none by itself (404)."""


class RateLimitError(RegistryError):
    """It was asked too often and stays so (429)."""


class NoSpaceError(RegistryError):
    """Its disk or a quota is full, or the content is larger than it takes (507, 413)."""


class IntegrityError(RegistryError):
    """What lies in it is not what should lie there: another digest, or nothing."""


class UnsupportedError(RegistryError):
    """It does not offer this operation (405)."""


class RefusedError(RegistryError):
    """It takes the content or the name for wrong (400 and other answers of that kind)."""


class ServerFaultError(RegistryError):
    """It fails in itself and keeps doing so (5xx)."""


class UnreachableError(RegistryError):
    """Nothing that can be talked to is there: no such host, refused, TLS not trusted, silence, connection lost."""


class ProtocolError(RegistryError):
    """Something answers, but not as a registry does."""
