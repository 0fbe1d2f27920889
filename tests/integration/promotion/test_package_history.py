"""When packages came, changed and went under a stable tag, in Debian's docker-registry."""

import pytest

from ci.promotion.package_history import PackageEvent, package_history
from ci.reports.stacks import render_package_history
from tests.integration.promotion.published import NOW
from tests.integration.publish.debian_runs import STABLE, DebianRuns
from tests.integration.publish.pipeline_harness import TAG

pytestmark = pytest.mark.anyio


async def events(runs: DebianRuns, pattern: str = "torch") -> tuple[PackageEvent, ...]:
    stack = runs.stack_of(runs.tree())
    return (await package_history(stack, runs.session(runs.registry), STABLE, pattern)).events


async def shown(runs: DebianRuns, pattern: str = "torch") -> list[tuple[int, str, list[tuple[str, str]], list[str]]]:
    """Return the events, the oldest first: record, stack, images with the version, images that are not known."""
    found = reversed(await events(runs, pattern))
    return [
        (one.record, one.source, [(change.image, change.version) for change in one.changed], [*one.unknown])
        for one in found
    ]


async def promote(runs: DebianRuns, image: str, version: str, commit: str) -> str:
    """Publish and promote a stack in which an image has torch in this version, or does not have it."""
    await runs.change(image, f"Package: torch\nVersion: {version}\n" if version else "", commit=commit)
    tag = f"2026.4-{commit * 7}"
    await runs.promote(tag)
    return tag


async def test_a_package_comes_changes_and_goes(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.promote(TAG)
    for commit, version in (("1", "2.0"), ("2", "2.1"), ("3", "")):
        await promote(runs, "ds", version, commit)
    assert await shown(runs) == [
        (2, "2026.4-1111111", [("ds", "2.0")], []),
        (3, "2026.4-2222222", [("ds", "2.1")], []),
        (4, "2026.4-3333333", [("ds", "")], []),
    ]
    assert {one.at for one in await events(runs)} == {NOW}
    assert await shown(runs, "TOR*") == await shown(runs)
    assert await shown(runs, "pandas") == []
    (first, *_) = (await events(runs, "torch"))[-1].changed
    assert (first.ecosystem, first.name, first.location) == ("apt", "torch", "")


async def test_a_rollback_is_a_change_too(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.promote(TAG)
    tag = await promote(runs, "ds", "2.0", "1")
    await runs.operator.roll_back()
    assert await shown(runs) == [(2, tag, [("ds", "2.0")], []), (3, TAG, [("ds", "")], [])]
    text = render_package_history(
        await package_history(runs.stack_of(runs.tree()), runs.session(runs.registry), STABLE, "torch")
    )
    assert [line.split()[-1] for line in text.splitlines()[-2:]] == ["gone", "2.0"]


async def test_a_stable_tag_that_was_withdrawn_has_nothing(runs: DebianRuns) -> None:
    runs.inspector.packages["ds"] = ["Package: torch\nVersion: 1.0\n"]
    await runs.publish()
    await runs.promote(TAG)
    await runs.operator.roll_back()
    assert await shown(runs) == [(1, TAG, [("ds", "1.0")], []), (2, "", [("ds", "")], [])]


@pytest.mark.parametrize(("later", "seen"), [("2.0", []), ("2.1", [("ds", "2.1")]), ("", [("ds", "")])])
async def test_an_image_that_is_unknown_in_between(runs: DebianRuns, later: str, seen: list[tuple[str, str]]) -> None:
    """It counts as unchanged: what it had before is not shown as new when it is known again."""
    await runs.publish()
    await runs.promote(TAG)
    first = await promote(runs, "ds", "2.0", "1")
    unknown = await promote(runs, "ds", "2.0.1", "2")
    last = await promote(runs, "ds", later, "3")
    await runs.forget_descriptions("ds", tag=unknown)
    assert await shown(runs) == [
        (2, first, [("ds", "2.0")], []),
        (3, unknown, [], ["ds"]),
        *([(4, last, seen, [])] if seen else []),
    ]


async def test_an_image_that_is_unknown_at_first(runs: DebianRuns) -> None:
    await runs.publish()
    await runs.promote(TAG)
    await runs.forget_descriptions("ds")
    tag = await promote(runs, "ds", "2.0", "1")
    assert await shown(runs) == [(1, TAG, [], ["ds"]), (2, tag, [("ds", "2.0")], [])]
