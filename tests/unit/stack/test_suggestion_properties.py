"""Whatever a tree looks like: what `init` prints is taken, names every Dockerfile once, and passes nothing over."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from ci.errors import SpecError
from ci.stack.image_files import Files
from ci.stack.init import suggest_settings
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

FOLDER = st.sampled_from(
    ["a", "b", "Base", "3.12", "3.13", "x+y", ".hidden", "tests", "docs", "images", "ubi9", "_", "é", "{{x}}"]
)
FILE = st.sampled_from(
    [
        "Dockerfile",
        "Containerfile",
        "Dockerfile.cpu",
        "Dockerfile.cuda",
        "a.Dockerfile",
        "a_1.2.Dockerfile",
        "A-b.dockerfile",
    ]
)
PATH = st.builds(lambda folders, file: "/".join((*folders, file)), st.lists(FOLDER, max_size=3), FILE)
BASE = st.sampled_from(["debian", "org/a:1", "a", "onyxia-b", "python:3.12-b", "spark:3.13.1-a", "node-base", "$X"])
TREES = st.dictionaries(PATH, BASE.map(lambda base: f"FROM {base}\n"), min_size=1, max_size=8)


@example({".hidden/Dockerfile": "FROM debian\n", ".hidden/{{x}}/Dockerfile": "FROM debian\n"})
@given(TREES)
def test_what_init_prints_can_be_pasted(files: dict[str, str]) -> None:
    text = suggest_settings(MemoryTree(files))
    problems: tuple[str, ...] = ()
    try:
        stack = read_stack(MemoryTree({**files, Files(MemoryTree(files), "").settings_path: text}))
    except SpecError as error:
        problems = error.problems
    else:
        dockerfiles = [image.dockerfile_path for image in stack.images]
        assert len(set(dockerfiles)) == len(dockerfiles)
        assert set(dockerfiles) <= set(files)
        assert not any("look like Dockerfiles" in warning for warning in stack.warnings)
    if all("{" in path for path in files):
        return  # no line can name these
    # What cannot be known: values of variables, and which of several images a FROM means.
    known = re.compile(r"no value|no ARG|depend on each other|no variant of")
    assert [problem for problem in problems if not known.search(problem)] == []
