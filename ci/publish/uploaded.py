"""What the machines of a divided stack have uploaded: under staging tags while the stack has no tag yet."""

from collections.abc import Mapping, Sequence

from ci.oci.concurrency import gather_or_raise, gather_results
from ci.oci.registry import RegistryError
from ci.planning.decisions import NoAnswer, Present
from ci.publish.attestations import find_test_attestation
from ci.publish.registry_state import REQUESTS_AT_ONCE, RegistrySession
from ci.sharing.model import Shares


async def find_uploaded(session: RegistrySession, shares: Shares, names: Sequence[str]) -> Mapping[str, str]:
    """Return the digests of images that are uploaded, whether they passed or not: those that are reused are known.

    Raises a RegistryError.
    """
    asked = [name for name in names if name not in shares.plan.reused]

    async def find(name: str) -> str | None:
        return next(iter(await _digests(session, shares, name)), None)

    found = await gather_or_raise(find, asked, REQUESTS_AT_ONCE)
    return {name: digest for name, digest in zip(asked, found, strict=True) if digest is not None}


async def find_passed(
    session: RegistrySession, shares: Shares, names: Sequence[str], reported: Mapping[str, str] | None = None
) -> Mapping[str, Sequence[Present] | NoAnswer]:
    """Return the builds of images that passed their tests, NoAnswer where the registry does not say.

    Those under tags come first: what is built next is built on them. `reported` are digests that shares report.
    """

    async def find(name: str) -> Sequence[Present]:
        reused = shares.plan.reused.get(name)
        digests = [reused] if reused else [*await _digests(session, shares, name), (reported or {}).get(name)]
        builds = [await _passed(session, shares, name, digest) for digest in dict.fromkeys(filter(None, digests))]
        return tuple(build for build in builds if build is not None)

    found = await gather_results(find, names, REQUESTS_AT_ONCE)
    return {
        name: NoAnswer(why=str(one)) if isinstance(one, RegistryError) else one
        for name, one in zip(names, found, strict=True)
    }


async def _digests(session: RegistrySession, shares: Shares, name: str) -> Sequence[str]:
    """Return what the staging tag and the cache tag of an image point to: the first is what machines write."""
    key = shares.keys[name].key or ""
    tags = (session.tags.staging_tag(name, key), session.tags.cache_tag(name, key))
    found = [await session.registry.head(tag) for tag in tags]
    return tuple(dict.fromkeys(digest for digest in found if digest is not None))


async def _passed(session: RegistrySession, shares: Shares, name: str, digest: str) -> Present | None:
    key = shares.keys[name]
    tests = await find_test_attestation(
        session.registry, session.tags.repository(name), digest, key.tests_key, key.key or ""
    )
    if tests is None or (name in shares.forced and tests.started < shares.created):
        return None
    return Present(digest=digest, needs=tests.needs)
