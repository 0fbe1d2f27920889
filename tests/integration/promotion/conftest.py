# The registries and clients of the registry's own tests.
from tests.integration.adapters.oci.conftest import clock, debian, registry, server

__all__ = ["clock", "debian", "registry", "server"]
