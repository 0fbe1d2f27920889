from tests.integration.adapters.oci.conftest import clock, debian

__all__ = ["clock", "debian"]
