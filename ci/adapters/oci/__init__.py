"""Registries over HTTP, by the OCI distribution protocol."""
