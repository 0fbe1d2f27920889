import pytest

from ci.errors import SpecError
from ci.stack.model import EntryKind, Stack
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree, dockerfiles


def problems(tree: MemoryTree, images: str = "images") -> tuple[str, ...]:
    with pytest.raises(SpecError) as error:
        read_stack(tree, images)
    return error.value.problems


def read(files: dict[str, str], images: str = "images") -> Stack:
    return read_stack(MemoryTree(files), images)


def test_dependencies_come_first() -> None:
    stack = read_stack(dockerfiles(c="FROM scratch\n", b="FROM c\n", a="FROM b\n", d="FROM scratch\n"))
    assert [image.name for image in stack.images] == ["c", "b", "a", "d"]


def test_an_image_carries_its_settings() -> None:
    stack = read(
        {
            "images/a/Dockerfile": "ARG V\nFROM debian:$V\n",
            "images/a/tests/gpu/test_x.py": "",
            "images/a/.dockerignore": "*.md\n!keep.md\n",
            "images/tests_common/image/test_y.py": "",
            "images/stack.toml": '[stack]\nregistry = "r"\nversion = "1"\n[images.a]\nbuild-args = {V = "12"}\n',
        }
    )
    (image,) = stack.images
    assert (stack.registry, stack.version) == ("r", "1")
    assert (image.folder, image.dockerfile_path, image.context) == ("images/a", "images/a/Dockerfile", "images/a")
    assert image.ignore == ("tests/gpu", "*.md", "!keep.md")
    assert image.build_args == {"V": "12"}
    assert image.foreign_bases == ("debian:12",)
    assert [suite.folder for suite in stack.suites_of("a")] == ["images/tests_common/image", "images/a/tests/gpu"]


def test_a_stack_configures_what_rebuilds_all_images() -> None:
    plain = {"images/a/Dockerfile": "FROM debian\n"}
    stack = read(plain)
    assert (stack.epoch, stack.platform) == ("", "linux/amd64")
    assert stack.rebuild_all == (".github/workflows/main.yml", ".github/workflows/wide.yml")
    settings = '[stack]\nepoch = "2"\nrebuild-all = ["./tools/", "!tools/*.md"]\n'
    stack = read_stack(MemoryTree({**plain, "images/stack.toml": settings}), platform="linux/arm64")
    assert (stack.epoch, stack.platform) == ("2", "linux/arm64")
    assert stack.rebuild_all == ("tools", "!tools/*.md")


def test_rebuild_all_takes_patterns() -> None:
    settings = '[stack]\nrebuild-all = ["ci", "[x"]\n'
    (problem,) = problems(MemoryTree({"images/a/Dockerfile": "FROM debian\n", "images/stack.toml": settings}))
    assert problem.startswith("images/stack.toml: stack.rebuild-all:2: invalid pattern '[x'.")


def test_a_dockerfile_and_a_context_may_be_elsewhere() -> None:
    stack = read(
        {
            "images/a/Dockerfile": "FROM debian\n",
            "images/a/Dockerfile.gpu": "FROM cuda\n",
            "images/a/Dockerfile.gpu.dockerignore": "one\n",
            ".dockerignore": "two\n",
            "images/stack.toml": '[images.gpu]\ndockerfile = "../a/Dockerfile.gpu"\ncontext = "../.."\n'
            '[images.a]\ncontext = "../.."\n',
        }
    )
    a, gpu = stack.images
    assert (gpu.name, gpu.folder, gpu.dockerfile_path) == ("gpu", "images/gpu", "images/a/Dockerfile.gpu")
    assert gpu.foreign_bases == ("cuda",)
    assert (a.context, gpu.context) == (".", ".")
    assert (a.ignore, gpu.ignore) == (("two",), ("one",))


def test_another_folder_may_hold_the_images() -> None:
    stack = read({"docker/x/a/Dockerfile": "FROM b\n", "docker/x/b/Dockerfile": "FROM c\n"}, "./docker/x/")
    assert [image.name for image in stack.images] == ["b", "a"]


def test_a_dependency_cycle_is_shown_as_a_path() -> None:
    tree = dockerfiles(a="FROM b\n", b="FROM scratch\nCOPY --from=c / /\n", c="FROM a\n")
    assert problems(tree) == ("The images depend on each other in a cycle: a -> b -> c -> a.",)


def test_a_dependency_on_a_disabled_image_is_a_problem_with_the_reason() -> None:
    tree = MemoryTree(
        {
            "images/old/Dockerfile": "FROM debian\n",
            "images/new/Dockerfile": "FROM old\n",
            "images/off/Dockerfile": "FROM old\n",
            "images/stack.toml": '[images.old]\nenabled = false\nreason = "end of life"\n'
            '[images.off]\nenabled = false\nreason = "so is this"\n',
        }
    )
    assert problems(tree) == (
        "images/new/Dockerfile: new needs old, which is disabled (end of life). Enable old, or disable new too.",
    )


def test_mistakes_in_a_disabled_image_are_ignored() -> None:
    stack = read(
        {
            "images/a/Dockerfile": "FROM debian\n",
            "images/old/Dockerfile": "FORM debian\n",
            "images/stack.toml": '[images.old]\nenabled = false\nreason = "broken"\nbuild-args = {X = "1"}\n',
        }
    )
    old = stack.by_name["old"]
    assert (old.enabled, old.disabled_reason, old.needs) == (False, "broken", ())


def test_a_folder_without_images_is_a_problem() -> None:
    assert problems(MemoryTree({"README.md": ""}), "docker/images") == (
        "--images=docker/images: the source tree has no such folder, or it is empty.",
    )


@pytest.mark.parametrize(
    ("images", "problem"),
    [
        ("../x", "--images=../x leads out of the source tree. Name a folder in it."),
        ("/etc", "--images=/etc leads out of the source tree. Name a folder in it."),
        ("link", "--images=link is a link. Name the folder that it leads to."),
        ("imagse", "--images=imagse: the source tree has no such folder, or it is empty. Did you mean 'images'?"),
        ("x", "--images=x: the source tree has no such folder, or it is empty. The folders at its top: images."),
    ],
)
def test_a_folder_of_images_that_cannot_be_is_a_problem(images: str, problem: str) -> None:
    tree = MemoryTree({"images/a/Dockerfile": "FROM debian\n", "link": "images"}, {"link": EntryKind.LINK})
    assert problems(tree, images) == (problem,)


def test_all_problems_of_a_stack_are_listed_at_once() -> None:
    tree = MemoryTree(
        {
            "images/a/Dockerfile": "ARG VERSION\nFROM debian\n",
            "images/x/a/Dockerfile": "FROM debian\nRUN <<EOF\n",
            "images/Upper/Dockerfile": "FROM $X\n",
            "images/b/Dockerfile": "FROM debian\n",
            "images/b/.dockerignore": "!\n",
            "images/c/Dockerfile": "FROM debian\nARG LINES\n",
            "images/stack.toml": "[images.bb]\n"
            '[images.b]\ncontext = "nowhere"\n'
            '[images.c]\ncontext = "../../.."\nbuild-args = {VERSIO = "1", LINES = "a\\nb"}\n'
            '[images.gone]\ndockerfile = "D"\n'
            '[images.out]\ndockerfile = "/etc/D"\n',
        }
    )
    assert set(problems(tree)) == {
        (
            "images/a/Dockerfile, images/x/a/Dockerfile: several images would have one name (a). "
            "images/Upper/Dockerfile: no valid name of an image (Upper): use lower-case letters and digits, "
            "separated by '.', '_', '__' or any number of '-'. By default an image has the name of its folder; "
            "images/stack.toml gives others:\n"
            "      [dockerfiles]\n"
            '      "images/x/a/Dockerfile" = "x-a"\n'
            '      "images/{name}/Dockerfile" = "{name:kebab}"'
        ),
        "images/x/a/Dockerfile:2: unterminated heredoc",
        (
            "images/Upper/Dockerfile:1: FROM $X: no ARG before the first FROM declares X, so no build arg can set it. "
            "Write there: ARG X"
        ),
        "images/stack.toml: images.bb: no such image below images. Did you mean 'b'?",
        "images/stack.toml: images.b.context: no such folder: images/b/nowhere",
        "images/stack.toml: images.c.context is outside of the source tree: ../../..",
        "images/stack.toml: images.c.build-args.VERSIO: no ARG in images/c/Dockerfile declares it.",
        "images/stack.toml: images.c.build-args.LINES: the value has a line break, which is not possible in an ARG.",
        "images/stack.toml: images.gone.dockerfile: no such file: images/gone/D",
        "images/stack.toml: images.out.dockerfile is outside of the source tree: /etc/D",
    }


def test_a_build_arg_that_is_not_declared_is_a_problem_with_the_nearest_name() -> None:
    tree = MemoryTree(
        {
            "images/a/Dockerfile": "ARG BASE=debian\nFROM $BASE\nARG PYTHON_VERSION=3\n",
            "images/stack.toml": '[images.a]\nbuild-args = {PYTHON_VERSON = "3.12", BASE = "alpine"}\n',
        }
    )
    (problem,) = problems(tree)
    assert problem.startswith("images/stack.toml: images.a.build-args.PYTHON_VERSON: no ARG in images/a/Dockerfile ")
    assert problem.endswith("declares it. Did you mean 'PYTHON_VERSION'?")


@pytest.mark.parametrize(
    ("files", "images", "searched"),
    [
        ({}, "", "the source tree (no files)"),
        ({"README.md": "", "src/a.c": "", "src/b.c": ""}, "", "the source tree (3 files; at its top: README.md, src/)"),
        ({"images/stack.toml": "", "README.md": ""}, "", "images (1 file; at its top: stack.toml)"),
        ({"x/a/1": "", "x/b/2": "", "y": ""}, "x", "x (2 files; at its top: a/, b/)"),
        ({f"{letter}/file": "" for letter in "abcde"}, "", "the source tree (5 files; at its top: a/, b/, c/ +2)"),
    ],
)
def test_a_tree_without_images_says_what_was_searched(files: dict[str, str], images: str, searched: str) -> None:
    with pytest.raises(SpecError) as error:
        read_stack(MemoryTree(files), images)
    assert error.value.problems[0].startswith(f"no images found in {searched}. An image is a folder with a Dockerfile")
