"""Runs of the stack in Debian's docker-registry, and an operator who promotes what they publish."""

import itertools
from collections.abc import Mapping, Sequence

from ci.adapters.oci.client import HttpRegistry
from ci.commands.describe import read_tag
from ci.commands.plan import BuildPorts
from ci.contents.model import Contents
from ci.oci.reference import Reference
from ci.oci.referrers import list_referrers
from ci.oci.registry import Descriptor
from ci.oci.tombstone import read_digest
from ci.promotion.source_run import find_published_run
from ci.publish.described import PublishedStack, TaggedImage
from ci.publish.descriptions import find_description
from ci.registry_format import CONTENTS
from ci.results import RunReport
from tests.integration.adapters.oci.debian import DebianRegistry
from tests.integration.promotion.published import PublishedStack as Operator
from tests.integration.publish.pipeline_harness import IMAGES, TAG, StackRuns

STABLE = "2026.4-stable"
SECOND = "2026.4-bbbbbbb"
_NUMBERS = itertools.count()


class DebianRuns(StackRuns):
    """Runs of the stack in a folder of their own."""

    def __init__(self, debian: DebianRegistry, registry: HttpRegistry) -> None:
        folder = f"{debian.host}/described-{next(_NUMBERS)}"
        super().__init__(f"{folder}/ucsdets", debian.endpoint.credentials)
        self.registry = registry
        self.operator = Operator(registry, folder, IMAGES)
        self._storage = debian.storage

    async def run(self) -> RunReport:
        return await self.run_with(self.registry)

    def next_ports(self) -> BuildPorts:
        """Return the outside world of another machine, whose engine has built nothing."""
        self._runs += 1
        return self.ports(self.registry)

    async def publish(self, commit: str = "") -> RunReport:
        """Run, which must be green; with another commit, under another tag."""
        self.commit = commit or self.commit
        report = await self.run()
        assert report.exit_code == 0, report.publication
        return report

    async def change(self, image: str, packages: str, *, commit: str = "b") -> None:
        """Publish, at another commit, an image that has other packages: paragraphs of dpkg."""
        path = f"images/{image}/Dockerfile"
        self.files[path] = f"{self.files[path].splitlines()[0]}\nRUN {' '.join(packages.split()) or 'nothing'}\n"
        self.inspector.packages[image] = [packages] if packages else []
        await self.publish(commit * 40)

    async def promote(self, tag: str = TAG) -> None:
        await self.operator.promote(await find_published_run(self.registry, self.operator.places, tag))

    async def read(
        self, tag: str = TAG, *, fetches: bool = False, keep: bool = False
    ) -> tuple[PublishedStack, Sequence[str]]:
        """Read what is in the images of a tag; return the lines that were shown, too."""
        lines: list[str] = []
        inspector = self.inspector if fetches else None
        session = self.session(self.registry)
        stack = self.stack_of(self.tree())
        return await read_tag(stack, session, tag, inspector=inspector, keep=keep, log=lines.append), lines

    async def images(self, tag: str = TAG) -> tuple[TaggedImage, ...]:
        """Return the images of a tag, all of which have it."""
        places = {name: self.layout.place(name) for name in IMAGES}
        digests = {name: await read_digest(self.registry, place.tagged(tag), ()) for name, place in places.items()}
        return tuple(TaggedImage(name, places[name], digest) for name, digest in digests.items() if digest)

    async def attached(self, image: TaggedImage, artifact_type: str = CONTENTS) -> tuple[Descriptor, ...]:
        return await list_referrers(self.registry, image.place.repository, image.digest, artifact_type)

    async def description(self, image: TaggedImage) -> Contents:
        found = await find_description(self.registry, image.place.repository, image.digest, image.name)
        assert found is not None
        return found

    async def forget_descriptions(self, *names: str, tag: str = TAG) -> None:
        """Delete the descriptions of images, as if they had been published before there were any."""
        for image in await self.images(tag):
            for one in await self.attached(image) if image.name in names else ():
                await self.registry.delete(image.place.pinned(one.digest))

    def fallback_list(self, image: TaggedImage) -> Reference:
        """Return the tag under which what is attached to an image is listed."""
        return image.place.repository.tagged(image.digest.replace(":", "-"))

    def stored(self) -> Mapping[str, bytes]:
        """Return every file of the registry, without those of uploads that were begun to see whether they may be."""
        files = (path for path in self._storage.rglob("*") if path.is_file() and "_uploads" not in path.parts)
        return {str(path.relative_to(self._storage)): path.read_bytes() for path in files}
