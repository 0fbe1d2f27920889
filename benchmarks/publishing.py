"""Measures publishing a small stack to Debian's docker-registry (TLS, password) after different changes.

usage: PYTHONPATH=. python benchmarks/publishing.py

Each line is one `./daggerw call build-stack --publish`: total seconds, MB sent to the registry, results of the images.
"""  # noqa: INP001 (a script, not a package)

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.e2e.conftest import run_call
from tests.e2e.notebook_stack import Operator, commit, new_operator
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


def measure(operator: Operator, change: str, files: dict[str, str]) -> None:
    """Commit a change, publish, and print time and traffic."""
    if files:
        commit(operator.repository, files)
    begin, sent = time.monotonic(), operator.bridge.sent
    outcomes = Counter(operator.publish().values())
    seconds, megabytes = time.monotonic() - begin, (operator.bridge.sent - sent) / 1e6
    results = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items()) or operator.errors[-500:]
    print(f"{change:20} {seconds:6.1f} s {megabytes:8.2f} MB  {results}", flush=True)


def main() -> None:
    """Publish after each change, one after the other."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as registry,
        tempfile.TemporaryDirectory() as tree,
        debian_registry(Path(registry)) as debian,
        bridge_to(debian.host, debian.ca) as bridge,
    ):
        operator = new_operator(Path(tree), run_call, debian, bridge)
        for change, files in CHANGES.items():
            measure(operator, change, files)


if __name__ == "__main__":
    main()
