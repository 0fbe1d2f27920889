"""Publishing: what is uploaded gets its names when the whole stack has passed, and not before.

In this order, so that whatever ends it, no name says more than is true: the images that passed (`k-`), the record of
the run beside each image, and last the tag of the stack, for all images or for none.
"""

import time
from collections.abc import Mapping, Sequence

import msgspec

from ci.errors import StackError
from ci.fusion.fused import Fused, layering
from ci.oci.concurrency import gather_or_raise
from ci.oci.referrers import push_referrer
from ci.oci.registry import IntegrityError, Manifest, Registry, put_verified
from ci.oci.tag_update import plan_tag_updates, update_tags
from ci.planning.cache_key import ImageKey
from ci.publish.attestations import (
    RUN_RECORDS,
    TEST_ATTESTATIONS,
    RunRecord,
    TestAttestation,
    compressed_size,
    find_run_records,
    find_test_attestation,
    make_record,
    write_refresh_marker,
)
from ci.publish.tags import TagLayout
from ci.registry_format import (
    BASE_DIGEST,
    BASE_NAME,
    CACHE_KEY,
    CREATED,
    REVISION,
    SOURCE,
    TITLE,
    VERSION,
)
from ci.results import ImageReport, Publication, RunReport, SuiteReport, TestOutcome
from ci.stack.model import Image, Stack


class ReleaseMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What is written on all images of a run: the stack's tag, the commit, the time (RFC 3339, UTC), the repository.

    `epoch` is set if everything is fetched again, and then remembered.
    """

    tag: str
    commit: str
    created: str
    source: str = ""
    epoch: str = ""


class Publisher:
    """Publishes the images of one run. `keys` has the key of every image of the plan; none is unknown."""

    def __init__(
        self, registry: Registry, places: TagLayout, stamp: ReleaseMetadata, stack: Stack, keys: Mapping[str, ImageKey]
    ) -> None:
        self._registry = registry
        self._places = places
        self._stamp = stamp
        self._stack = stack
        self._keys = keys

    async def preflight(self, names: Sequence[str]) -> None:
        """Prove that all repositories can be written to. Raises what stands against it, of all of them."""
        await gather_or_raise(lambda name: self._registry.preflight(self._places.repository(name)), names)

    def target(self, name: str) -> str:
        """Return the reference under which an image is uploaded before it has passed."""
        return str(self._places.staging_tag(name, self._key(name)))

    def labels(self, image: Image, fused: Fused, parent_digest: str | None) -> Mapping[str, str]:
        """Return what is written on an image; also over what it has from its parent."""
        base, digest = self._base(image, fused, parent_digest)
        written = {
            TITLE: image.name,
            VERSION: self._stamp.tag,
            REVISION: self._stamp.commit,
            CREATED: self._stamp.created,
            SOURCE: self._stamp.source,
            BASE_NAME: base,
            BASE_DIGEST: digest,
            CACHE_KEY: self._key(image.name),
        }
        return {name: value for name, value in written.items() if value}

    async def attest_tests(self, name: str, digest: str, suites: Sequence[SuiteReport]) -> None:
        """Write down beside an image that it passed. Raises a RegistryError."""
        tests = [test.outcome for suite in suites for test in suite.tests]
        record = TestAttestation(
            key=self._key(name),
            suites=self._keys[name].suites,
            passed=sum(outcome.ok and outcome is not TestOutcome.SKIPPED for outcome in tests),
            skipped=tests.count(TestOutcome.SKIPPED),
            flaky=tests.count(TestOutcome.FLAKY),
            started=self._stamp.created,
        )
        manifest = await self._manifest(name, digest)
        await push_referrer(
            self._registry, self._places.repository(name), manifest.descriptor, TEST_ATTESTATIONS.artifact(record)
        )

    async def publish_tags(self, report: RunReport) -> Publication:
        """Give the names, unless an image did not pass; what goes wrong is in the Publication, and no error."""
        begun = time.monotonic()
        publication = Publication(tag=self._stamp.tag, registry=self._places.registry)
        lacking = [image.name for image in report.images if not image.outcome.ok]
        if lacking:
            failure = f"Nothing was published as {self._stamp.tag}: {', '.join(lacking)} did not pass."
            return msgspec.structs.replace(publication, failure=failure)
        try:
            written, record = await self._publish_tags(report)
        except StackError as error:
            failure = f"The stack was not published as {self._stamp.tag}.\n{error}\n{self._again()}"
            return msgspec.structs.replace(publication, failure=failure, seconds=time.monotonic() - begun)
        return msgspec.structs.replace(
            publication,
            written=written,
            unchanged=tuple(name for name in report.plan.enabled if name not in written),
            record=RUN_RECORDS.artifact(record).content.decode() if record else "",
            seconds=time.monotonic() - begun,
        )

    async def _publish_tags(self, report: RunReport) -> tuple[tuple[str, ...], RunRecord | None]:
        """Return the images whose tag was written, and the record, None where one says the same already."""
        images = [image for image in report.images if image.name in report.plan.enabled]
        manifests = dict(
            zip([image.name for image in images], await gather_or_raise(self._uploaded, images), strict=True)
        )
        if self._stamp.epoch:
            await gather_or_raise(
                lambda name: write_refresh_marker(self._registry, self._places.repository(name), self._stamp.epoch),
                manifests,
            )
        await gather_or_raise(lambda name: self._name_passed(name, manifests[name]), manifests)
        targets = {name: self._places.repository(name).tagged(self._stamp.tag) for name in manifests}
        moves = await plan_tag_updates(self._registry, [(name, targets[name], manifests[name]) for name in manifests])
        written = tuple(move.image for move in moves if not move.is_done)
        record: RunRecord | None = None
        if written or not await self._is_recorded(manifests):
            record = await self._record(report, manifests)
            artifact = RUN_RECORDS.artifact(record)
            await gather_or_raise(
                lambda name: push_referrer(
                    self._registry, self._places.repository(name), manifests[name].descriptor, artifact
                ),
                manifests,
            )
        await update_tags(self._registry, moves)
        return written, record

    async def _uploaded(self, image: ImageReport) -> Manifest:
        return await self._manifest(image.name, image.digest or "")

    async def _manifest(self, name: str, digest: str) -> Manifest:
        reference = self._places.repository(name).pinned(digest)
        manifest = await self._registry.get(reference)
        if manifest is None:
            raise IntegrityError(f"{name} was uploaded as {reference} and is not there any more. Run this again.")
        return manifest

    async def _name_passed(self, name: str, manifest: Manifest) -> None:
        reference = self._places.cache_tag(name, self._key(name))
        if await self._registry.head(reference) != manifest.digest:
            await put_verified(self._registry, reference, manifest)

    async def _is_recorded(self, manifests: Mapping[str, Manifest]) -> bool:
        """LogLine whether a record of this tag says of every image what it would say again."""
        name, manifest = next(iter(manifests.items()))
        found = await find_run_records(self._registry, self._places.repository(name), manifest.digest, self._stamp.tag)
        now = {name: manifest.digest for name, manifest in manifests.items()}
        return any({image.name: image.digest for image in record.images} == now for record in found)

    async def _record(self, report: RunReport, manifests: Mapping[str, Manifest]) -> RunRecord:
        proofs = await gather_or_raise(lambda name: self._proof(name, manifests[name].digest), manifests)
        return make_record(
            report,
            self._stack,
            self._keys,
            proofs=dict(zip(manifests, proofs, strict=True)),
            sizes={name: compressed_size(manifest) for name, manifest in manifests.items()},
            places=self._places,
            tag=self._stamp.tag,
        )

    async def _proof(self, name: str, digest: str) -> TestAttestation:
        repository, suites = self._places.repository(name), self._keys[name].suites
        proof = await find_test_attestation(self._registry, repository, digest, suites)
        if proof is None:
            raise IntegrityError(
                f"The record that {repository.pinned(digest)} passed its tests is not there any more. Run this again."
            )
        return proof

    def _base(self, image: Image, fused: Fused, parent_digest: str | None) -> tuple[str, str]:
        """Return the name and digest of what an image is built on, empty if that is nothing."""
        if image.parent:
            return str(self._places.cache_tag(image.parent, self._key(image.parent))), parent_digest or ""
        base = layering(fused).base.partition("@")[0]
        digest = self._keys[image.name].bases.get(base)
        return (base, digest) if digest else ("", "")

    def _key(self, name: str) -> str:
        key = self._keys[name].key
        if key is None:
            raise AssertionError(f"{name} is to be published and has no key")
        return key

    def _again(self) -> str:
        advice = "What was uploaded and passed is not built again: run the same command again"
        return f"{advice}, with --epoch {self._stamp.epoch} for --refresh." if self._stamp.epoch else f"{advice}."
