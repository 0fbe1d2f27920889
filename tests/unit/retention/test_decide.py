"""What stays of a stack, and what goes: each rule by itself."""

import pytest

from ci.errors import ExternalError
from ci.retention.decide import check_stable
from ci.retention.model import Policy, Reason
from tests.unit.retention.found import (
    BASE,
    CACHE,
    CHILD,
    STAGING,
    attestation,
    digest,
    going,
    image,
    list_tag,
    plan,
    repository,
    run_record,
    stack,
    staying,
)

NEW, OLD, OLDER = stack(9), stack(2), stack(1)


def test_the_newest_stacks_stay_and_older_ones_go() -> None:
    images = [image("new", stacks={NEW: 100}), image("old", stacks={OLD: 150}), image("older", stacks={OLDER: 160})]
    one = repository(images, {NEW: "new", OLD: "old", OLDER: "older"})
    assert staying(plan(one), "new") == {"new": Reason.NEWEST}
    assert going(plan(one), "old", "older") == {"old": Reason.OLD_STACK, "older": Reason.OLD_STACK}
    two = plan(one, policy=Policy(keep_last=2, keep_days=30))
    assert staying(two, "new", "old") == {"new": Reason.NEWEST, "old": Reason.NEWEST}
    assert (two.going_stacks, list(two.staying_stacks)) == ((OLDER,), [NEW, OLD])


def test_a_stack_stays_for_some_days() -> None:
    images = [image("new", stacks={NEW: 1}), image("old", stacks={OLD: 29}), image("older", stacks={OLDER: 31})]
    decided = plan(repository(images, {NEW: "new", OLD: "old", OLDER: "older"}))
    assert decided.staying_stacks == {NEW: Reason.NEWEST, OLD: Reason.RECENT}
    assert decided.going_stacks == (OLDER,)


def test_a_stack_is_as_old_as_its_last_publication() -> None:
    images = [image("new", stacks={NEW: 1}), image("old", stacks={OLD: 200})]
    again = image("again", stacks={OLD: 10})
    decided = plan(repository(images, {NEW: "new", OLD: "old"}), repository([again], {OLD: "again"}, where=CHILD))
    assert decided.staying_stacks[OLD] is Reason.RECENT
    assert "old" in staying(decided, "new", "old", "again")


def test_a_stack_stays_in_all_repositories() -> None:
    here = repository([image("base", stacks={NEW: 100, OLD: 150})], {NEW: "base", OLD: "base"})
    there = repository([image("child", stacks={NEW: None})], {NEW: "child"}, where=CHILD)
    assert staying(plan(here, there), "base", "child") == {"base": Reason.NEWEST, "child": Reason.NEWEST}


def test_the_last_stack_of_each_version_stays() -> None:
    last, before = stack(5, "2025.9"), stack(4, "2025.9")
    images = [image("new", stacks={NEW: 1}), image("last", stacks={last: 300}), image("before", stacks={before: 310})]
    decided = plan(repository(images, {NEW: "new", last: "last", before: "before"}))
    assert decided.staying_stacks == {NEW: Reason.NEWEST, last: Reason.LAST_OF_VERSION}
    assert going(decided, "before") == {"before": Reason.OLD_STACK}


def test_a_stack_of_unknown_age_stays() -> None:
    images = [image("new", stacks={NEW: 1}), image("old", stacks={OLD: None})]
    decided = plan(repository(images, {NEW: "new", OLD: "old"}))
    assert decided.staying_stacks[OLD] is Reason.UNKNOWN_AGE


def test_what_is_or_was_stable_stays() -> None:
    images = [image("new", stacks={NEW: 1}), image("was", stacks={OLD: 300}), image("is"), image("gone")]
    tags = {NEW: "new", OLD: "was", "2026.4-stable": "is", CACHE: "gone"}
    decided = plan(repository(images, tags, stable=["was"]))
    assert staying(decided, "new", "was", "is") == {
        "new": Reason.NEWEST,
        "was": Reason.STABLE,
        "is": Reason.STABLE,
    }
    # The image stays, its old stack does not: the tag goes.
    assert decided.repositories[0].untagged == {OLD: digest("was")}


def test_a_stack_that_was_promoted_stays_with_its_tag() -> None:
    images = [image("new", stacks={NEW: 1}), image("old", stacks={OLD: 300})]
    decided = plan(repository(images, {NEW: "new", OLD: "old"}), promoted=[OLD])
    assert decided.staying_stacks[OLD] is Reason.PROMOTED
    assert decided.repositories[0].untagged == {}


def test_what_no_run_tagged_stays_and_its_image() -> None:
    images = [image("new", stacks={NEW: 1}), image("named"), image("dated"), image("short"), image("gone")]
    # A date looks like a commit; and no run writes a cache tag of three digits.
    tags = {NEW: "new", "latest": "named", "backup-20260401": "dated", "k-123": "short", CACHE: "gone"}
    decided = plan(repository(images, tags))
    assert staying(decided, "new", "named", "dated", "short") == {
        "new": Reason.NEWEST,
        "named": Reason.OTHER_TAG,
        "dated": Reason.OTHER_TAG,
        "short": Reason.OTHER_TAG,
    }
    assert set(decided.repositories[0].other_tags) == {"latest", "backup-20260401", "k-123"}
    assert decided.going_stacks == ()


def test_the_tag_of_a_stack_counts_only_on_what_was_published_under_it() -> None:
    moved = image("moved", stacks={OLD: 300})
    decided = plan(repository([image("new", stacks={NEW: 1}), moved], {NEW: "new", OLDER: "moved"}))
    assert staying(decided, "new", "moved")["moved"] is Reason.OTHER_TAG


@pytest.mark.parametrize(("days", "reason"), [(13, Reason.YOUNG), (None, Reason.UNKNOWN_AGE)])
def test_an_image_of_no_stack_stays_while_it_is_young(days: float | None, reason: Reason) -> None:
    images = [image("new", stacks={NEW: 1}), image("this", days), image("other", 15)]
    decided = plan(repository(images, {NEW: "new", CACHE: "this", STAGING: "other"}))
    assert staying(decided, "new", "this")["this"] is reason
    assert going(decided, "other") == {"other": Reason.UNPUBLISHED}


def test_what_was_published_lately_is_young_however_old_it_is() -> None:
    rebuilt = image("rebuilt", 200, {OLD: 3})
    decided = plan(repository([image("new", stacks={NEW: 1}), rebuilt], {NEW: "new", STAGING: "rebuilt"}))
    assert staying(decided, "new", "rebuilt")["rebuilt"] is Reason.YOUNG


def test_the_parents_of_what_stays_stay() -> None:
    bases = repository([image("root"), image("base", base="root"), image("other")], {CACHE: "base", STAGING: "other"})
    child = repository([image("young", 1, base="base")], {STAGING: "young"}, where=CHILD)
    decided = plan(bases, child)
    assert staying(decided, "root", "base", "young") == {
        "root": Reason.PARENT,
        "base": Reason.PARENT,
        "young": Reason.YOUNG,
    }
    assert going(decided, "other") == {"other": Reason.UNPUBLISHED}


def test_an_image_without_a_tag_goes_as_one_with_tags() -> None:
    decided = plan(
        repository([image("new", stacks={NEW: 1}), image("lost"), image("was")], {NEW: "new"}, stable=["was"])
    )
    assert going(decided, "lost") == {"lost": Reason.UNPUBLISHED}
    assert "was" in staying(decided, "new", "was")


def test_variants_of_one_repository_are_told_apart_by_their_prefixes() -> None:
    images = [image("new", stacks={NEW: 1}), image("gpu", stacks={OLD: 300}), image("other", stacks={OLD: 300})]
    tags = {NEW: "new", f"gpu-{OLD}": "gpu", f"arm-{OLD}": "other", "gpu-2026.4-stable": "new"}
    decided = plan(repository(images, tags, prefixes=["", "gpu-"]))
    assert going(decided, "gpu") == {"gpu": Reason.OLD_STACK}
    assert staying(decided, "new", "other")["other"] is Reason.OTHER_TAG


def test_a_tombstone_goes() -> None:
    decided = plan(
        repository([image("new", stacks={NEW: 1}), image("gone", None, is_tombstone=True)], {NEW: "new", OLD: "gone"})
    )
    assert going(decided, "gone") == {"gone": Reason.TOMBSTONE}


def test_all_tags_of_an_image_go_with_it() -> None:
    old = image("old", stacks={OLD: 300, OLDER: 310})
    decided = plan(
        repository([image("new", stacks={NEW: 1}), old], {NEW: "new", OLD: "old", OLDER: "old", CACHE: "old"})
    )
    assert set(decided.repositories[0].going[0].tags) == {OLD, OLDER, CACHE}


def test_what_is_attached_goes_with_its_image_and_the_list_of_it() -> None:
    old = image("old", stacks={OLD: 300})
    decided = plan(repository([image("new", stacks={NEW: 1}), old], {NEW: "new", OLD: "old"}))
    (records,) = decided.repositories[0].records
    assert (records.subject, set(records.digests)) == (old.digest, {one.digest for one in old.attached})
    assert (records.list_tag, records.list_digest) == (list_tag("old"), digest(f"list of {old.digest}"))


def test_a_record_that_a_list_refers_to_stays_and_so_does_where_it_is_found() -> None:
    old = image("old", stacks={OLD: 300})
    listed = run_record("old", OLD, 300)
    decided = plan(repository([image("new", stacks={NEW: 1}), old], {NEW: "new", OLD: "old"}, listed=[listed]))
    (records,) = decided.repositories[0].records
    assert (records.digests, records.list_tag) == ((attestation("old").digest,), "")


def test_what_was_attached_to_an_image_that_is_gone_goes() -> None:
    new = image("new", stacks={NEW: 1})
    decided = plan(repository([new], {NEW: "new"}, orphans={"gone": (attestation("gone"),)}))
    (records,) = decided.repositories[0].records
    assert (records.subject, records.digests) == (digest("gone"), (attestation("gone").digest,))
    assert records.list_tag == list_tag("gone")


def test_what_is_left_of_an_image_that_is_gone_stays_as_long_as_it_is_listed() -> None:
    listed = run_record("gone", OLD, 300)
    gone = attestation("gone")
    orphans = {"gone": (listed, type(gone)(digest=gone.digest, artifact_type=gone.artifact_type, is_gone=True))}
    decided = plan(repository([image("new", stacks={NEW: 1})], {NEW: "new"}, orphans=orphans, listed=[listed]))
    assert decided.is_empty


def test_bytes_are_those_of_layers_that_nothing_else_has() -> None:
    new = image("new", stacks={NEW: 1}, layers={"shared": 1000, "own": 1})
    old = image("old", layers={"shared": 1000, "mine": 20, "ours": 300})
    older = image("older", layers={"ours": 300})
    decided = plan(repository([new, old, older], {NEW: "new", CACHE: "old", STAGING: "older"}))
    assert (decided.repositories[0].bytes_staying, decided.repositories[0].bytes_going) == (1001, 320)


def test_the_oldest_goes_first() -> None:
    decided = plan(
        repository([image("a", 100), image("b", 300), image("c", 200), image("new", stacks={NEW: 1})], {NEW: "new"})
    )
    assert [*going(decided, "a", "b", "c")] == ["b", "c", "a"]


def test_a_stable_tag_on_what_goes_is_an_error() -> None:
    decided = plan(repository([image("new", stacks={NEW: 1}), image("old")], {NEW: "new", CACHE: "old"}))
    tags = {"gpu-2026.4-stable": digest("old")}
    with pytest.raises(ExternalError, match=r"base:gpu-2026.4-stable points to sha256:.*, which would be deleted"):
        check_stable(decided, BASE, tags)
    check_stable(decided, CHILD, tags)
    check_stable(decided, BASE, {"2026.4-stable": digest("new"), CACHE: digest("old")})
