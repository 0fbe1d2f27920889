import base64
import gzip
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.gpu_gate.transcript import Evidence, Transcript, plain
from ci.gpu_gate.verdict import GpuOutcome

NONCE = "0123456789abcdef"
REPORT = b"<testsuite>" + bytes(range(33, 127)) * 3 + b"</testsuite>"
ENCODED = base64.b64encode(gzip.compress(REPORT, mtime=0)).decode()


def mark(kind: str, value: str) -> str:
    return f"\r\n<<{kind}:{NONCE}:{value}>>\r\n"


def report(*, junk: str = "") -> str:
    lines = [ENCODED[at : at + 76] for at in range(0, len(ENCODED), 76)]
    return mark("JUNIT", "begin") + f"\r\n{junk}".join(lines) + mark("JUNIT", "end")


WHOLE = (
    f"INFO starting up\r\n{mark('RUN', 'begins')}{mark('GPU', 'GPU 0: A30')}test_a PASSED\r\n"
    f"{report()}{mark('RC', '0')}bye\r\n"
)
EVIDENCE = Evidence(
    started=True,
    codes=("0",),
    gpus=("GPU 0: A30",),
    junit=(REPORT,),
    last=("INFO starting up", "test_a PASSED", "bye"),
)


def read(*parts: bytes) -> tuple[Evidence, list[str]]:
    transcript = Transcript("gate-1", NONCE)
    shown = [line for part in parts for line in transcript.feed(part)]
    return transcript.close(), shown


def cut(text: bytes, places: list[int]) -> Iterator[bytes]:
    ends = sorted({place % (len(text) + 1) for place in places})
    for first, last in zip([0, *ends], [*ends, len(text)], strict=True):
        yield text[first:last]


def test_a_whole_run() -> None:
    assert read(WHOLE.encode()) == (EVIDENCE, ["INFO starting up", "test_a PASSED", "bye"])


@given(st.lists(st.integers(0, 10_000), max_size=30))
def test_it_does_not_matter_how_the_output_is_split(places: list[int]) -> None:
    assert read(*cut(WHOLE.encode(), places))[0] == EVIDENCE


@pytest.mark.parametrize("junk", ["done\r\n", "INFO Pending\r\n", "\r\n", "\x1b[0m\r\n"])
def test_lines_of_other_output_do_not_damage_a_report(junk: str) -> None:
    assert read(report(junk=junk).encode())[0].junit == (REPORT,)


@pytest.mark.parametrize(
    ("text", "junit"),
    [
        pytest.param(mark("JUNIT", "begin") + ENCODED[:76], (None,), id="never ended"),
        pytest.param(mark("JUNIT", "end"), (None,), id="never begun"),
        pytest.param(mark("JUNIT", "begin") + report(), (None, None), id="begun twice"),
        pytest.param(report().replace(ENCODED[76:80], "AAAA"), (None,), id="changed"),
        pytest.param(report().replace(ENCODED[76:152], ""), (None,), id="a line lost"),
        pytest.param(mark("JUNIT", "begin") + "A" * 76 + mark("JUNIT", "end"), (None,), id="no gzip"),
        pytest.param(mark("JUNIT", "begin") + mark("JUNIT", "end"), (b"",), id="none made"),
        pytest.param(mark("JUNIT", "begin") + f"{'A' * 76}\n" * 120_000 + mark("JUNIT", "end"), (None,), id="9 MB"),
    ],
)
def test_damage_is_noticed(text: str, junit: tuple[bytes | None, ...]) -> None:
    assert read(text.encode())[0].junit == junit


def test_a_report_that_grows_without_end_is_damage() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(100 << 20))).decode()
    lines = "\n".join(bomb[at : at + 76] for at in range(0, len(bomb), 76))
    assert read(f"{mark('JUNIT', 'begin')}{lines}{mark('JUNIT', 'end')}".encode())[0].junit == (None,)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"said: <<RC:{NONCE}:0>>", id="not first"),
        pytest.param(f"<<RC:{NONCE}:0>> said", id="not last"),
        pytest.param("x" * 70_000 + f"<<RC:{NONCE}:0>>", id="end of a long line"),
        pytest.param(f"<<RC:{NONCE.upper()}:0>>", id="other letters"),
        pytest.param(f"<<RC:{NONCE}>>", id="no value"),
    ],
)
def test_only_a_line_of_its_own_is_a_mark(line: str) -> None:
    assert read(f"{line}\n".encode())[0].codes == ()


def test_a_part_of_a_long_line_is_not_a_mark() -> None:
    # Lines are cut after 64 kB, here in front of what looks like a mark.
    assert read(b"x" * 65_536 + b"<", f"<RC:{NONCE}:0>>\n".encode())[0].codes == ()


def test_a_line_that_was_cut_off_is_not_a_mark() -> None:
    assert read(f"\n<<RC:{NONCE}:0>>".encode())[0].codes == ()


def test_marks_of_another_run_are_only_noted() -> None:
    evidence, _ = read(mark("RC", "0").replace(NONCE, "fedcba9876543210").encode())
    assert (evidence.foreign, evidence.codes) == (True, ())


def test_all_codes_are_kept() -> None:
    assert read((mark("RC", "1") + mark("RC", "0")).encode())[0].codes == ("1", "0")


def test_only_the_launcher_reports_failures_while_the_pod_runs() -> None:
    run = mark("RUN", "begins")
    assert read(f"{run}test prints: exceeded quota, OOMKilled\n".encode())[0].failure is None
    killed = read(f'{run}pod "gate-1" exited due to: OOMKilled\n'.encode())[0].failure
    assert killed
    assert killed.outcome is GpuOutcome.BAD_RUN


def test_the_shown_output_is_limited_and_a_mark_after_it_is_still_read() -> None:
    noise = ("x" * 997 + ">>\n").encode() * 6000
    evidence, shown = read(mark("RUN", "begins").encode(), noise, mark("RC", "0").encode())
    assert evidence.codes == ("0",)
    assert shown[-1] == "(There is more output; it is not shown.)"
    assert sum(map(len, shown)) < 5_010_000
    assert len(evidence.last) == 20


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"plain\r", "plain"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07text\x1b]8;;http://a\x1b\\link", "textlink"),
        (b" 10%\r 50%\r100%", "100%"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\x00b\x08c\x7fd", "a b c d"),
        ("héllo ✓".encode(), "héllo ✓"),
    ],
)
def test_a_line_on_a_terminal(line: bytes, shown: str) -> None:
    assert plain(line) == shown
