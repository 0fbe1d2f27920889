import msgspec
import pytest

from ci.gpu_gate.pod import Phase, PodState, read_pod

NORMAL = [
    ("FailedScheduling", "0/9 nodes are available: 9 node(s) had untolerated taint(s)."),
    ("WaitingForReservation", "Waiting for your GPU reservation #4127 (1 x medium) to open."),
    ("OnDemandLeaseDenied", "On-demand GPU lease for 2 x medium was denied: Only 1 GPU(s) available at 2026-09-23."),
    ("OnDemandLeaseDenied", "Only 1 GPU(s) available for this group at 19:07 (group ceiling: 4)"),
    ("OnDemandLeaseDenied", "This lease costs 4 SU but user 'g' has only 2 of 9 SU remaining"),
    ("OnDemandAdmissionPaused", "No nodes of the class are available."),
    ("ReservationFull", "your other pods hold its GPUs"),
    ("RuntimeGuaranteed", "GPU access guaranteed for 1h09m59s."),
    ("Pulling", 'Pulling image "docker.io/a/b@sha256:0"'),
    ("Pulled", "Successfully pulled image in 4m"),
]
HOPELESS = [
    ("UnknownGpuClass", "This pod's gpu-class label is Medium, which is not a GPU class the service knows."),
    ("OnDemandLeaseRejected", "The user is not known."),
    ("NoReservation", "Nothing matches."),
    ("ReservationTooSmall", "2 GPUs are more than 1."),
    ("OnDemandLeaseDenied", "User 'g' is not a member of group 'DS_1'. The controller will keep retrying."),
    ("OnDemandLeaseDenied", "GPU class not accessible under this group"),
    ("OnDemandLeaseDenied", "Exceeds limit of 1 GPU(s) per reservation"),
    ("OnDemandLeaseDenied", "This lease runs 9 hours but group 'g' limits a single reservation to 2 hours."),
    ("OnDemandLeaseDenied", "Group 'g' is not active on 2026-11-25"),
    ("Failed", 'Failed to pull image "a": rpc error: code = NotFound desc = failed to pull:\na@sha256:0: not found'),
    ("Failed", 'Failed to pull image "a": pull access denied, repository does not exist'),
]


def read(status: object, events: list[tuple[str, str]]) -> PodState:
    items = [{"reason": reason, "message": message, "type": "Warning"} for reason, message in events]
    return read_pod(msgspec.json.encode({"status": status}), msgspec.json.encode({"items": items}))


def container(kind: str, reason: str, message: str = "") -> dict[str, object]:
    return {"phase": "Pending", "containerStatuses": [{"state": {kind: {"reason": reason, "message": message}}}]}


@pytest.mark.parametrize("event", NORMAL, ids=lambda event: event[1][:20])
def test_some_messages_are_normal_while_a_pod_waits(event: tuple[str, str]) -> None:
    state = read({"phase": "Pending"}, [event])
    assert (state.phase, state.failure) == (Phase.PENDING, None)
    assert state.waiting_for == ": ".join(event)


@pytest.mark.parametrize("event", HOPELESS, ids=lambda event: event[1][:20])
def test_some_messages_make_waiting_useless(event: tuple[str, str]) -> None:
    failure = read({"phase": "Pending"}, [*NORMAL, event]).failure
    assert failure
    assert failure.outcome == "bad run"
    assert "Its message: " in failure.why


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (container("waiting", "ContainerCreating"), None),
        (container("waiting", "ErrImagePull", "rpc error: dial tcp: i/o timeout"), "infrastructure"),
        (container("waiting", "ErrImagePull", "rpc error: manifest unknown"), "bad run"),
        (container("waiting", "ImagePullBackOff"), "infrastructure"),
        (container("waiting", "InvalidImageName"), "bad run"),
        (container("waiting", "CreateContainerConfigError"), "infrastructure"),
        (container("terminated", "Completed"), None),
        (container("terminated", "Error"), None),
        (container("terminated", "OOMKilled"), "bad run"),
        ({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}, "infrastructure"),
        ({"phase": "Failed", "reason": "DeadlineExceeded"}, "bad run"),
    ],
)
def test_a_container_s_state_has_a_meaning(status: dict[str, object], outcome: str | None) -> None:
    failure = read(status, []).failure
    assert (failure.outcome.value if failure else None) == outcome


@pytest.mark.parametrize(("phase", "is_failure"), [("Pending", True), ("Running", False), ("", True)])
def test_a_pod_that_runs_has_its_image(phase: str, *, is_failure: bool) -> None:
    assert (read({"phase": phase}, [("Failed", 'Failed to pull image "a": timeout')]).failure is not None) == is_failure


@pytest.mark.parametrize("reason", ["Preempted", "ReservationCancelled", "ReservationReassigned"])
def test_a_gpu_that_is_taken_back_is_missing_capacity(reason: str) -> None:
    failure = read({"phase": "Running"}, [(reason, "Pod evicted.")]).failure
    assert failure
    assert failure.outcome == "no capacity"


@pytest.mark.parametrize(
    "output", [b"", b"error: timeout", b"[]", b'{"status": 3}', b"\xff", b'{"status": {"phase": "New"}}']
)
def test_unreadable_output_is_ignored(output: bytes) -> None:
    assert read_pod(output, output) == PodState()


def test_phases() -> None:
    assert [read({"phase": phase}, []).phase for phase in Phase] == list(Phase)
