# The registries and clients of the registry's own tests, and runs of the publishing tests.
from tests.integration.adapters.oci.conftest import clock, debian, registry, server
from tests.integration.publish.conftest import pipeline, runs

__all__ = ["clock", "debian", "pipeline", "registry", "runs", "server"]
