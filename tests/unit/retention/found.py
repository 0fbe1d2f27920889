"""What a registry has, written down in a line: for decisions about it."""

from collections.abc import Mapping, Sequence

from ci.oci.reference import Repository
from ci.oci.registry import digest_of
from ci.registry_format import RUN_RECORD, TEST_ATTESTATION
from ci.retention.decide import decide
from ci.retention.model import Attached, FoundImage, FoundRepository, FoundStack, Policy, Reason, RetentionPlan

DAY = 24 * 3600.0
NOW = 1_800_000_000.0
POLICY = Policy(keep_last=1, keep_days=30)
BASE = Repository.parse("docker.io/me/base")
CHILD = Repository.parse("docker.io/me/child")
CACHE, STAGING = f"k-{'a' * 16}", f"s-{'a' * 64}"


def digest(name: str) -> str:
    return digest_of(name.encode())


def list_tag(name: str) -> str:
    return digest(name).replace(":", "-")


def stack(number: int, version: str = "2026.4") -> str:
    return f"{version}-{number:07x}"


def run_record(name: str, tag: str, days: float | None) -> Attached:
    """Return a run record of a stack that was published so many days ago."""
    created = None if days is None else NOW - days * DAY
    return Attached(
        digest=digest(f"run record of {name} {tag}"), artifact_type=RUN_RECORD, created=created, stack_tag=tag
    )


def attestation(name: str) -> Attached:
    return Attached(digest=digest(f"tests of {name}"), artifact_type=TEST_ATTESTATION)


def image(  # noqa: PLR0913 (what is known of an image)
    name: str,
    days: float | None = 200,
    stacks: Mapping[str, float | None] | None = None,
    *,
    base: str = "",
    layers: Mapping[str, int] | None = None,
    is_tombstone: bool = False,
) -> FoundImage:
    """Return an image that was built so many days ago, and published in stacks so many days ago."""
    records = [run_record(name, tag, age) for tag, age in (stacks or {}).items()]
    return FoundImage(
        digest=digest(name),
        created=None if days is None else NOW - days * DAY,
        layers=layers or {f"layer of {name}": 100},
        base=(BASE, digest(base)) if base else None,
        attached=() if is_tombstone else (attestation(name), *records),
        is_tombstone=is_tombstone,
    )


def repository(  # noqa: PLR0913 (what is known of a repository)
    images: Sequence[FoundImage],
    tags: Mapping[str, str],
    *,
    where: Repository = BASE,
    prefixes: Sequence[str] = ("",),
    stable: Sequence[str] = (),
    listed: Sequence[Attached] = (),
    orphans: Mapping[str, tuple[Attached, ...]] | None = None,
) -> FoundRepository:
    """Return a repository whose `tags` point to images by their names; each image has its list of referrers."""
    lists = {one.digest.replace(":", "-"): digest(f"list of {one.digest}") for one in images if one.attached}
    lists |= {list_tag(name): digest(f"list of {digest(name)}") for name in orphans or {}}
    return FoundRepository(
        repository=where,
        prefixes=tuple(prefixes),
        tags={**{tag: digest(name) for tag, name in tags.items()}, **lists},
        images={one.digest: one for one in images},
        orphans={digest(name): several for name, several in (orphans or {}).items()},
        stable=frozenset(map(digest, stable)),
        listed=frozenset(record.digest for record in listed),
    )


def plan(*repositories: FoundRepository, promoted: Sequence[str] = (), policy: Policy = POLICY) -> RetentionPlan:
    return decide(FoundStack(repositories=repositories, promoted=frozenset(promoted)), policy, NOW)


def staying(decided: RetentionPlan, *names: str) -> dict[str, Reason]:
    """Return which of the images stay, and why."""
    known = {digest(name): name for name in names}
    return {known[one]: why for several in decided.repositories for one, why in several.staying.items()}


def going(decided: RetentionPlan, *names: str) -> dict[str, Reason]:
    """Return which of the images go, and why."""
    known = {digest(name): name for name in names}
    return {known[one.digest]: one.reason for several in decided.repositories for one in several.going}
