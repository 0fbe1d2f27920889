"""A proxy that gives no layer away: what works behind it reads records, and no image."""

import json
from collections.abc import Iterable
from pathlib import Path

from typing_extensions import override

from tests.e2e.crash_proxy import CrashProxy, Fate


class LayerGuard(CrashProxy):
    """Answers 403 to each request for a layer once it is closed. `refused` are these requests, `passed` the others."""

    def __init__(self, host: str, ca: str) -> None:
        super().__init__(host, ca)
        self._layers: frozenset[str] = frozenset()
        self.refused: list[str] = []
        self.passed: list[str] = []

    def close(self, layers: Iterable[str]) -> None:
        """Refuse these digests from now on, none to open it again; forget all requests so far."""
        self._layers = frozenset(layers)
        self.refused, self.passed = [], []

    @override
    def decide(self, request: str) -> Fate:
        if request.rpartition("/")[2] in self._layers:
            self.refused.append(request)
            return Fate.IS_FORBIDDEN
        self.passed.append(request)
        return super().decide(request)


def layers_of(storage: Path, digest: str) -> list[str]:
    """Return the digests of the layers of an image, from the registry's storage."""
    algorithm, _, name = digest.partition(":")
    blob = storage / "docker/registry/v2/blobs" / algorithm / name[:2] / name / "data"
    return [layer["digest"] for layer in json.loads(blob.read_bytes())["layers"]]
