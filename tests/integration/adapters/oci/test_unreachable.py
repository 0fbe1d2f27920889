"""A registry whose name has several addresses, none of which answers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
HOSTS = "127.0.0.1 localhost\n127.0.0.1 twice.test\n127.0.0.2 twice.test\n"
HEAD = """\
import anyio
from ci.adapters.oci.client import HttpRegistry
from ci.adapters.oci.endpoint import Endpoint
from ci.oci.reference import Reference
from ci.oci.registry import UnreachableError
from tests.clocks import QuickClock

async def head():
    async with HttpRegistry(Endpoint(host="twice.test:1", insecure=True), clock=QuickClock()) as registry:
        try:
            await registry.head(Reference.parse("twice.test:1/a:b"))
        except UnreachableError as error:
            print(error)

anyio.run(head)
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs a mount namespace of its own")
def test_every_address_was_tried_and_the_cause_is_shown(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(HOSTS)
    command = 'mount --bind "$1" /etc/hosts && exec "$2" -c "$3"'
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", command, "sh", hosts, sys.executable, HEAD],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == (
        "http://twice.test:1 cannot be reached for reading twice.test:1/a:b (Connection refused): is it running, and "
        "is the network up? It was tried 5 times.\n"
    )
