"""A stack of which all is published, and what is decided when something of it is another."""

from collections.abc import Mapping

import msgspec

from ci.planning.cache_key import make_keys
from ci.planning.changes import Changed, History, Unknown
from ci.planning.decisions import (
    Absent,
    Action,
    NoAnswer,
    PlanInputs,
    Present,
    Record,
    decide,
)
from ci.stack.reader import read_stack
from tests.unit.planning.sample_keys import PIPELINE
from tests.unit.trees import MemoryTree

FILES = {
    "images/base/Dockerfile": "FROM debian:12\n",
    "images/ds/Dockerfile": "FROM base\nARG PYTHON=3.11\nCOPY --from=fonts /f /f\nCOPY --from=uv:0.9 /uv /uv\n",
    "images/fonts/Dockerfile": "FROM scratch\nCOPY f /f\n",
    "images/ml/Dockerfile": "FROM ds\n",
    "images/old/Dockerfile": "FROM base\n",
    "images/stack.toml": '[stack]\nepoch = "2"\n[images.ds]\nbuild-args = {PYTHON = "3.12"}\n'
    '[images.old]\nenabled = false\nreason = "no course uses it"\n',
}
TREE = MemoryTree(FILES)
STACK = read_stack(TREE)
DEBIAN, UV = f"sha256:{'d' * 64}", f"sha256:{'0' * 64}"
BASES = {"debian:12": DEBIAN, "uv:0.9": UV}
ALL = ("base", "fonts", "ds", "ml")
DIGESTS = {name: f"sha256:{name * 20}" for name in ALL}
NEEDS = {name: {needed: DIGESTS[needed] for needed in STACK.by_name[name].needs} for name in ALL}
PRESENT = {name: Present(digest=DIGESTS[name], needs=NEEDS[name]) for name in ALL}


def record(**fields: object) -> Record:
    """Return the record of an image that was built as it would be now, but for these fields."""
    built = Record(commit="c" * 40, epoch="2", build_args={}, bases={}, image_code="i", engine="v1")
    return msgspec.structs.replace(built, **fields)


SAME = {
    "base": record(bases={"debian:12": DEBIAN}),
    "fonts": record(),
    "ds": record(build_args={"PYTHON": "3.12"}, bases={"uv:0.9": UV}),
    "ml": record(),
}
REUSED = {name: f"published: {(name * 20)[:12]} has this content" for name in ALL}
KEYS = make_keys(STACK, TREE, STACK.images, BASES, PIPELINE)


def history(changes: Changed | Unknown) -> History:
    return History(commit="a" * 40, dirty=False, changes=changes)


def inputs(
    *,
    absent: str = "",
    silent: str = "",
    changed: str | None = "",
    forced: str = "",
    records: Mapping[str, Record] | None = SAME,
) -> PlanInputs:
    answers: dict[str, Present | Absent | NoAnswer] = {**PRESENT}
    answers.update(dict.fromkeys(absent.split(), Absent()))
    answers.update(dict.fromkeys(silent.split(), NoAnswer(why="time is up")))
    paths = None if changed is None else tuple(sorted(changed.split()))
    return PlanInputs(
        keys=KEYS,
        answers=answers,
        history=history(Unknown(why="this is a shallow clone.") if paths is None else Changed(base="b", paths=paths)),
        records=records,
        forced=frozenset(forced.split()),
    )


def other(name: str, **fields: object) -> Mapping[str, Record]:
    """Return the records with one that differs."""
    return {**SAME, name: msgspec.structs.replace(SAME[name], **fields)}


def built_by(**fields: object) -> Mapping[str, Record]:
    """Return the records with another pipeline."""
    return {name: msgspec.structs.replace(one, **fields) for name, one in SAME.items()}


def reasons(found: PlanInputs) -> dict[str, str]:
    decisions = decide(STACK, STACK.images, found)
    return {one.name: str(one.reason) for one in decisions if one.action is not Action.DISABLED}


ON_DS = {"ml": "parent changes: ds"}
ON_BASE = {"ds": "parent changes: base", **ON_DS}
ON_FONTS = {"ds": "parent changes: fonts", **ON_DS}
ON_BOTH = {"ds": "parent changes: base, fonts", **ON_DS}
GONE = "never published: no image with this content; the last one is from commit ccccccc"
NEW = "never published: first build"
SILENT = "registry did not answer: time is up"
SHALLOW = "no history: this is a shallow clone."
CODE, EACH = "the code that builds images", " ".join(ALL)
ML, DS, STACK_FILES = "images/ml/x", "ds ml", ".github/workflows/main.yml images/stack.toml"
