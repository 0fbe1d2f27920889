import pytest

from ci.planning.plan import Plan
from ci.results import ImageReport, Outcome, Publication, RunReport
from ci.timing import busy_seconds


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([(1, 3)], 2, id="one"),
        pytest.param([(1, 3), (5, 6)], 3, id="apart"),
        pytest.param([(1, 3), (2, 4)], 3, id="overlapping"),
        pytest.param([(1, 9), (2, 3), (4, 5)], 8, id="inside another"),
        pytest.param([(4, 5), (1, 3)], 3, id="any order"),
        pytest.param([(1, 2), (2, 3)], 2, id="touching"),
    ],
)
def test_busy_seconds_counts_overlapping_time_once(spans: list[tuple[float, float]], expected: float) -> None:
    assert busy_seconds(spans) == expected


def report(*outcomes: Outcome) -> RunReport:
    images = tuple(ImageReport(name=f"i{number}", outcome=outcome) for number, outcome in enumerate(outcomes))
    return RunReport(plan=Plan(images=()), images=images, started="2026-01-01T00:00:00+00:00", seconds=1, jobs=2)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        pytest.param((Outcome.BUILT, Outcome.BUILT), 0, id="all built"),
        pytest.param((Outcome.BUILT, Outcome.DISABLED), 0, id="disabled on purpose"),
        pytest.param((Outcome.BUILT, Outcome.FAILED), 1, id="one failed"),
        pytest.param((Outcome.BLOCKED,), 1, id="blocked is not green"),
    ],
)
def test_the_exit_code_is_red_unless_every_image_is_as_planned(outcomes: tuple[Outcome, ...], code: int) -> None:
    assert report(*outcomes).exit_code == code


def test_images_with_an_outcome_keep_the_order() -> None:
    assert report(Outcome.BUILT, Outcome.FAILED, Outcome.BUILT).with_outcome(Outcome.BUILT) == ("i0", "i2")


def test_a_publication_has_a_tag() -> None:
    """Or a report would say that `registry/IMAGE:` is published."""
    with pytest.raises(ValueError, match="without a tag"):
        Publication(tag="", registry="docker.io/x")
