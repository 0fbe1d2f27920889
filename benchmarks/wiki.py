"""Measures what writing the wiki costs: requests to the registry, seconds to read it and to make the pages.

usage: PYTHONPATH=. python benchmarks/wiki.py [--images 4 40] [--stacks 20] [--packages 500]

Publishes stacks of so many images by the code of this project, in Debian's docker-registry with TLS and a password: an
image with children, of which each commit changes one. Every image has so many packages. The first two stacks were
stable. `read` is without a proxy; the requests are counted by one in a second reading. `page` is the largest, in kB.
"""  # noqa: INP001 (a script, not a package)

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import anyio
import msgspec
from tabulate import tabulate
from typing_extensions import override

from ci.adapters.oci.client import HttpRegistry
from ci.build.engine_failure import EngineFailure
from ci.commands.plan import BuildPorts
from ci.commands.wiki_input import WikiReader
from ci.contents.inspection import Inspection
from ci.fusion.fused import Fused
from ci.oci.registry import Registry
from ci.promotion.apply import apply
from ci.promotion.plan import plan_promotion
from ci.promotion.records import GateApproval
from ci.promotion.source_run import find_published_run
from ci.publish.registry_state import RegistrySession
from ci.publish.tags import TagLayout
from ci.wiki.pages import render_pages
from tests.e2e.crash_proxy import serving
from tests.e2e.layer_guard import LayerGuard
from tests.integration.adapters.oci.debian import DebianRegistry, debian_registry
from tests.integration.adapters.oci.server import RegistryServer
from tests.integration.publish.pipeline_harness import Pipeline
from tests.unit.build.fakes import FakeInspector

KB = 1000
NOW = "2026-11-26T08:00:00+00:00"
ENTRY = "Package: package-{0}\nStatus: install ok installed\nVersion: 1.{0}-1\nInstalled-Size: {0}\n\n"


class Inspector(FakeInspector):
    """Finds as many packages in each image as a notebook image has."""

    def __init__(self, packages: int) -> None:
        super().__init__()
        self._status = "".join(map(ENTRY.format, range(packages))).encode()

    @override
    async def inspect(self, image: Fused | str) -> Inspection | EngineFailure:
        found = await super().inspect(image)
        if isinstance(found, EngineFailure):
            return found
        own = found.files["var/lib/dpkg/status"]
        return msgspec.structs.replace(found, files={**found.files, "var/lib/dpkg/status": self._status + own})


class Planted(Pipeline):
    """Publishes stacks of so many images."""

    def __init__(self, debian: DebianRegistry, images: int, packages: int) -> None:
        super().__init__(RegistryServer())
        self._debian = debian
        self._packages = packages
        self._children = [f"child-{number}" for number in range(1, images)]
        self.files = {
            "images/stack.toml": '[stack]\nversion = "2026.4"\nrebuild-all = []\n',
            "images/base/Dockerfile": "FROM debian:12\nRUN base\n",
            **{f"images/{name}/Dockerfile": "FROM base\nRUN child\n" for name in self._children},
        }

    @property
    @override
    def layout(self) -> TagLayout:
        return TagLayout.of_stack(f"{self._debian.host}/stack-{len(self._children)}", self.stack_of(self.tree()))

    @override
    def ports(self, registry: Registry) -> BuildPorts:
        return super().ports(registry)._replace(inspector=Inspector(self._packages))

    async def publish(self, registry: Registry, number: int) -> str:
        """Publish the stack of a commit, which changes one image; return its tag."""
        self.commit = f"{number:07x}".ljust(40, "0")
        self.files[f"images/{self._children[number % len(self._children)]}/Dockerfile"] = f"FROM base\nRUN {number}\n"
        report = await self.run_with(registry)
        if report.exit_code or report.publication is None:
            sys.exit(f"the stack was not published: {report.publication}")
        return report.publication.tag


async def measure(debian: DebianRegistry, images: int, options: argparse.Namespace) -> list[object]:
    """Return the figures of stacks of so many images."""
    planted = Planted(debian, images, options.packages)
    async with HttpRegistry(debian.endpoint) as registry:
        tags = [await planted.publish(registry, number) for number in range(options.stacks)]
        session = RegistrySession(registry, planted.layout, has_login=True)
        stack = planted.stack_of(planted.tree())
        places = {image.name: session.tags.place(image.name) for image in stack.images}
        for tag in tags[:2]:
            record = await find_published_run(registry, places, tag)
            plan = await plan_promotion(registry, record, GateApproval(override_reason="no GPU"), at=NOW)
            await apply(registry, plan)
        begin = time.perf_counter()
        wiki = await WikiReader(stack, session).read()
        read = time.perf_counter() - begin
    begin = time.perf_counter()
    pages = render_pages(wiki)
    made = time.perf_counter() - begin
    with serving(LayerGuard(debian.host, debian.ca)) as guard:
        endpoint = msgspec.structs.replace(debian.endpoint, ca="", address=f"http://127.0.0.1:{guard.port}")
        async with HttpRegistry(endpoint) as registry:
            again = await WikiReader(stack, RegistrySession(registry, planted.layout, has_login=True)).read()
        requests = len(guard.passed)
    if render_pages(again) != pages:
        sys.exit("the pages differ from one reading to the next")
    largest = max(len(text.encode()) for text in pages.values())
    return [images, options.stacks, f"{read:.1f}", requests, f"{made:.2f}", len(pages), largest // KB]


def main(arguments: list[str]) -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[4, 40])
    parser.add_argument("--stacks", type=int, default=20)
    parser.add_argument("--packages", type=int, default=500)
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        debian = stack.enter_context(debian_registry(folder))
        rows = [anyio.run(measure, debian, images, options) for images in options.images]
    print(tabulate(rows, ["images", "stacks", "read (s)", "requests", "pages (s)", "pages", "page (kB)"]))


if __name__ == "__main__":
    main(sys.argv[1:])
