"""Carries out what was decided: deletes, in an order that leaves nothing half, and looks again right before each step.

Runs may publish and promote at the same time. Both attach a record to an image before they write its tag, and a run
that tests a reused image again attaches that it passed before that. So an image to which anything was attached since
the registry was read, or that has another tag, is left alone. Registries cannot delete on a condition: a process may
attach and write its tag between the last look and the deletion. So there is a look afterwards, too, and an image that
was published or promoted in that moment is put back with its tags (`rescue.py`).

What is attached goes last: an image without it is built again, and it without an image is read by no command.
"""

from collections.abc import Sequence

from ci.cleanup.ports import Remover
from ci.cleanup.reading import read_tags
from ci.cleanup.rescue import rescue
from ci.errors import ExternalError
from ci.oci.concurrency import gather_or_raise
from ci.oci.reference import Repository
from ci.oci.referrers import list_all_referrers
from ci.oci.registry import Descriptor, IntegrityError, InUseError, RefusedError, Registry, RegistryError
from ci.retention.decide import check_stable
from ci.retention.model import GoingImage, GoingRecords, RepositoryPlan, RetentionPlan, Swept
from ci.retention.tag_kinds import TagKind, read_tag_name

# No process points one of these to an image that was there before, unless it attached something to it.
_WRITTEN_BY_RUNS = frozenset({TagKind.CACHE, TagKind.STAGING, TagKind.REFERRERS, TagKind.STACK})
_NO_IMAGE = "sha256:" + "0" * 64


class Sweep:
    """Deletes what a plan says goes, once."""

    def __init__(self, registry: Registry, remover: Remover, plan: RetentionPlan) -> None:
        self._registry = registry
        self._remover = remover
        self._plan = plan
        self._deleted: set[tuple[Repository, str]] = set()
        self._untagged = 0
        self._in_use: list[str] = []
        self._problems: list[str] = []

    async def run(self) -> Swept:
        """Delete. Raises ExternalError, before anything is deleted, if it may not or must not be.

        Raises nothing once it has begun: what happened is in the result.
        """
        await self._prepare()
        try:
            for one in self._plan.repositories:
                for tag, digest in one.untagged.items():
                    await self._untag(one.repository, tag, digest)
            for one in self._plan.repositories:
                for image in one.going:
                    await self._delete(one, image)
            for one in self._plan.repositories:
                for records in one.records:
                    await self._delete_records(one, records)
        except RegistryError as error:
            self._problems.append(f"The rest was not deleted: {error}")
        return Swept(
            images=len(self._deleted),
            tags=self._untagged,
            in_use=tuple(self._in_use),
            problems=tuple(self._problems),
        )

    async def _prepare(self) -> None:
        """Check that no stable tag has changed since the plan was made, and that deletion is offered and allowed."""
        repositories = [one.repository for one in self._plan.repositories]
        for repository, tags in (await read_tags(self._registry, repositories)).items():
            check_stable(self._plan, repository, tags)
        changing = [one.repository for one in self._plan.repositories if one.going or one.untagged or one.records]
        try:
            # No image has this digest. Where nothing can be deleted, this is refused all the same.
            await gather_or_raise(lambda one: self._remover.delete(one.pinned(_NO_IMAGE), ()), changing)
        except RegistryError as error:
            raise ExternalError(f"Nothing was deleted: {error}") from error

    async def _untag(self, repository: Repository, tag: str, digest: str) -> None:
        reference = repository.tagged(tag)
        if await self._registry.head(reference) != digest:
            self._in_use.append(f"{reference} was written since the registry was read, and stays.")
            return
        try:
            await self._remover.untag(reference)
        except (RefusedError, IntegrityError) as error:
            self._problems.append(str(error))
        else:
            self._untagged += 1

    async def _delete(self, one: RepositoryPlan, image: GoingImage) -> None:
        reference = one.repository.pinned(image.digest)
        manifest = await self._registry.get(reference)
        if manifest is None:
            self._deleted.add((one.repository, image.digest))
            return
        if await self._newly_attached(one, image.digest) or await self._has_new_tag(one, image.digest):
            self._in_use.append(f"{reference} was published or tagged since the registry was read, and stays.")
            return
        try:
            await self._remover.delete(reference, image.tags)
        except InUseError as error:
            self._in_use.append(str(error))
            return
        except RefusedError as error:
            self._problems.append(str(error))
            return
        newer = await self._newly_attached(one, image.digest)
        if newer:
            self._in_use.append(await rescue(self._registry, one.repository, manifest, image.tags, newer))
        else:
            self._deleted.add((one.repository, image.digest))

    async def _delete_records(self, one: RepositoryPlan, records: GoingRecords) -> None:
        """Delete what is attached to an image that is gone. It is asked for again: somebody may have put it back."""
        subject = one.repository.pinned(records.subject)
        if await self._registry.head(subject) or await self._newly_attached(one, records.subject):
            return
        listed = {records.list_tag: records.list_digest} if records.list_tag else {}
        if any([await self._registry.head(one.repository.tagged(tag)) != digest for tag, digest in listed.items()]):
            return
        try:
            for digest in records.digests:
                await self._remover.delete(one.repository.pinned(digest), ())
            for tag, digest in listed.items():
                await self._remover.delete(one.repository.pinned(digest), (tag,))
        except (InUseError, RefusedError) as error:
            self._problems.append(str(error))

    async def _newly_attached(self, one: RepositoryPlan, digest: str) -> Sequence[Descriptor]:
        """Return what was attached to an image since the plan was made."""
        known = one.attached.get(digest, frozenset())
        found = await list_all_referrers(self._registry, one.repository, digest)
        return [referrer for referrer in found if referrer.digest not in known]

    async def _has_new_tag(self, one: RepositoryPlan, digest: str) -> bool:
        known = {tag for tag in one.tags if read_tag_name(tag, one.prefixes).kind in _WRITTEN_BY_RUNS}
        tags = [one.repository.tagged(tag) for tag in await self._registry.tags(one.repository) if tag not in known]
        return digest in await gather_or_raise(self._registry.head, tags)
