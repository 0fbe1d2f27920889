"""The JSON of records in registries: what was written before images could share a repository stays as it was."""

import msgspec

from ci.planning.decisions import Action
from ci.promotion.records import PROMOTION_RECORDS, GateApproval, Kind, PromotionRecord, RecordedUpdate
from ci.publish.attestations import RUN_RECORDS, RecordedImage, RecordedTests, RunRecord

NEW = f"sha256:{'a' * 64}"
RUN = (
    '{"tag":"2026.4-a1239ab","commit":"a1239ab","started":"2026-11-24T08:00:00Z","seconds":9.0,"images":[{"name":"base"'
    f',"repository":"docker.io/ucsdets/base","digest":"{NEW}","key":"00","action":"build","reason":"files changed: x",'
    '"size":5,"seconds":1.5,"tests":{"suites":"11","passed":3,"skipped":0,"flaky":0,"ran":["common/image"]},"epoch":"",'
    '"build_args":{"A":"1"},"bases":{"debian:12":"sha256:b"}}]}'
)
PROMOTION = (
    '{"kind":"promotion","number":1,"at":"2026-11-25T08:00:00Z","source":"2026.4-a1239ab","commit":"a1239ab",'
    '"run":"2026-11-24T08:00:00Z","restores":0,"moves":[{"image":"base","repository":"docker.io/ucsdets/base",'
    f'"tag":"2026.4-stable","old":null,"new":"{NEW}"}}],"proof":{{"image":"","digest":"","verdict":"","outcome":"",'
    '"tried":"","accepted":"no GPU"}}'
)
PROMOTION_ID = "sha256:426c26c0c42fd7eb7dae89db1ea6a7fcaf55ff43e85414d4eca4542a2581362f"


def image(name: str = "base", repository: str = "docker.io/ucsdets/base", tag_prefix: str = "") -> RecordedImage:
    return RecordedImage(
        name=name,
        repository=repository,
        tag_prefix=tag_prefix,
        digest=NEW,
        key="00",
        action=Action.BUILD,
        reason="files changed: x",
        size=5,
        seconds=1.5,
        tests=RecordedTests(suites="11", passed=3, skipped=0, flaky=0, ran=("common/image",)),
        epoch="",
        build_args={"A": "1"},
        bases={"debian:12": "sha256:b"},
    )


def run(*images: RecordedImage) -> RunRecord:
    return RunRecord(tag="2026.4-a1239ab", commit="a1239ab", started="2026-11-24T08:00:00Z", seconds=9.0, images=images)


def promotion(*moves: RecordedUpdate) -> PromotionRecord:
    return PromotionRecord(
        kind=Kind.PROMOTION,
        number=1,
        at="2026-11-25T08:00:00Z",
        source="2026.4-a1239ab",
        commit="a1239ab",
        run="2026-11-24T08:00:00Z",
        moves=moves,
        proof=GateApproval(override_reason="no GPU"),
    )


def move(name: str, repository: str, tag: str, prefix: str) -> RecordedUpdate:
    return RecordedUpdate(image=name, repository=repository, tag=tag, tag_prefix=prefix, old=None, new=NEW)


NO_PREFIX = NEW[len(NEW) :]  # as it is made, not as it is written


def test_the_bytes_of_records_without_prefixes_are_as_before() -> None:
    record = promotion(move("base", "docker.io/ucsdets/base", "2026.4-stable", NO_PREFIX))
    assert RUN_RECORDS.content(run(image(tag_prefix=NO_PREFIX))).decode() == RUN
    assert PROMOTION_RECORDS.content(record).decode() == PROMOTION
    assert record.id == PROMOTION_ID


def test_what_was_written_before_prefixes_is_read_and_has_the_same_id() -> None:
    read = msgspec.json.decode(RUN, type=RunRecord)
    assert RUN_RECORDS.content(read).decode() == RUN
    assert str(read.images[0].place.tagged("2026.4-stable")) == "docker.io/ucsdets/base:2026.4-stable"
    record = msgspec.json.decode(PROMOTION, type=PromotionRecord)
    assert record.id == PROMOTION_ID
    assert record.new("2026.4-stable") == {"docker.io/ucsdets/base": NEW}


def test_a_prefix_is_part_of_the_place_and_of_the_tag_in_the_registry() -> None:
    one = image("torch-cuda", repository="docker.io/ucsdets/torch", tag_prefix="cuda-")
    assert str(one.place.tagged("2026.4-a1239ab")) == "docker.io/ucsdets/torch:cuda-2026.4-a1239ab"
    assert msgspec.json.decode(RUN_RECORDS.content(run(one)), type=RunRecord) == run(one)
    record = promotion(
        move("torch", "docker.io/ucsdets/torch", "2026.4-stable", ""),
        move("torch-cuda", "docker.io/ucsdets/torch", "cuda-2026.4-stable", "cuda-"),
    )
    assert msgspec.json.decode(PROMOTION_RECORDS.content(record), type=PromotionRecord) == record
    assert record.tags == ("2026.4-stable",)
    places = ["docker.io/ucsdets/torch", "docker.io/ucsdets/torch:cuda-"]
    assert record.new("2026.4-stable") == dict.fromkeys(places, NEW)
    assert record.old("cuda-2026.4-stable") == {}
