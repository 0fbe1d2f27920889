"""Gathers what a plan rests on: digests of foreign bases, keys, what the registry has of them, what was published last.

Nothing here decides. What cannot be had is told to `ci.planning.decisions` as not known, which means that it is built.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

import msgspec

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
from ci.planning.cache_key import ImageKey, make_keys
from ci.planning.changes import Changed, History, Unknown
from ci.planning.decisions import Absent, NoAnswer, PlanInputs, Present, Record
from ci.publish.attestations import RecordedImage, find_run_records, find_test_attestation, read_refresh_marker
from ci.publish.tags import TagLayout
from ci.stack.model import Image, Stack, Tree
from ci.stack.stack_tag import StackTag

T = TypeVar("T")
Answer = Present | Absent | NoAnswer

_LIMIT = 8
# A tag names a whole stack, so nearly any image tells whether it exists. The first may be new.
_ASKED_FOR_RECORD = 3
_SILENCE = (UnreachableError, ServerFaultError, RateLimitError)
_NO_LOGIN = (LoginError, AccessError)
_NO_REGISTRY = NoAnswer(why="none is named: --registry names one, or stack.registry in stack.toml")


class Bases(Protocol):
    """Knows what foreign references name now."""

    async def digest(self, reference: str) -> str | None:
        """Return the digest that a build would get now, without its layers; None where that cannot be known."""
        ...


class Sources(NamedTuple):
    """What a plan is made from: the stack and the tree it was read from, the history, a digest of the test tools."""

    stack: Stack
    tree: Tree
    history: History
    tools: str


class RegistrySession(NamedTuple):
    """The registry that has what was published. A silent one is an answer; a refused login is one if nobody logs in."""

    registry: Registry
    places: TagLayout
    has_login: bool


class SurveyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`rebuild` names images that are built whatever is published; with an `epoch` all are fetched again for it.

    `publishes`: what is built will be named by its key, so that a registry which does not tell the epoch is an error.
    """

    rebuild: Sequence[str] = ()
    epoch: str = ""
    publishes: bool = False


async def survey(
    sources: Sources, images: Sequence[Image], bases: Bases, shelf: RegistrySession | None, request: SurveyRequest
) -> PlanInputs:
    """Gather the facts of images, which are in the stack's order, with all that they need."""
    enabled = [image for image in images if image.enabled]
    names = [image.name for image in enabled]
    references = tuple(dict.fromkeys(reference for image in enabled for reference in image.foreign_bases))
    digests = dict(zip(references, await gather_or_raise(bases.digest, references, _LIMIT), strict=True))
    epochs = await _epochs(names, shelf, request)
    silent = {name: epoch for name, epoch in epochs.items() if isinstance(epoch, NoAnswer)}
    known = {name: epoch for name, epoch in epochs.items() if not isinstance(epoch, NoAnswer)}
    keys = make_keys(sources.stack, sources.tree, images, digests, sources.tools, epochs=known)
    asked = [name for name in names if name not in silent]
    answers = {**silent, **await _answers({name: keys[name] for name in asked}, shelf)}
    absent = [name for name, answer in answers.items() if isinstance(answer, Absent)]
    records = await _records(sources, names, shelf) if shelf and absent else None
    if shelf and records is None and isinstance(sources.history.changes, Unknown):
        answers.update(await _ask_all(lambda name: _ever_published(name, shelf), absent, shelf))
    return PlanInputs(
        keys=keys,
        answers=answers,
        changes=sources.history.changes,
        records=records,
        forced=frozenset(request.rebuild),
        refreshed=bool(request.epoch),
    )


async def _epochs(
    names: Sequence[str], shelf: RegistrySession | None, request: SurveyRequest
) -> Mapping[str, str | NoAnswer]:
    if request.epoch:
        return dict.fromkeys(names, request.epoch)
    if shelf is None:
        return dict.fromkeys(names, "")

    async def ask(name: str) -> str:
        return await read_refresh_marker(shelf.registry, shelf.places.repository(name))

    if request.publishes:
        return dict(zip(names, await gather_or_raise(ask, names, _LIMIT), strict=True))
    return await _ask_all(ask, names, shelf)


async def _answers(keys: Mapping[str, ImageKey], shelf: RegistrySession | None) -> Mapping[str, Answer]:
    if shelf is None:
        return dict.fromkeys(keys, _NO_REGISTRY)

    async def ask(name: str) -> Answer:
        return await _find(name, keys[name], shelf)

    return await _ask_all(ask, [name for name, key in keys.items() if key.key is not None], shelf)


async def _find(name: str, key: ImageKey, shelf: RegistrySession) -> Answer:
    """Find the image of a key: one that passed, or one that was uploaded and has the proof that it passed these suites.

    The second is what a run leaves that ended before it gave names: to take it is how the next run finishes the work.
    """
    if key.key is None:
        return Absent()
    registry, repository = shelf.registry, shelf.places.repository(name)
    digest = await registry.head(shelf.places.cache_tag(name, key.key))
    if digest is not None:
        tests = await find_test_attestation(registry, repository, digest, key.suites)
        return Present(digest=digest, tested=tests is not None)
    digest = await registry.head(shelf.places.staging_tag(name, key.key))
    if digest is not None and await find_test_attestation(registry, repository, digest, key.suites):
        return Present(digest=digest, unnamed=True)
    return Absent()


async def _ever_published(name: str, shelf: RegistrySession) -> Answer:
    """LogLine an image that was never there from one about which the history does not tell what changed."""
    return Absent(always=not await shelf.registry.tags(shelf.places.repository(name)))


async def _ask_all(
    ask: Callable[[str], Awaitable[T]], names: Sequence[str], shelf: RegistrySession
) -> Mapping[str, T | NoAnswer]:
    """Return the answers by name, NoAnswer where the registry is silent. Raises what an operator has to mend."""
    gone: list[UnreachableError] = []

    async def ask_one(name: str) -> T:
        # Each try of a registry that swallows what it is sent takes a minute, and there may be a thousand questions.
        if gone:
            raise gone[0]
        try:
            return await ask(name)
        except UnreachableError as error:
            gone.append(error)
            raise

    answers = await gather_results(ask_one, names, _LIMIT)
    forgiven = _SILENCE if shelf.has_login else (*_SILENCE, *_NO_LOGIN)
    errors = [one for one in answers if isinstance(one, RegistryError) and not isinstance(one, forgiven)]
    if errors:
        raise errors[0]
    return {
        name: NoAnswer(why=str(answer)) if isinstance(answer, RegistryError) else answer
        for name, answer in zip(names, answers, strict=True)
    }


async def _records(sources: Sources, names: Sequence[str], shelf: RegistrySession) -> Mapping[str, Record] | None:
    """Return what was published last, of this commit or of the one that it is compared with; it only gives words."""
    history = sources.history
    if not sources.stack.version:
        return None
    base = history.changes.base if isinstance(history.changes, Changed) else ""
    for commit in filter(None, (history.commit, base)):
        tag = str(StackTag.of_commit(sources.stack.version, commit))
        for name in names[:_ASKED_FOR_RECORD]:
            try:
                found = await _find_record(name, tag, shelf)
            except RegistryError:
                return None
            if found is not None:
                return {image.name: _record(image, commit) for image in found}
    return None


async def _find_record(name: str, tag: str, shelf: RegistrySession) -> Sequence[RecordedImage] | None:
    repository = shelf.places.repository(name)
    digest = await shelf.registry.head(repository.tagged(tag))
    if digest is None:
        return None
    records = await find_run_records(shelf.registry, repository, digest, tag)
    return records[0].images if records else None


def _record(image: RecordedImage, commit: str) -> Record:
    return Record(commit=commit, epoch=image.epoch, build_args=image.build_args, bases=image.bases)
