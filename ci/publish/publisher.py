"""Publishing: uploaded images get their tags when the whole stack has passed, and not before.

The order never claims more than has been verified, wherever it is interrupted: cache tags (`k-`) of the images that
passed, the run record attached to each image, and last the stack's tag, for all images or for none.
"""

import time
import traceback
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

import anyio
import msgspec

from ci.contents.model import Contents
from ci.errors import StackError, describe_unexpected
from ci.fusion.fused import Fused
from ci.oci.concurrency import gather_or_raise, gather_results
from ci.oci.referrers import push_referrer
from ci.oci.registry import IntegrityError, Manifest, RegistryError, put_verified
from ci.oci.tag_update import plan_tag_updates, update_tags
from ci.planning.decisions import PlanInputs, Present
from ci.publish.attestations import (
    RUN_RECORDS,
    TEST_ATTESTATIONS,
    RunRecord,
    TestAttestation,
    find_run_records,
    find_test_attestation,
    make_record,
)
from ci.publish.descriptions import as_published, attach_description
from ci.publish.labels import BaseImage, ReleaseMetadata, foreign_base, image_labels
from ci.publish.published_image import read_published_image
from ci.publish.refresh import note_refresh, write_refresh_marker
from ci.publish.registry_state import RegistrySession
from ci.publish.sizes import compressed_size
from ci.publish.stack_list import list_stack
from ci.publish.whole_stack import StackImage, check_whole
from ci.results import ImageReport, Publication, RunReport
from ci.stack.image import Image
from ci.stack.model import Stack
from ci.suite_results import SuiteReport, TestOutcome

_ADVICE = "Run the same command again: images that were uploaded and passed are not built again."


class StackPublisher:
    """Publishes the images of one run. `inputs` has the key of every image of the plan; none is unknown."""

    def __init__(self, session: RegistrySession, metadata: ReleaseMetadata, stack: Stack, inputs: PlanInputs) -> None:
        self._registry = session.registry
        self._tags = session.tags
        self._metadata = metadata
        self._stack = stack
        self._keys = inputs.keys
        # By digest. What is attached to one digest at the same moment might overwrite each other in the list of it.
        self._attaching: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)
        # Of each image the digests of those it was built from: of reused ones as published, of others as attested.
        self._needs = {name: one.needs for name, one in inputs.answers.items() if isinstance(one, Present)}

    async def begin(self, names: Sequence[str]) -> None:
        """Verify that all repositories can be written to, and note a refresh. Raises an error for all that cannot."""
        await gather_or_raise(self._registry.preflight, dict.fromkeys(map(self._tags.repository, names)))
        if self._metadata.is_refresh:
            await self._note_refresh(finished=False)

    def target(self, name: str) -> str:
        """Return the reference under which an image is uploaded before it has passed."""
        return str(self._tags.staging_tag(name, self._key(name)))

    def labels(self, image: Image, fused: Fused, parent_digest: str | None) -> Mapping[str, str]:
        """Return the labels of an image, including those that replace labels of its parent."""
        if image.parent:
            name = str(self._tags.cache_tag(image.parent, self._key(image.parent)))
            base = BaseImage(name, parent_digest or "")
        else:
            base = foreign_base(fused, self._keys[image.name].bases)
        return image_labels(image.name, self._key(image.name), base, self._metadata)

    async def attest_tests(
        self, name: str, digest: str, suites: Sequence[SuiteReport], needs: Mapping[str, str]
    ) -> None:
        """Attach to an image that it passed its tests, and the digests of the images it depends on.

        Raises a RegistryError.
        """
        tests = [test.outcome for suite in suites for test in suite.tests]
        record = TestAttestation(
            key=self._key(name),
            suites=self._keys[name].tests_key,
            passed=sum(outcome.ok and outcome is not TestOutcome.SKIPPED for outcome in tests),
            skipped=tests.count(TestOutcome.SKIPPED),
            flaky=tests.count(TestOutcome.FLAKY),
            started=self._metadata.created,
            needs=needs,
            ran=tuple(suite.name for suite in suites),
        )
        manifest, artifact = await self._manifest(name, digest), TEST_ATTESTATIONS.artifact(record)
        async with self._attaching[digest]:
            await push_referrer(self._registry, self._tags.repository(name), manifest.descriptor, artifact)
        self._needs[name] = needs

    async def describe(self, name: str, digest: str, fused: Fused, contents: Contents) -> Contents:
        """Attach to an image what is in it; return that with what the registry says of it. Raises a RegistryError."""
        repository = self._tags.repository(name)
        published = await read_published_image(self._registry, repository, digest)
        described = as_published(contents, published, fused)
        async with self._attaching[digest]:
            await attach_description(self._registry, repository, published, described)
        return described

    async def publish_tags(self, report: RunReport) -> Publication:
        """Write the tags, unless an image did not pass. A failure is in the Publication, and raises nothing."""
        started = time.monotonic()
        publication = Publication(
            tag=self._metadata.tag,
            registry=self._tags.registry,
            variants=self._tags.variants(report.plan.enabled, self._metadata.tag),
        )
        failed = [image.name for image in report.images if not image.outcome.ok]
        if failed:
            failure = f"Nothing was published as {self._metadata.tag}: {', '.join(failed)} did not pass."
            return msgspec.structs.replace(publication, failure=failure)
        try:
            written, record = await self._publish_tags(report)
            warning = await self._list_stack(report)
        except StackError as error:
            failure = f"The stack was not published as {self._metadata.tag}.\n{error}\n{_ADVICE}"
            return msgspec.structs.replace(publication, failure=failure, seconds=time.monotonic() - started)
        except Exception as error:  # noqa: BLE001 (the report of the run must not be lost)
            failure = (
                f"The stack was not published as {self._metadata.tag}: {describe_unexpected(error)}, with the "
                "traceback from logs/publish.log of the report."
            )
            return msgspec.structs.replace(
                publication,
                failure=failure,
                traceback="".join(traceback.format_exception(error)),
                seconds=time.monotonic() - started,
            )
        return msgspec.structs.replace(
            publication,
            written=written,
            unchanged=tuple(name for name in report.plan.enabled if name not in written),
            warning=warning,
            record=RUN_RECORDS.artifact(record).content.decode() if record else "",
            seconds=time.monotonic() - started,
        )

    async def _publish_tags(self, report: RunReport) -> tuple[tuple[str, ...], RunRecord | None]:
        """Return the images whose tag was written, and the run record, None where one with the same content exists."""
        images = [image for image in report.images if image.name in report.plan.enabled]
        manifests = dict(
            zip([image.name for image in images], await gather_or_raise(self._uploaded, images), strict=True)
        )
        await check_whole(
            self._registry,
            self._stack,
            {
                name: StackImage(self._tags.repository(name), manifest, self._needs.get(name, {}))
                for name, manifest in manifests.items()
            },
        )
        if self._metadata.epoch:
            await gather_or_raise(
                lambda name: write_refresh_marker(self._registry, self._tags.place(name), self._metadata.epoch),
                manifests,
            )
        await gather_or_raise(lambda name: self._write_cache_tag(name, manifests[name]), manifests)
        targets = {name: self._tags.tag(name, self._metadata.tag) for name in manifests}
        updates = await plan_tag_updates(self._registry, [(name, targets[name], manifests[name]) for name in manifests])
        written = tuple(update.image for update in updates if not update.is_done)
        record: RunRecord | None = None
        if written or not await self._is_recorded(manifests):
            record = await self._record(report, manifests)
            await self._attach_record(record, manifests)
        await update_tags(self._registry, updates)
        if self._metadata.is_refresh:
            # The stack has its tag. Without the note, the next refresh begins with what this one built.
            with suppress(RegistryError):
                await self._note_refresh(finished=True)
        return written, record

    async def _attach_record(self, record: RunRecord, manifests: Mapping[str, Manifest]) -> None:
        """Attach the run record to each image, once where images of one repository have the same digest."""
        subjects = {
            (self._tags.repository(name), manifest.digest): manifest.descriptor for name, manifest in manifests.items()
        }
        artifact = RUN_RECORDS.artifact(record)
        await gather_or_raise(
            lambda subject: push_referrer(self._registry, subject[0], subjects[subject], artifact), subjects
        )

    async def _list_stack(self, report: RunReport) -> str:
        """List the stack among those of its version. Returns a sentence if that failed: the stack is published."""
        digests = {name: report.by_name[name].digest or "" for name in report.plan.enabled}
        version, tag = self._stack.version, self._metadata.tag
        results = await gather_results(
            lambda name: list_stack(self._registry, self._tags.place(name), version, digests[name], tag), digests
        )
        errors = dict.fromkeys(str(one) for one in results if isinstance(one, RegistryError))
        return f"{tag} is published, but not in the list of stacks. {' '.join(errors)} {_ADVICE}" if errors else ""

    async def _note_refresh(self, *, finished: bool) -> None:
        first = next(image.name for image in self._stack.images if image.enabled)
        await note_refresh(self._registry, self._tags.place(first), self._metadata.epoch, finished=finished)

    async def _uploaded(self, image: ImageReport) -> Manifest:
        return await self._manifest(image.name, image.digest or "")

    async def _manifest(self, name: str, digest: str) -> Manifest:
        reference = self._tags.repository(name).pinned(digest)
        manifest = await self._registry.get(reference)
        if manifest is None:
            raise IntegrityError(
                f"{name} was uploaded as {reference}, which is gone: it was deleted. Run the same command again."
            )
        return manifest

    async def _write_cache_tag(self, name: str, manifest: Manifest) -> None:
        reference = self._tags.cache_tag(name, self._key(name))
        if await self._registry.head(reference) != manifest.digest:
            await put_verified(self._registry, reference, manifest)

    async def _is_recorded(self, manifests: Mapping[str, Manifest]) -> bool:
        """Return whether a run record of this tag exists that lists exactly these images."""
        name, manifest = next(iter(manifests.items()))
        found = await find_run_records(self._registry, self._tags.repository(name), manifest.digest, self._metadata.tag)
        current = {name: manifest.digest for name, manifest in manifests.items()}
        return any({image.name: image.digest for image in record.images} == current for record in found)

    async def _record(self, report: RunReport, manifests: Mapping[str, Manifest]) -> RunRecord:
        attestations = await gather_or_raise(lambda name: self._attestation(name, manifests[name].digest), manifests)
        return make_record(
            report,
            self._stack,
            self._keys,
            attestations=dict(zip(manifests, attestations, strict=True)),
            sizes={name: compressed_size(manifest) for name, manifest in manifests.items()},
            tags=self._tags,
            tag=self._metadata.tag,
        )

    async def _attestation(self, name: str, digest: str) -> TestAttestation:
        repository, suites = self._tags.repository(name), self._keys[name].tests_key
        attestation = await find_test_attestation(self._registry, repository, digest, suites, self._key(name))
        if attestation is None:
            raise IntegrityError(
                f"The test attestation of {repository.pinned(digest)} is gone: it was deleted. Run the command again."
            )
        return attestation

    def _key(self, name: str) -> str:
        key = self._keys[name].key
        if key is None:
            raise AssertionError(f"{name} is published without a cache key")
        return key
