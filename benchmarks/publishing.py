"""Measures what publishing costs by what a commit changed: a small stack, and Debian's docker-registry (TLS, password).

usage: PYTHONPATH=. python benchmarks/publishing.py

Each line is one `./daggerw call build-stack --publish`: seconds in all, MB sent to the registry, what became of images.
"""  # noqa: INP001 (a script, part of no package)

import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.e2e.conftest import run_call
from tests.e2e.notebook_stack import Shop, commit, new_shop
from tests.integration.adapters.oci.bridge import bridge_to
from tests.integration.adapters.oci.debian import debian_registry

ML, NOTES, SUITE, GREETING = (
    f"images/{path}" for path in ("ml/Dockerfile", "base/notes", "base/tests/image/test_base.py", "base/greeting")
)
CHANGES = {
    "never published": {},
    "nothing": {},
    "a leaf's file": {ML: "FROM ds\nRUN echo other > /weights\n"},
    "an ignored file": {NOTES: "ignored"},
    "a test of the base": {SUITE: "def test_it():\n    pass\n\n\ndef test_more():\n    pass\n"},
    "the base's file": {GREETING: "good morning\n"},
}


def measure(shop: Shop, change: str, files: dict[str, str]) -> None:
    """Commit a change, publish, and print what it took."""
    if files:
        commit(shop.repository, files)
    begun, sent = time.monotonic(), shop.bridge.sent
    outcomes = Counter(shop.publish().values())
    seconds, megabytes = time.monotonic() - begun, (shop.bridge.sent - sent) / 1e6
    told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items()) or shop.errors[-500:]
    print(f"{change:20} {seconds:6.1f} s {megabytes:8.2f} MB  {told}", flush=True)


def main() -> None:
    """Publish after each change, one after the other."""
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as registry,
        tempfile.TemporaryDirectory() as tree,
        debian_registry(Path(registry)) as debian,
        bridge_to(debian.host, debian.ca) as bridge,
    ):
        shop = new_shop(Path(tree), run_call, debian, bridge)
        for change, files in CHANGES.items():
            measure(shop, change, files)


if __name__ == "__main__":
    main()
