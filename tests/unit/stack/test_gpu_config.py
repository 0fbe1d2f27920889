import pytest

from ci.errors import SpecError
from ci.stack.config import read_settings
from ci.stack.gpu_config import GpuSettings
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

PATH = "images/stack.toml"
LEAST = """
[gpu]
image = "ml"
host = "login.example.edu"
user = "grader"
gpu-class = "small"
workspace = "DS_1"
"""


def read(text: str) -> tuple[GpuSettings | None, list[str]]:
    problems: list[str] = []
    return read_settings(text, PATH, problems).gpu, [problem.removeprefix(f"{PATH}: ") for problem in problems]


def test_without_the_table_there_is_no_gate() -> None:
    assert read("") == (None, [])


def test_other_keys_have_defaults() -> None:
    settings = GpuSettings(image="ml", host="login.example.edu", user="grader", gpu_class="small", workspace="DS_1")
    assert read(LEAST) == (settings, [])
    assert (settings.port, settings.gpus, settings.min_passed) == (22, 1, 1)


def test_every_key_is_read() -> None:
    settings, problems = read(
        """
        [gpu]
        image = "ml"
        host = "login.example.edu"
        port = 2222
        user = "grader"
        launch = "/opt/launch"
        gpu-class = "large"
        gpus = 2
        cpus = 8
        memory = 64
        workspace = ""
        words = ["-P", "Always"]
        pod = "g{id}"
        tests = "/opt/tests"
        min-passed = 5
        connect-limit = 10
        queue-limit = 20
        run-limit = 30.5
        """
    )
    assert problems == []
    assert settings == GpuSettings(
        image="ml", host="login.example.edu", port=2222, user="grader", launch="/opt/launch", gpu_class="large",
        gpus=2, cpus=8, memory=64, workspace="", words=("-P", "Always"), pod="g{id}", tests="/opt/tests",
        min_passed=5, connect_limit=10, queue_limit=20, run_limit=30.5,
    )  # fmt: skip


def test_all_mistakes_are_listed_at_once() -> None:
    settings, problems = read(
        """
        [gpu]
        host = 3
        user = "grader"
        gpu-clas = "small"
        port = 0
        pod = "Gate"
        launch = "launch.sh"
        """
    )
    assert settings is None
    assert problems == [
        "unknown key gpu.gpu-clas. Did you mean 'gpu-class'?",
        "gpu.host: expected a quoted string, got an integer.",
        "gpu.port: Expected int >= 1.",
        "gpu.image is missing: the GPU gate needs it.",
        "gpu.gpu-class is missing: the GPU gate needs it.",
        "gpu.workspace is missing: the GPU gate needs it.",
        "gpu.launch: invalid value 'launch.sh': expected the absolute path of a program.",
        (
            "gpu.pod: invalid value 'Gate': expected at most 59 lower-case letters, digits and '-', with {id} once, "
            "which is different each time."
        ),
    ]


def test_it_must_be_a_table() -> None:
    assert read("gpu = 3") == (None, ["gpu must be a table: write [gpu] above its keys."])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param('host = "grader@login"', "expected a host name", id="user in host"),
        pytest.param('host = "-oProxyCommand=x"', "expected a host name", id="option as host"),
        pytest.param('host = ""', "expected a host name", id="no host"),
        pytest.param('user = "a b"', "expected the name of an account", id="user"),
        pytest.param('gpu-class = "small gpus=1"', "expected a class of GPUs", id="class"),
        pytest.param('workspace = "a;b"', "expected the name of a workspace", id="workspace"),
        pytest.param('tests = "opt/tests"', "expected the absolute path", id="tests"),
        pytest.param('tests = "/opt/\\ntests"', "expected the absolute path", id="line break"),
        pytest.param('pod = "gate"', "expected at most 59", id="the same pod each time"),
        pytest.param('pod = "a-{id}-"', "expected at most 59", id="dash at the end"),
        pytest.param(f'pod = "{"a" * 56}{{id}}"', "expected at most 59", id="long pod"),
        pytest.param('words = ["-b"]', "'-b' is not allowed", id="background"),
        pytest.param('words = ["a\\u0000"]', "is not allowed", id="NUL"),
        pytest.param("min-passed = 0", ">= 1", id="no tests required"),
        pytest.param("run-limit = 0", "> 0", id="no time"),
        pytest.param("run-limit = 40000", "add up to 41800 seconds; the maximum is 39600", id="too long"),
        pytest.param("run-limit = inf", "add up to inf seconds", id="infinite"),
    ],
)
def test_a_mistake_is_a_sentence(line: str, expected: str) -> None:
    key = line.partition(" ")[0]
    settings, problems = read("\n".join([line if one.startswith(f"{key} ") else one for one in LEAST.split("\n")]
                                        + ([] if f"\n{key} " in LEAST else [line])))  # fmt: skip
    assert settings is None
    (problem,) = problems
    assert expected in problem
    assert "gpu." in problem


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param("mll", "gpu.image: no such image: 'mll'. Did you mean 'ml'?", id="unknown"),
        pytest.param("old", "gpu.image: old is disabled (not used).", id="disabled"),
    ],
)
def test_its_image_must_be_an_enabled_one_of_the_stack(image: str, expected: str) -> None:
    text = LEAST.replace('"ml"', f'"{image}"') + '[images.old]\nenabled = false\nreason = "not used"\n'
    dockerfiles = {f"images/{name}/Dockerfile": "FROM scratch\n" for name in ("ml", "old")}
    with pytest.raises(SpecError) as raised:
        read_stack(MemoryTree({**dockerfiles, PATH: text}))
    (problem,) = raised.value.problems
    assert expected in problem


def test_the_stack_has_it() -> None:
    stack = read_stack(MemoryTree({"images/ml/Dockerfile": "FROM scratch\n", PATH: LEAST}))
    assert stack.gpu
    assert stack.gpu.image == "ml"
