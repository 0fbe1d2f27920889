import pytest

from ci.adapters.dagger_engine.errors import clean

LOADED = (
    "failed to load container from converted ID: load Container@CtoYChV4eGgzOjk=: load xxh3:9e5046ef: inputs: "
    "load xxh3:86a479be: inputs: failed to content hash dockerfile copy: failed to copy source directory: "
)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        pytest.param(f"{LOADED}lstat /x: no such file", "lstat /x: no such file", id="COPY"),
        pytest.param("failed to convert Dockerfile to LLB: a/b:1: not found", "a/b:1: not found", id="FROM"),
        pytest.param(
            "failed to clone built container state: exit code: 3 [traceparent:0af7-b7]", "exit code: 3", id="RUN"
        ),
        pytest.param(
            "bound service ocoh3envj77nq (aliased as image) exited: exit code: 3",
            "the service image exited: exit code: 3",
            id="service",
        ),
        pytest.param("disk full", "disk full", id="plain"),
    ],
)
def test_the_cause_is_kept_without_the_chain_of_calls(text: str, cause: str) -> None:
    assert clean(text) == cause
