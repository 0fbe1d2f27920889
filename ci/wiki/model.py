"""What the wiki says, as values: the published stacks of each version, what is stable, and what changed."""

from collections.abc import Iterator, Mapping

import msgspec

from ci.contents.described_stack import DescribedStack
from ci.contents.difference import StackDifference
from ci.planning.plan import ImagePlan, Plan
from ci.promotion.timeline import Timeline
from ci.publish.attestations import RunRecord
from ci.publish.tags import TagLayout

COMMIT_SHOWN = 12


class RecordedStack(msgspec.Struct, frozen=True, kw_only=True):
    """A stack that a run published, with what is in its images."""

    run: RunRecord
    contents: DescribedStack

    @property
    def tag(self) -> str:
        """Its tag: `2026.4-a1239ab`."""
        return self.run.tag


class StableStack(msgspec.Struct, frozen=True, kw_only=True):
    """A stable tag: what it points to now, and its promotions and rollbacks."""

    timeline: Timeline
    contents: DescribedStack | None = None
    """None while the tag points to nothing, as after the rollback of a first promotion."""
    run: RunRecord | None = None
    """The run that published what the tag points to; None if no record describes that."""
    differences: Mapping[str, StackDifference] = {}
    """What the promotions and rollbacks that took effect changed, by the id of the record, as far as it is known."""

    @property
    def tag(self) -> str:
        """The stable tag: `2026.4-stable`."""
        return self.timeline.tag

    @property
    def since(self) -> str:
        """Since when the tag points to this, RFC 3339; empty if no record says so."""
        return self.timeline.current.at if self.timeline.current else ""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the stack, `2026.4`. `published` are the newest of its stacks that get pages, newest first."""

    name: str
    stable: StableStack | None = None
    published: tuple[RecordedStack, ...] = ()


class WikiInput(msgspec.Struct, frozen=True, kw_only=True):
    """All that the wiki is made from. Equal inputs give equal pages, so nothing here is of this moment or machine."""

    versions: tuple[Version, ...]
    """The newest first."""
    tags: TagLayout
    dependencies: Plan | None = None
    """What the images of the newest stack depend on; None if that is not known."""
    bases: Mapping[str, str | None] = {}
    """The digests of its foreign base images by reference, where they are known."""
    highlights: tuple[str, ...] = ()
    """Packages, such as `pip:polars`, whose versions are among the key versions of each image."""
    prefix: str = ""
    """What links to pages begin with: `https://github.com/OWNER/NAME/wiki/`. GitHub shows Home without a slash behind
    `wiki`, so relative links of Home and the sidebar would lead out of the wiki there."""


class StackPage(msgspec.Struct, frozen=True, kw_only=True):
    """A stack whose images have pages, under one of its tags."""

    tag: str
    contents: DescribedStack
    run: RunRecord | None
    stable: StableStack | None = None
    """If the tag is the stable one."""


def stacks(version: Version) -> Iterator[StackPage]:
    """Yield what has pages: what is stable, then what was published."""
    stable = version.stable
    if stable and stable.contents is not None:
        yield StackPage(tag=stable.tag, contents=stable.contents, run=stable.run, stable=stable)
    for one in version.published:
        yield StackPage(tag=one.tag, contents=one.contents, run=one.run)


def recorded_dependencies(
    run: RunRecord, parents: Mapping[str, str | None], needs: Mapping[str, tuple[str, ...]]
) -> Plan:
    """Return what the images of a published stack depend on, from the registry alone.

    `needs` are the images of the stack that each was built from or copies from, `ci.publish.attestations.find_needs`.
    """
    return Plan(
        images=tuple(
            ImagePlan(
                name=image.name,
                parent=parents.get(image.name),
                needs=needs.get(image.name, ()),
                foreign_bases=tuple(image.bases),
                action=image.action,
                reason=image.reason,
                suites=image.tests.ran or (),
                key=image.key,
                digest=image.digest,
            )
            for image in run.images
        )
    )
