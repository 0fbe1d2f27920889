# The registries and clients of the registry's own tests.
from tests.adapters.registry.conftest import clock, debian, registry, server

__all__ = ["clock", "debian", "registry", "server"]
