import msgspec
import pytest

from ci.planning.cache_key import make_keys
from ci.planning.decisions import (
    Absent,
    Action,
    Cause,
    Decision,
    NoAnswer,
    NoRegistry,
    PlanInputs,
    Present,
    Reason,
    decide,
)
from tests.unit.planning.sample_decisions import (
    ALL,
    DS,
    GONE,
    ML,
    NEEDS,
    NEW,
    ON_BASE,
    ON_BOTH,
    ON_DS,
    ON_FONTS,
    PRESENT,
    REUSED,
    SAME,
    SHALLOW,
    SILENT,
    STACK,
    STACK_FILES,
    TREE,
    UV,
    inputs,
    other,
    reasons,
)
from tests.unit.planning.sample_keys import PIPELINE


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(inputs(), {}, id="all is published"),
        pytest.param(inputs(changed=None), {}, id="published, whatever changed"),
        pytest.param(inputs(changed="images/base/x"), {}, id="published by an earlier run of the same change"),
        pytest.param(inputs(records=None), {}, id="published, whatever was before"),
        pytest.param(inputs(changed=STACK_FILES), {}, id="published with the machinery as it is"),
        pytest.param(inputs(records=other("base", bases={"debian:12": "x"})), {}, id="published, a base moved back"),
        pytest.param(inputs(absent="ml", changed=ML), {"ml": f"files changed: {ML}"}, id="a leaf's file"),
        pytest.param(
            inputs(absent="base ds ml", changed="images/base/a images/base/b images/base/c images/base/d"),
            {"base": "files changed: images/base/a, images/base/b, images/base/c +1", **ON_BASE},
            id="files of the base",
        ),
        pytest.param(
            inputs(absent="fonts ds ml", changed="images/fonts/f"),
            {"fonts": "files changed: images/fonts/f", **ON_FONTS},
            id="a file of what another copies from",
        ),
        pytest.param(
            inputs(absent="base fonts ds ml", changed=f"images/base/a images/fonts/f {ML}"),
            {
                "base": "files changed: images/base/a",
                "fonts": "files changed: images/fonts/f",
                **ON_BOTH,
                "ml": f"files changed: {ML}",
            },
            id="own files go before parents",
        ),
        pytest.param(inputs(absent="base"), {"base": GONE, **ON_BASE}, id="a parent is gone, its children are not"),
        pytest.param(inputs(absent="fonts"), {"fonts": GONE, **ON_FONTS}, id="a source of copies is gone"),
        pytest.param(inputs(absent="ds"), {"ds": GONE, **ON_DS}, id="one in the middle is gone"),
        pytest.param(inputs(absent="ml"), {"ml": GONE}, id="changed by an earlier commit, whose run was red"),
        pytest.param(
            inputs(absent="base ds ml", records=other("base", bases={"debian:12": f"sha256:{'e' * 64}"})),
            {"base": "base moved: debian:12 eeeeeeeeeeee -> dddddddddddd", **ON_BASE},
            id="a base moved",
        ),
        pytest.param(inputs(absent=DS, records=other("ds", bases={})), {"ds": GONE, **ON_DS}, id="no digest recorded"),
        pytest.param(
            inputs(absent=DS, records=other("ds", build_args={"PYTHON": "3.10"})),
            {"ds": "build arg: PYTHON '3.10' -> '3.12'", **ON_DS},
            id="a build arg",
        ),
        pytest.param(
            inputs(absent=DS, records=other("ds", build_args={"A": "", "PYTHON": "3.12"})),
            {"ds": "build arg: A '' -> none", **ON_DS},
            id="a build arg less",
        ),
        pytest.param(
            inputs(absent=DS, records=other("ds", epoch="1", build_args={})),
            {"ds": "build arg: PYTHON none -> '3.12'", **ON_DS},
            id="a build arg more, which goes before an epoch",
        ),
        pytest.param(
            inputs(absent="fonts ds ml", records=other("fonts", epoch="")),
            {"fonts": "epoch: none -> 2", **ON_FONTS},
            id="an epoch",
        ),
        pytest.param(
            inputs(absent=DS, records=other("ds", epoch="1", build_args={}, bases={"uv:0.9": f"sha256:{'1' * 64}"})),
            {"ds": "base moved: uv:0.9 111111111111 -> 000000000000", **ON_DS},
            id="a base goes before a build arg",
        ),
        pytest.param(inputs(forced="ml"), {"ml": "forced: --rebuild"}, id="forced"),
        pytest.param(inputs(forced="base"), {"base": "forced: --rebuild", **ON_BASE}, id="a forced parent"),
        pytest.param(inputs(forced="ml", changed=ML), {"ml": f"files changed: {ML}"}, id="forced and changed"),
        pytest.param(
            inputs(forced="ml", changed=STACK_FILES), {"ml": "forced: --rebuild"}, id="forced, and stack files"
        ),
        pytest.param(
            inputs(absent="base fonts ds ml", changed=STACK_FILES),
            {
                "base": "stack files changed: .github/workflows/main.yml",
                "fonts": "stack files changed: .github/workflows/main.yml",
                **ON_BOTH,
            },
            id="files of the stack",
        ),
        pytest.param(inputs(absent="ml", records={}), {"ml": NEW}, id="never published"),
        pytest.param(inputs(absent="ml", records={}, changed=None), {"ml": NEW}, id="a new image without history"),
        pytest.param(inputs(absent="ml", records=None), {"ml": GONE.partition(";")[0]}, id="no record"),
        pytest.param(inputs(silent="ml"), {"ml": SILENT}, id="no answer"),
        pytest.param(inputs(silent="base"), {"base": SILENT, **ON_BASE}, id="no answer for a parent"),
        pytest.param(
            inputs(silent="base fonts ds ml", records=None, changed=None),
            dict.fromkeys(("base", "fonts", "ds", "ml"), SILENT),
            id="no answer at all",
        ),
        pytest.param(inputs(silent="ml", changed=ML), {"ml": f"files changed: {ML}"}, id="no answer, and changed"),
        pytest.param(inputs(absent="ml", changed=None), {"ml": SHALLOW}, id="no history"),
        pytest.param(inputs(absent="ml", changed=None, records=None), {"ml": SHALLOW}, id="no history, no record"),
        pytest.param(inputs(absent="base", changed=None), {"base": SHALLOW, **ON_BASE}, id="no history of a parent"),
    ],
)
def test_reasons(given: PlanInputs, expected: dict[str, str]) -> None:
    assert reasons(given) == REUSED | expected


def test_a_decision_has_what_a_run_needs() -> None:
    found = {one.name: one for one in decide(STACK, STACK.images, inputs(absent="ml"))}
    assert found["ds"] == Decision(
        name="ds",
        action=Action.REUSE,
        reason=Reason(cause=Cause.PUBLISHED, detail="dsdsdsdsdsds has this content"),
        digest=PRESENT["ds"].digest,
    )
    assert (found["ml"].action, found["ml"].digest) == (Action.BUILD, None)
    assert (found["old"].action, found["old"].digest) == (Action.DISABLED, None)
    assert str(found["old"].reason) == "no course uses it"


def test_an_image_of_which_nothing_was_asked_is_built() -> None:
    found = msgspec.structs.replace(inputs(), answers={})
    assert reasons(found)["fonts"] == "registry did not answer: it was not asked"


def test_what_is_built_on_a_base_that_is_not_known_is_built() -> None:
    found = msgspec.structs.replace(inputs(), keys=make_keys(STACK, TREE, STACK.images, {"uv:0.9": UV}, PIPELINE))
    unknown = {"base": "registry did not answer: the digest of debian:12 is unknown", **ON_BASE}
    assert reasons(found) == REUSED | unknown


def test_only_the_images_of_a_plan_are_decided_on() -> None:
    (found,) = decide(STACK, STACK.closure(["base"]), inputs())
    assert found.name == "base"


def test_a_reused_image_says_what_else_there_is_to_it() -> None:
    answers: dict[str, Present | Absent | NoAnswer] = {
        **PRESENT,
        "ds": msgspec.structs.replace(PRESENT["ds"], tested=False),
        "ml": msgspec.structs.replace(PRESENT["ml"], unnamed=True),
    }
    found = {one.name: one for one in decide(STACK, STACK.images, msgspec.structs.replace(inputs(), answers=answers))}
    assert [one.action for one in found.values() if one.retest] == [Action.REUSE]
    assert str(found["ds"].reason) == f"{REUSED['ds']}; its tests changed"
    assert str(found["ml"].reason) == f"{REUSED['ml']}, from an interrupted run"


@pytest.mark.parametrize(
    ("name", "needs", "expected"),
    [
        pytest.param(
            "ml",
            {"ds": "sha256:0123456789abcdef"},
            {"ml": "other parent: built on ds 0123456789ab; dsdsdsdsdsds is published"},
            id="another build of the parent",
        ),
        pytest.param(
            "ds",
            {**NEEDS["ds"], "fonts": "sha256:0123456789abcdef"},
            {"ds": "other parent: built on fonts 0123456789ab; fontsfontsfo is published", **ON_DS},
            id="another build of what it copies from",
        ),
        pytest.param(
            "ml",
            {},
            {"ml": "other parent: it is not recorded which build of ds it was built on"},
            id="not recorded",
        ),
    ],
)
def test_an_image_that_was_built_on_another_build_is_built(
    name: str, needs: dict[str, str], expected: dict[str, str]
) -> None:
    answers = {**PRESENT, name: msgspec.structs.replace(PRESENT[name], needs=needs)}
    assert reasons(msgspec.structs.replace(inputs(), answers=answers)) == REUSED | expected


def test_a_refresh_is_the_reason_where_nothing_else_is() -> None:
    found = msgspec.structs.replace(inputs(absent="base fonts ds ml", changed=ML), refresh_epoch="today")
    assert reasons(found) == {
        "base": "epoch: --refresh",
        "fonts": "epoch: --refresh",
        **ON_BOTH,
        "ml": f"files changed: {ML}",
    }


def test_without_a_registry_every_image_has_the_same_reason_but_those_whose_files_changed() -> None:
    given = inputs(records=None, changed=ML)
    given = msgspec.structs.replace(given, answers=dict.fromkeys(ALL, NoRegistry()))
    expected = dict.fromkeys(ALL, "no registry") | {"ml": f"files changed: {ML}"}
    assert reasons(given) == expected


def test_a_first_build_says_so_for_every_image() -> None:
    given = inputs(absent=" ".join(ALL), records={})
    assert reasons(given) == dict.fromkeys(ALL, NEW)


@pytest.mark.parametrize("changed", [None, "", f"{DS} images/base/Dockerfile {ML}", STACK_FILES])
def test_the_first_publication_says_so_whatever_changed(changed: str | None) -> None:
    given = inputs(records=None, changed=changed)
    given = msgspec.structs.replace(given, answers=dict.fromkeys(ALL, Absent(always=True)))
    assert reasons(given) == dict.fromkeys(ALL, NEW)


def test_a_new_image_is_a_first_build_and_its_children_change() -> None:
    given = inputs(
        absent="fonts ds ml", records={name: SAME[name] for name in ("base", "ds", "ml")}, changed="images/fonts/f"
    )
    assert reasons(given) == REUSED | {"fonts": NEW, **ON_FONTS}
