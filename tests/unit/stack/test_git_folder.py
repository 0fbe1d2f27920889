import pytest

from ci.errors import SpecError
from ci.planning.plan import make_plan
from ci.reports.text import render_plan
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

WHOLE = {"images/stack.toml": '[images.a]\ncontext = "../.."\n'}
LEFT_OUT = (
    "a: the .git of the source tree is left out of the build context, unlike in Docker. Write .git in the context's "
    "ignore file."
)


def problems(dockerfile: str, **files: str) -> tuple[str, ...]:
    try:
        read_stack(MemoryTree({"images/a/Dockerfile": dockerfile, **files}))
    except SpecError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("COPY .git /x", ".git"),
        ("COPY a /.git/HEAD ./b/../.git/refs/ /x/", ".git/HEAD"),
        ("ADD --chown=1 .git/ /x", ".git"),
        ('COPY [".git", "/x"]', ".git"),
        ("RUN --mount=type=bind,source=.git,target=/g true", ".git"),
        ("RUN --mount=src=./.git,target=/g true", ".git"),
    ],
)
def test_what_names_the_git_folder_is_refused(line: str, path: str) -> None:
    found = problems(f"FROM scratch\n{line}\n", **WHOLE)
    assert found[0] == (
        f"images/a/Dockerfile:2: {line.split(maxsplit=1)[0]} {path}: the .git of the source tree is part of no build "
        "context, since each commit would rebuild the image. Put what is needed of it in a file, or in build-args of "
        "stack.toml."
    )


@pytest.mark.parametrize(
    "line",
    [
        "COPY . /x",
        "COPY .gitignore .github sub/.git /x/",
        "COPY --from=b .git /x",
        "ADD https://example.org/x.git /x",
        "RUN --mount=from=b,source=.git,target=/g true",
        "RUN --mount=type=cache,source=.git,target=/g true",
        "RUN --mount=type=bind,target=/g true",
    ],
)
def test_other_paths_are_not(line: str) -> None:
    assert problems(f"FROM scratch AS b\nFROM scratch\n{line}\n", **WHOLE) == ()


def test_elsewhere_the_name_means_something_else() -> None:
    assert problems("FROM scratch\nCOPY .git /x\n") == ()


def test_a_plan_says_that_it_is_left_out() -> None:
    files = {"images/a/Dockerfile": "FROM scratch\n", "images/b/Dockerfile": "FROM scratch\n", **WHOLE}
    plan = make_plan(read_stack(MemoryTree(files)))
    assert plan.notes == (LEFT_OUT,)
    assert render_plan(plan).endswith(f"\n\n{LEFT_OUT}")
    assert make_plan(read_stack(MemoryTree(files)), only=["b"]).notes == ()
    assert make_plan(read_stack(MemoryTree({**files, ".dockerignore": ".git\n"}))).notes == ()
