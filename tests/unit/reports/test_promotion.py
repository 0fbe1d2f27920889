"""Promotions as text and Markdown."""

import msgspec
import pytest

from ci.promotion.records import GateApproval, GoneRecord, Kind, PromotionRecord, RecordedUpdate
from ci.promotion.timeline import read_timeline
from ci.reports.promotion import render_history, render_history_summary, render_promotion_plan, render_promotion_summary

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
TAG = "2026.4-stable"
PASSED = GateApproval(image="scipy-ml", digest=NEW, verdict=OLD, outcome="passed", tried="2026-11-24T10:00:00Z")


def move(image: str, old: str | None, new: str | None) -> RecordedUpdate:
    return RecordedUpdate(image=image, repository=f"registry.test/x/{image}", tag=TAG, old=old, new=new)


RECORD = PromotionRecord(
    kind=Kind.PROMOTION,
    number=3,
    at="2026-11-25T08:00:00Z",
    source="2026.4-a1239ab",
    moves=(move("base", OLD, OLD), move("rstudio", None, NEW), move("scipy-ml", OLD, NEW)),
    proof=PASSED,
)
SIZES = {OLD: 9_000_000_000, NEW: 9_200_000_000}


def test_a_change_is_a_table_from_old_to_new() -> None:
    assert (
        render_promotion_plan(RECORD, RECORD.moves, SIZES, written=False)
        == """\
promotion of 2026.4-a1239ab: 2026.4-stable

image     tag            from                 to                   compressed size
--------  -------------  -------------------  -------------------  -----------------
base      2026.4-stable  sha256:aaaaaaaaaaaa  sha256:aaaaaaaaaaaa  the same image
rstudio   2026.4-stable  nothing              sha256:bbbbbbbbbbbb  9.2 GB
scipy-ml  2026.4-stable  sha256:aaaaaaaaaaaa  sha256:bbbbbbbbbbbb  9.2 GB (+200 MB)

GPU gate: passed at 2026-11-24T10:00:00Z, scipy-ml sha256:bbbbbbbbbbbb
2 of 3 tags would move; nothing was written."""
    )


@pytest.mark.parametrize(
    ("proof", "says"),
    [
        pytest.param(None, "GPU gate: not checked.", id="none"),
        pytest.param(
            GateApproval(override_reason="a page"), "GPU gate: PROMOTED WITHOUT A PASSED VERDICT: a page", id="accepted"
        ),
        pytest.param(
            GateApproval(override_reason="a page", outcome="tests failed", tried="T"),
            "PROMOTED WITHOUT A PASSED VERDICT (latest verdict: tests failed, T): a page",
            id="accepted though failed",
        ),
    ],
)
def test_the_proof_is_shown(proof: GateApproval | None, says: str) -> None:
    assert says in render_promotion_plan(msgspec.structs.replace(RECORD, proof=proof), RECORD.moves, {}, written=False)


def test_the_end_says_what_was_done() -> None:
    done = render_promotion_plan(RECORD, RECORD.moves, {}, written=True, notes=("Beware.",))
    assert done.startswith("promotion of 2026.4-a1239ab: 2026.4-stable (record 3 of 2026-11-25T08:00:00Z)\n")
    assert done.endswith("Beware.\n2 of 3 tags moved, all verified.")
    same = msgspec.structs.replace(RECORD, moves=RECORD.moves[:1])
    text = render_promotion_plan(same, same.moves, {}, written=True)
    assert text.endswith("All tags already point to these images; no tag was written.")
    assert "record" not in text
    assert "GPU gate" not in text


def test_after_an_interruption_what_changes_is_shown_and_not_what_is_recorded() -> None:
    changes = (move("base", NEW, NEW), move("rstudio", None, NEW), move("scipy-ml", OLD, NEW))
    text = render_promotion_plan(RECORD, changes, {}, written=True)
    assert "base      2026.4-stable  sha256:bbbbbbbbbbbb  sha256:bbbbbbbbbbbb  the same image" in text
    assert text.endswith("2 of 3 tags moved, all verified.")


def test_a_shrinking_image_is_shown_as_such() -> None:
    assert "9.0 GB (-200 MB)" in render_promotion_plan(RECORD, (move("base", NEW, OLD),), SIZES, written=False)


def test_history_is_a_table_with_the_newest_first() -> None:
    first = msgspec.structs.replace(
        RECORD, number=1, proof=GateApproval(override_reason="a page"), moves=(move("base", None, OLD),)
    )
    second = msgspec.structs.replace(RECORD, number=2, source="2026.4-b", moves=(move("base", OLD, NEW),))
    back = PromotionRecord(
        kind=Kind.ROLLBACK, number=3, at="T", source=first.source, restores=1, moves=(move("base", NEW, OLD),)
    )
    timeline = read_timeline([first, second, back], TAG, {"registry.test/x/base": OLD})
    lines = render_history(timeline).splitlines()
    assert [line.split()[0] for line in lines[4:7]] == ["3", "2", "1"]
    assert "rollback to 2026.4-a1239ab (record 1)  now" in lines[4]
    assert lines[-1] == "Record 1 was promoted without a passed GPU verdict: a page"


@pytest.mark.parametrize(
    ("kind", "tags", "says"),
    [
        pytest.param(
            Kind.PROMOTION,
            (TAG, "stable"),
            "Record 3 (promotion of 2026.4-a1239ab) is unfinished: 1 of 2 tags was updated, so 2026.4-stable is not "
            "one whole stack. It is still running, or was interrupted: run `tag --tag 2026.4-a1239ab --also stable` to "
            "finish it, or `rollback --tag 2026.4-stable` to undo it. It updates stable too: see the history of each.",
            id="promotion",
        ),
        pytest.param(
            Kind.ROLLBACK,
            (TAG,),
            "Record 3 (rollback to 2026.4-a1239ab (record 1)) is unfinished: 1 of 2 tags was updated, so 2026.4-stable "
            "is not one whole stack. It is still running, or was interrupted: run `rollback --tag 2026.4-stable` to "
            "finish it, or `tag` with the stack that is to be 2026.4-stable.",
            id="rollback",
        ),
    ],
)
def test_history_says_what_is_unfinished_and_how_to_end_it(kind: Kind, tags: tuple[str, ...], says: str) -> None:
    moves = [msgspec.structs.replace(move(image, OLD, NEW), tag=tag) for tag in tags for image in ("base", "rstudio")]
    record = msgspec.structs.replace(RECORD, kind=kind, restores=1, moves=(move("ml", NEW, NEW), *moves), proof=None)
    now = {"registry.test/x/ml": NEW, "registry.test/x/base": OLD, "registry.test/x/rstudio": NEW}
    text = render_history(read_timeline([record], TAG, now))
    assert "  interrupted  " in text
    assert text.endswith(f"\n\n{says}")


def test_history_says_which_records_are_gone() -> None:
    gone = GoneRecord(id=NEW, description="promotion 2 of 2026.4-stable", at="2026-11-25T08:00:00Z")
    text = render_history(read_timeline([RECORD], TAG, RECORD.new(TAG), [gone]))
    assert text.splitlines()[-1] == (
        "1 promotion record is gone from the registry, probably deleted by a clean-up of untagged manifests: promotion "
        "2 of 2026.4-stable (2026-11-25T08:00:00Z). What 2026.4-stable pointed to is worked out from the tags and the "
        "other records."
    )


def test_a_history_may_be_empty() -> None:
    assert render_history(read_timeline([], TAG, {})) == "No promotion records for 2026.4-stable."


def test_a_rollback_to_before_the_first_promotion_says_so() -> None:
    back = PromotionRecord(kind=Kind.ROLLBACK, number=2, at="T", moves=(move("base", OLD, None),))
    assert render_promotion_plan(back, back.moves, {}, written=False).startswith(
        "rollback to the state before the first promotion: "
    )


def test_a_summary_has_the_same_with_what_was_done_first() -> None:
    text = render_promotion_summary(RECORD, RECORD.moves, SIZES, written=True, notes=("<img src=x> @octocat",))
    assert (
        text
        == """\
## `promotion of 2026.4-a1239ab: 2026.4-stable (record 3 of 2026-11-25T08:00:00Z)`

2 of 3 tags moved, all verified.

| image | tag | from | to | compressed size |
| --- | --- | --- | --- | --- |
| `base` | `2026.4-stable` | `sha256:aaaaaaaaaaaa` | `sha256:aaaaaaaaaaaa` | the same image |
| `rstudio` | `2026.4-stable` | `nothing` | `sha256:bbbbbbbbbbbb` | 9.2 GB |
| `scipy-ml` | `2026.4-stable` | `sha256:aaaaaaaaaaaa` | `sha256:bbbbbbbbbbbb` | 9.2 GB (+200 MB) |

`GPU gate: passed at 2026-11-24T10:00:00Z, scipy-ml sha256:bbbbbbbbbbbb`

`<img src=x> @octocat`
"""
    )


def test_a_summary_of_a_dry_run_says_that_nothing_was_written() -> None:
    text = render_promotion_summary(RECORD, RECORD.moves, SIZES, written=False)
    assert text.startswith("## `promotion of 2026.4-a1239ab: 2026.4-stable`\n\n2 of 3 tags would move; nothing was")


def test_a_history_has_a_summary() -> None:
    first = msgspec.structs.replace(RECORD, number=1, proof=GateApproval(override_reason="a | page `now`"))
    text = render_history_summary(read_timeline([first], TAG, first.new(TAG)))
    assert text.startswith("## `2026.4-stable`\n\n| record | at | what | status | id |\n")
    assert "| `1` | `2026-11-25T08:00:00Z` | `promotion of 2026.4-a1239ab` | `now` | `sha256:" in text
    assert "`` Record 1 was promoted without a passed GPU verdict: a \\| page `now` ``" in text
    assert render_history_summary(read_timeline([], TAG, {})) == "## `2026.4-stable`\n\nNo promotion records.\n"
