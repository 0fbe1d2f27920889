"""What the registry has of a stack: refresh markers, images by cache key, and what was published last.

Nothing here decides. What cannot be read becomes `NoAnswer`, which means that the image is built.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from ci.oci.concurrency import gather_or_raise, gather_results
from ci.oci.registry import (
    AccessError,
    LoginError,
    RateLimitError,
    Registry,
    RegistryError,
    ServerFaultError,
    UnreachableError,
)
from ci.planning.cache_key import ImageKey
from ci.planning.decisions import Absent, Answer, NoAnswer, Present, Record, other_parents
from ci.publish.attestations import (
    RecordedImage,
    find_needs,
    find_run_records,
    find_test_attestation,
)
from ci.publish.refresh import read_refresh_marker
from ci.publish.tags import TagLayout
from ci.stack.image import Image

T = TypeVar("T")

REQUESTS_AT_ONCE = 8
# A stack's tag is written for all its images or for none, so nearly any image shows whether it exists. The first may
# be new.
_READ_FOR_RECORD = 3
_SILENCE = (UnreachableError, ServerFaultError, RateLimitError)
_NO_LOGIN = (LoginError, AccessError)


# The error of another image speaks of that image.
_NOT_TRIED = NoAnswer(why="it is unreachable, and got no request")


class RegistrySession(NamedTuple):
    """An open registry, and where a stack's images are in it.

    A registry that does not answer is no error. A refused login is one only where a login was given.
    """

    registry: Registry
    tags: TagLayout
    has_login: bool


async def read_refresh_markers(
    session: RegistrySession, names: Sequence[str], *, required: bool
) -> Mapping[str, str | NoAnswer]:
    """Return the cache epoch of each image, empty if it was never refreshed. `required`: no answer is an error."""

    async def read(name: str) -> str:
        return await read_refresh_marker(session.registry, session.tags.place(name))

    if required:
        return dict(zip(names, await gather_or_raise(read, names, REQUESTS_AT_ONCE), strict=True))
    return await _read_each(read, names, session)


async def find_published(
    session: RegistrySession, images: Sequence[Image], keys: Mapping[str, ImageKey]
) -> Mapping[str, Answer]:
    """Return what the registry has under each key that is known; images are in the stack's order.

    An image that depends on one that is known to be absent is built in any case. It gets no request, and is absent.
    """
    absent: set[str] = set()
    needs = {image.name: image.needs for image in images}

    async def find(name: str) -> Answer:
        # No waiting for them: a chain of images would take its length in round trips.
        answer = Absent() if absent.intersection(needs[name]) else await _find(name, keys[name], session)
        if isinstance(answer, Absent):
            absent.add(name)
        return answer

    known = [image.name for image in images if image.name in keys and keys[image.name].key is not None]
    return await _read_each(find, known, session)


async def _find(name: str, key: ImageKey, session: RegistrySession) -> Answer:
    """Find the image of a key: one that passed, or one that was uploaded and has the attestation that it passed.

    The second is what an interrupted run leaves: the next run reuses it, and so finishes the work.
    """
    if key.key is None:
        return Absent()
    registry, repository = session.registry, session.tags.repository(name)
    digest = await registry.head(session.tags.cache_tag(name, key.key))
    if digest is not None:
        tests = await find_test_attestation(registry, repository, digest, key.tests_key, key.key)
        # Other suites say nothing of these, but what the image was built from stays true.
        needs = tests.needs if tests else await find_needs(registry, repository, digest, key.key)
        return Present(digest=digest, tested=tests is not None, needs=needs)
    return await _find_staged(name, key, session) or Absent()


async def _find_staged(name: str, key: ImageKey, session: RegistrySession) -> Present | None:
    """Find an image that passed in a run that was interrupted before it wrote the cache tag."""
    if key.key is None:
        return None
    digest = await session.registry.head(session.tags.staging_tag(name, key.key))
    if digest is None:
        return None
    repository = session.tags.repository(name)
    tests = await find_test_attestation(session.registry, repository, digest, key.tests_key, key.key)
    return Present(digest=digest, unnamed=True, needs=tests.needs) if tests else None


async def find_whole(
    session: RegistrySession, images: Sequence[Image], keys: Mapping[str, ImageKey], answers: Mapping[str, Answer]
) -> Mapping[str, Answer]:
    """Return the answers, with a staged image wherever the one under the cache tag has another parent, if that fits.

    An interrupted run leaves cache tags of which some point to its own images and others to older ones. What it left
    under staging tags may complete the stack. Only images that do not fit cost a request.
    """
    found = dict(answers)
    reused: dict[str, str] = {}
    for image in images:
        answer = found.get(image.name)
        if not isinstance(answer, Present) or not all(name in reused for name in image.needs):
            continue
        if other_parents(image, answer, reused) and not answer.unnamed:
            try:
                staged = await _find_staged(image.name, keys[image.name], session)
            except RegistryError:
                staged = None  # the image is built
            if staged is None or other_parents(image, staged, reused):
                continue
            answer = found[image.name] = staged
        if not other_parents(image, answer, reused):
            reused[image.name] = answer.digest
    return found


async def find_never_published(session: RegistrySession, names: Sequence[str]) -> Mapping[str, Answer]:
    """Return `Absent` for each image; `always` tells those that no tag of their repository is of."""
    repositories = {str(repository): repository for repository in map(session.tags.repository, names)}

    async def read(repository: str) -> tuple[str, ...]:
        return await session.registry.tags(repositories[repository])

    def answer(name: str) -> Answer:
        tags = found[str(session.tags.repository(name))]
        return tags if isinstance(tags, NoAnswer) else Absent(always=not session.tags.has_tag(name, tags))

    found = await _read_each(read, tuple(repositories), session)
    return {name: answer(name) for name in names}


async def _read_each(
    read: Callable[[str], Awaitable[T]], names: Sequence[str], session: RegistrySession
) -> Mapping[str, T | NoAnswer]:
    """Return the answers by name, NoAnswer where the registry is silent. Raises what an operator has to fix."""
    unreachable = False

    async def read_one(name: str) -> T | NoAnswer:
        nonlocal unreachable
        # Each attempt at a registry that drops what it is sent takes a minute, and there may be a thousand requests.
        if unreachable:
            return _NOT_TRIED
        try:
            return await read(name)
        except UnreachableError:
            unreachable = True
            raise

    answers = await gather_results(read_one, names, REQUESTS_AT_ONCE)
    forgiven = _SILENCE if session.has_login else (*_SILENCE, *_NO_LOGIN)
    errors = [one for one in answers if isinstance(one, RegistryError) and not isinstance(one, forgiven)]
    if errors:
        raise errors[0]
    return {
        name: NoAnswer(why=str(answer)) if isinstance(answer, RegistryError) else answer
        for name, answer in zip(names, answers, strict=True)
    }


async def find_last_records(
    session: RegistrySession, names: Sequence[str], tags: Mapping[str, str]
) -> Mapping[str, Record] | None:
    """Return what was published last, by image: of the first of `tags` (tag to commit) that has a run record.

    None if that is not known. It only gives words to reasons, so an error here is no error.
    """
    for tag, commit in tags.items():
        for name in names[:_READ_FOR_RECORD]:
            try:
                found = await _find_record(name, tag, session)
            except RegistryError:
                return None
            if found is not None:
                return {image.name: _record(image, commit) for image in found}
    return None


async def _find_record(name: str, tag: str, session: RegistrySession) -> Sequence[RecordedImage] | None:
    digest = await session.registry.head(session.tags.tag(name, tag))
    if digest is None:
        return None
    records = await find_run_records(session.registry, session.tags.repository(name), digest, tag)
    return records[0].images if records else None


def _record(image: RecordedImage, commit: str) -> Record:
    return Record(
        commit=commit,
        epoch=image.epoch,
        build_args=image.build_args,
        bases=image.bases,
        image_code=image.image_code,
        engine=image.engine,
    )
