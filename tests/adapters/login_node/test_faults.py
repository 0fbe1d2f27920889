"""Everything that goes wrong on the way to a proof: each has its outcome and its sentence, and none passes."""

import anyio
import anyio.lowlevel
import pytest

from ci.promotion.gpu_verdict import GpuOutcome
from tests.adapters.login_node.gate import Gate, outcomes, try_on
from tests.adapters.login_node.server import Act, Cluster, Launch, junit, running

pytestmark = pytest.mark.anyio


async def forever(launch: Launch) -> int:
    launch.write("INFO starting up - pod status: Pending ; 0/9 nodes are available: untolerated taint(s)\r\n")
    await launch.interrupted()
    return 0


async def proving(launch: Launch) -> int:
    launch.prove()
    return 0


def saying(text: str, status: int = 0) -> Act:
    async def act(launch: Launch) -> int:
        launch.write(text.replace("POD", launch.pod))
        await anyio.lowlevel.checkpoint()
        return status

    return act


def reporting(xml: str, code: int = 0, status: int = 0) -> Act:
    async def act(launch: Launch) -> int:
        launch.prove(xml, code)
        await anyio.lowlevel.checkpoint()
        return status

    return act


async def losing(launch: Launch) -> int:
    launch.prove()
    await launch.process.stdout.drain()
    await anyio.sleep(0.05)
    launch.cut()
    return 0


async def untold(launch: Launch) -> None:
    launch.prove()
    await anyio.sleep(0.05)
    launch.process.close()


async def killed(launch: Launch) -> None:
    launch.prove()
    launch.process.exit_with_signal("TERM")


async def cut_in_the_middle(launch: Launch) -> int:
    launch.begin()
    launch.write("test_gpu.py::test_0 PAS")
    await anyio.lowlevel.checkpoint()
    return 0


async def cut_report(launch: Launch) -> int:
    launch.begin()
    launch.report(junit(passed=40), lines=1)
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def no_report(launch: Launch) -> int:
    launch.begin()
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def empty_report(launch: Launch) -> int:
    launch.begin()
    launch.report("", lines=0)
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def echoing(launch: Launch) -> int:
    launch.write(f"+ {launch.process.command}\r\n")
    await anyio.lowlevel.checkpoint()
    return 0


async def wrong_nonce(launch: Launch) -> int:
    launch.nonce = "0123456789abcdef"
    launch.prove()
    await anyio.lowlevel.checkpoint()
    return 0


async def two_codes(launch: Launch) -> int:
    launch.prove(junit(passed=2, failed=1), code=1)
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def two_reports(launch: Launch) -> int:
    launch.begin()
    launch.report(junit(failed=1))
    launch.report(junit(passed=3))
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


async def marks_within_lines(launch: Launch) -> int:
    launch.begin()
    launch.report(junit(passed=3))
    launch.write(f"printed by a test: <<RC:{launch.nonce}:0>>\r\n<<RC:{launch.nonce}:0>> and more\r\n")
    await anyio.lowlevel.checkpoint()
    return 0


async def odd_code(launch: Launch) -> int:
    launch.begin()
    launch.report(junit(passed=3))
    launch.mark("RC", "")
    await anyio.lowlevel.checkpoint()
    return 0


async def no_gpu(launch: Launch) -> int:
    launch.begin("No devices found.")
    launch.report(junit(passed=3))
    launch.mark("RC", "0")
    await anyio.lowlevel.checkpoint()
    return 0


FORBIDDEN = "Error from server (Forbidden): pods POD is forbidden: exceeded quota: compute\r\nPod creation failed\r\n"
QUOTA = "GPU quota exceeded. Wanted 1 but with 1 already in use, the quota of 1 would be exceeded\r\n"
BACK_OFF = 'INFO starting up - pod status: Pending ; Back-off pulling image "docker.io/ucsdets/ml"\r\n'


@pytest.mark.parametrize(
    ("act", "outcome", "why"),
    [
        pytest.param(losing, "infrastructure", "connection to the login node was lost", id="connection lost"),
        pytest.param(untold, "infrastructure", "connection to the login node was lost", id="no exit status"),
        pytest.param(killed, "bad run", "launcher ended by signal TERM", id="launcher killed"),
        pytest.param(reporting(junit(passed=3), status=1), "bad run", "with exit status 1", id="launcher failed late"),
        pytest.param(cut_in_the_middle, "infrastructure", "before the tests' result came", id="cut in the middle"),
        pytest.param(cut_report, "infrastructure", "damaged or cut off", id="cut report"),
        pytest.param(no_report, "infrastructure", "damaged or cut off", id="no report"),
        pytest.param(empty_report, "bad run", "left no report", id="empty report"),
        pytest.param(reporting("<html>no report"), "bad run", "left no report that can be read", id="no XML"),
        pytest.param(echoing, "infrastructure", "the pod never ran", id="echoed command line"),
        pytest.param(wrong_nonce, "bad run", "another run's mark", id="wrong nonce"),
        pytest.param(two_codes, "bad run", "More than one result", id="two codes"),
        pytest.param(two_reports, "bad run", "More than one result", id="two reports"),
        pytest.param(marks_within_lines, "infrastructure", "before the tests' result", id="marks within lines"),
        pytest.param(odd_code, "bad run", "which is none", id="no number as code"),
        pytest.param(no_gpu, "bad run", "No GPU was seen", id="no GPU"),
        pytest.param(saying(""), "infrastructure", "the pod never ran", id="nothing at all"),
        pytest.param(saying("launch.sh: not found", 127), "bad run", "correct gpu.launch", id="no launcher"),
        pytest.param(saying("Pod creation failed\r\n", 1), "infrastructure", "could not run the pod", id="no pod"),
        pytest.param(saying("illegal option -- l\r\n", 2), "infrastructure", "illegal option -- l", id="words refused"),
        pytest.param(saying("", 124), "infrastructure", "came to its time limit", id="launcher's limit"),
        pytest.param(saying(FORBIDDEN, 1), "no capacity", "no GPU left", id="quota at creation"),
        pytest.param(saying(QUOTA, 1), "no capacity", "no GPU left", id="GPU quota"),
        pytest.param(saying(BACK_OFF), "infrastructure", "failed to fetch the image", id="pull, by the launcher"),
        pytest.param(saying('pod "POD" exited due to: OOMKilled\r\n'), "bad run", "out of memory", id="memory"),
        pytest.param(saying('pod "POD" exited due to: DeadlineExceeded\r\n'), "bad run", "time limit", id="deadline"),
        pytest.param(reporting(junit(), 137), "bad run", "raise gpu.memory", id="tests killed"),
        pytest.param(reporting(junit(passed=3), 124), "bad run", "raise gpu.run-limit", id="tests too slow"),
        pytest.param(reporting(junit(errors=1), 2), "bad run", "could not collect", id="not collected"),
        pytest.param(reporting(junit(), 5), "bad run", "found no tests", id="no tests"),
        pytest.param(reporting(junit(), 4), "bad run", "correct gpu.tests", id="no such path"),
        pytest.param(reporting(junit(), 77), "bad run", "exit code 77", id="strange code"),
        pytest.param(reporting(junit(errors=2), 1), "tests failed", "2 of 2 tests failed", id="fixtures fail"),
        pytest.param(reporting(junit(skipped=9)), "bad run", "9 were skipped", id="all skipped"),
        pytest.param(reporting(junit(passed=1)), "bad run", "at least 2 must", id="fewer than the least"),
        pytest.param(reporting(junit(passed=3, failed=1)), "bad run", "tells of 1 test", id="failed with code 0"),
        pytest.param(reporting(junit(passed=3), 1), "bad run", "tells of 0 tests", id="code 1 without a failure"),
    ],
)
async def test_a_fault_is_never_a_pass(act: Act, outcome: str, why: str) -> None:
    verdict = await try_on(Cluster([act]), attempts=1)
    assert why in verdict.why
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    ("status", "events", "outcome", "why"),
    [
        pytest.param(
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            [], "infrastructure", "failed to fetch the image", id="pull",
        ),
        pytest.param(
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]},
            [{"reason": "Failed", "message": 'Failed to pull image "x": manifest unknown'}],
            "bad run", "make sure that this digest is published", id="no such image",
        ),
        pytest.param(
            {"phase": "Pending"}, [{"reason": "UnknownGpuClass", "message": "Known classes: small."}],
            "bad run", "correct gpu.gpu-class in stack.toml. It said: UnknownGpuClass: Known classes", id="class",
        ),
        pytest.param(
            {"phase": "Pending"},
            [{"reason": "OnDemandLeaseDenied", "message": "denied: User 'g' is not a member of group 'DS_1'."}],
            "bad run", "correct gpu.workspace", id="not a member",
        ),
        pytest.param(
            {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled"}}}]},
            [], "bad run", "raise gpu.memory", id="memory",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "DeadlineExceeded", "message": "Pod was active too long"},
            [], "bad run", "raise gpu.run-limit", id="deadline",
        ),
        pytest.param(
            {"phase": "Running"}, [{"reason": "Preempted", "message": "Pod preempted to free capacity"}],
            "no capacity", "took the GPU back", id="preempted",
        ),
    ],
)  # fmt: skip
async def test_the_cluster_s_word_ends_an_attempt_early(
    status: dict[str, object], events: list[dict[str, str]], outcome: str, why: str
) -> None:
    cluster = Cluster([forever], status=status, events=events)
    with anyio.fail_after(3):
        verdict = await try_on(cluster, queue_limit=60, run_limit=60)
    assert why in verdict.why
    assert verdict.outcome == outcome


@pytest.mark.parametrize("kubectl", [True, False], ids=["kubectl", "no kubectl"])
async def test_a_pod_may_not_wait_for_ever(*, kubectl: bool) -> None:
    events = [{"reason": "OnDemandLeaseDenied", "message": "Only 0 GPU(s) available at 2026-11-25 08:00"}]
    cluster = Cluster([forever], kubectl=kubectl, status={"phase": "Pending"}, events=events)
    verdict = await try_on(cluster, queue_limit=0.3)
    assert verdict.outcome is GpuOutcome.NO_CAPACITY
    assert verdict.why.startswith("The pod did not run within 0 s (gpu.queue-limit)")
    assert ("Only 0 GPU(s) available" in verdict.why) == kubectl


async def test_tests_may_not_run_for_ever() -> None:
    async def hanging(launch: Launch) -> int:
        launch.begin()
        await launch.interrupted()
        launch.prove()  # too late
        return 0

    verdict = await try_on(Cluster([hanging]), run_limit=0.2)
    assert (verdict.outcome, verdict.why[:32]) == ("bad run", "The tests' result did not come w")


async def test_a_pod_that_runs_has_its_whole_limit() -> None:
    async def slow(launch: Launch) -> int:
        launch.begin()
        await anyio.sleep(0.5)
        launch.prove()
        return 0

    verdict = await try_on(Cluster([slow], kubectl=False), queue_limit=0.3, run_limit=5)
    assert verdict.gpus
    assert verdict.outcome is not GpuOutcome.NO_CAPACITY


async def test_only_what_may_be_better_the_next_time_is_tried_again() -> None:
    gate, cluster = Gate(), Cluster([losing, saying(QUOTA, 1), proving])
    async with running(cluster) as node:
        verdict = await gate.on(node, attempts=3)
    assert outcomes(verdict) == ("infrastructure", "no capacity", "passed")
    assert verdict.passed
    assert len({attempt.pod for attempt in verdict.attempts}) == 3
    assert gate.clock.waits == [60, 120]
    assert cluster.pods == set()


async def test_attempts_end() -> None:
    assert outcomes(await try_on(Cluster([saying(QUOTA, 1)]), attempts=2)) == ("no capacity", "no capacity")


async def test_a_failure_is_not_tried_again() -> None:
    verdict = await try_on(Cluster([reporting(junit(failed=1), 1), proving]), attempts=3)
    assert outcomes(verdict) == ("tests failed",)


async def test_bytes_that_are_no_text_do_no_harm() -> None:
    async def garbling(launch: Launch) -> int:
        launch.begin()
        launch.write(b"\xff\xfe\x00 half a sign \xe2\x82\r\n\x1b[31mred\x1b[0m \x1b]0;title\x07 10%\r 90%\r\n")
        launch.report(junit(passed=3))
        launch.write(b"\xc3")
        launch.mark("RC", "0")
        return 0

    gate = Gate()
    async with running(Cluster([garbling])) as node:
        verdict = await gate.on(node)
    assert verdict.passed
    assert "\ufffd\ufffd  half a sign \ufffd" in gate.told
    assert " 90%" in gate.told
    assert all(line.isprintable() for line in gate.told)
