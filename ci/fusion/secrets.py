"""The secrets and the SSH agent that a fused text mounts."""

import msgspec

from ci.dockerfile.parser import parse_dockerfile
from ci.dockerfile.secret_mounts import secret_mounts, ssh_mounts
from ci.fusion.fused import Fused


class MountedSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """What the RUNs of a text mount."""

    ids: frozenset[str]
    has_variable_ids: bool
    """An id has a variable: the secret may be any."""
    targets: tuple[str, ...]
    """The path of each mount that is a file, as written."""
    variables: tuple[str, ...]
    """The name of each mount that is an environment variable."""
    has_ssh: bool


def mounted_secrets(fused: Fused) -> MountedSecrets:
    """Return what a text mounts. It takes a parse of the text."""
    instructions = tuple(parse_dockerfile(fused.text, "the fused Dockerfile").instructions)
    found = tuple(secret_mounts(instructions))
    return MountedSecrets(
        ids=frozenset(one.id for one in found),
        has_variable_ids=any(one.has_variables for one in found),
        targets=tuple(one.target for one in found if one.target),
        variables=tuple(one.variable for one in found if one.variable),
        has_ssh=any(ssh_mounts(instructions)),
    )
