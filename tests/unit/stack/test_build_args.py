"""Build args from stack.toml, from files and from the command line; and what is missing."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.errors import RequestError, SpecError
from ci.stack.build_args import parse_build_args, read_build_args_file
from ci.stack.image import Image
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

TOML = "images/stack.toml"
A = "images/a/Dockerfile"


def problems(files: dict[str, str], build_args: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(SpecError) as error:
        read_stack(MemoryTree(files), build_args=build_args or {})
    return error.value.problems


def image(files: dict[str, str], name: str = "a", build_args: dict[str, str] | None = None) -> Image:
    return read_stack(MemoryTree(files), build_args=build_args or {}).by_name[name]


SOURCES = ("stack file", "folder's file", "build-args", "own file", "own", "command line")
VALUES = {source: f"v{rank}" for rank, source in enumerate(SOURCES)}


@given(st.sets(st.sampled_from(SOURCES), min_size=1))
def test_of_several_places_the_last_counts(given_in: set[str]) -> None:
    line = {source: f"X={VALUES[source]}\n" if source in given_in else "" for source in SOURCES}
    toml = ['[stack]\nbuild-args-file = "args.conf"\n']
    if "build-args" in given_in:
        toml.append(f'[build-args]\nX = "{VALUES["build-args"]}"\n')
    toml.append('[images.a]\nbuild-args-file = "own.conf"\n')
    if "own" in given_in:
        toml.append(f'build-args = {{X = "{VALUES["own"]}"}}\n')
    files = {
        A: "ARG X\nFROM debian:$X\n",
        "images/args.conf": line["stack file"],
        "images/a/args.conf": line["folder's file"],
        "images/a/own.conf": line["own file"],
        TOML: "".join(toml),
    }
    run = {"X": VALUES["command line"]} if "command line" in given_in else {}
    winner = max(given_in, key=SOURCES.index)
    found = image(files, build_args=run)
    assert found.build_args == {"X": VALUES[winner]}
    assert found.foreign_bases == (f"debian:{VALUES[winner]}",)


def test_build_args_reach_the_images_that_declare_them() -> None:
    files = {
        A: "FROM debian\nARG X\n",
        "images/b/Dockerfile": "FROM debian\nARG Y\n",
        "images/c/Dockerfile": "FROM debian\nONBUILD ARG X\n",
        "images/d/Dockerfile": "FROM c\n",
        TOML: '[build-args]\nX = "1"\nY = "2"\n',
    }
    stack = read_stack(MemoryTree(files), build_args={"Y": "3"})
    assert {one.name: one.build_args for one in stack.images} == {
        "a": {"X": "1"},
        "b": {"Y": "3"},
        "c": {},
        "d": {"X": "1"},
    }


def test_names_that_no_image_declares_are_mistakes() -> None:
    files = {A: "FROM debian\nARG PYTHON\n", TOML: '[build-args]\nPYTON = "3"\nHTTP_PROXY = "http://p"\nN = 1\n'}
    assert problems(files, {"PYTHO": "3"}) == (
        "images/stack.toml: build-args.N: expected a quoted string, got an integer.",
        "images/stack.toml: build-args.PYTON: no ARG in any Dockerfile declares it. Did you mean 'PYTHON'?",
        "--build-arg PYTHO: no ARG in any Dockerfile declares it. Did you mean 'PYTHON'?",
    )


def test_a_line_break_is_no_value_anywhere() -> None:
    files = {A: "FROM debian\nARG X\n", TOML: '[build-args]\nX = "a\\nb"\n[images.a]\nbuild-args = {X = "a\\nb"}\n'}
    why = "the value has a line break, which is not possible in an ARG."
    assert set(problems(files, {"X": "a\nb"})) == {
        f"images/stack.toml: images.a.build-args.X: {why}",
        f"images/stack.toml: build-args.X: {why}",
        f"--build-arg X: {why}",
    }


def test_the_file_of_the_stack_is_read_in_every_folder_and_a_name_too_many_is_none_of_its_mistakes() -> None:
    files = {
        A: "ARG X\nFROM debian:$X\n",
        "images/b/Dockerfile": "ARG X\nFROM debian:$X\n",
        "images/conf/cpu.conf": "X=stack\nUNUSED=1\n",
        "images/b/conf/cpu.conf": "X=b\n",
        TOML: '[stack]\nbuild-args-file = "conf/cpu.conf"\n',
    }
    stack = read_stack(MemoryTree(files))
    assert {one.name: one.build_args for one in stack.images} == {"a": {"X": "stack"}, "b": {"X": "b"}}
    del files["images/conf/cpu.conf"], files["images/b/conf/cpu.conf"]
    nowhere = "no conf/cpu.conf beside stack.toml, and none in the folder of an image."
    assert f"images/stack.toml: stack.build-args-file: {nowhere}" in problems(files)


def test_every_malformed_line_is_a_problem_with_its_place() -> None:
    found: list[str] = []
    text = "\ufeffA=1\r\n\n# note\n  # note\nB=x = 'y' # z\nA=2\nnothing\n=v\nC D=1\nE=a\rb\n"
    assert read_build_args_file(text, "f.conf", found) == {"A": "2", "B": "x = 'y' # z"}
    assert [problem.partition(": ")[0] for problem in found] == ["f.conf:7", "f.conf:8", "f.conf:9", "f.conf:10"]
    assert found[0] == "f.conf:7: expected NAME=VALUE, a comment or a blank line, got: nothing"


def test_mistakes_in_files_are_those_of_their_images() -> None:
    toml = '[images.a]\nbuild-args-file = "x.conf"\n[images.b]\nbuild-args-file = "nowhere"\n'
    files = {A: "FROM debian\n", "images/a/x.conf": "bad\n", "images/b/Dockerfile": "FROM debian\n", TOML: toml}
    assert problems(files) == (
        "images/a/x.conf:1: expected NAME=VALUE, a comment or a blank line, got: bad",
        "images/stack.toml: images.b.build-args-file: no such file: images/b/nowhere",
    )


def test_the_words_of_the_command_line() -> None:
    assert parse_build_args(["A=1", "B=", "A=x=y"]) == {"A": "x=y", "B": ""}
    with pytest.raises(RequestError) as error:
        parse_build_args(["A", "B=1", "=2"])
    quotes = "expected NAME=VALUE. A value with a comma needs quotes: --build-arg '\"NAME=A,B\"'."
    assert str(error.value) == f"--build-arg 'A': {quotes}\n--build-arg '=2': {quotes}"


MISSING = {
    A: "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n",
    "images/b/Dockerfile": 'ARG BASE_IMAGE=""\nFROM ${BASE_IMAGE} AS x\nFROM x\n',
    "images/c/Dockerfile": "ARG REGISTRY\nARG TAG=\nARG BASE=${REGISTRY}/x:$TAG\nARG LATER\nFROM $BASE\n",
    "images/d/Dockerfile": "ARG OWNER\nARG IMG=ghcr.io/$NOBODY/x\nFROM $IMG:${OWNER:-me}\n",
    "images/off/Dockerfile": "ARG OFF\nFROM $OFF\n",
}
OFF = '[images.off]\nenabled = false\nreason = "x"\n'


def test_all_missing_values_are_one_problem_with_what_to_paste() -> None:
    (problem,) = problems({**MISSING, TOML: OFF})
    text, _, snippet = problem.partition("\n")
    assert text == (
        "4 ARGs that a FROM depends on have no value. Where images differ, build-args of [images.NAME] comes before "
        "this; for one run, --build-arg NAME=VALUE. Set them in images/stack.toml:"
    )
    assert snippet == (
        "    [build-args]\n"
        '    BASE_IMAGE = ""  # images/a/Dockerfile:1, images/b/Dockerfile:1\n'
        '    IMG = ""  # images/d/Dockerfile:2 (its default has NOBODY, which no ARG declares)\n'
        '    REGISTRY = ""  # images/c/Dockerfile:1\n'
        '    TAG = ""  # images/c/Dockerfile:2'
    )


def test_what_is_printed_can_be_pasted_and_filled() -> None:
    (problem,) = problems({**MISSING, TOML: OFF})
    snippet = problem.partition("\n")[2]
    (same,) = problems({**MISSING, TOML: f"{OFF}{snippet}"})
    # Pasted as it is, the same is missing. A second table of this name would be no valid TOML.
    assert "Set them below [build-args] of images/stack.toml:\n    BASE_IMAGE" in same
    filled = snippet.replace('""', '"x"')
    assert set(tomllib.loads(filled)["build-args"]) == {"BASE_IMAGE", "IMG", "REGISTRY", "TAG"}
    assert read_stack(MemoryTree({**MISSING, TOML: f"{OFF}{filled}"})).by_name["c"].foreign_bases == ("x/x:x",)
    run = dict.fromkeys(("BASE_IMAGE", "IMG", "REGISTRY", "TAG"), "y")
    assert image({**MISSING, TOML: OFF}, "c", run).foreign_bases == ("y/x:y",)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ARG A\nFROM ${A:-debian}\n", id="value for this case"),
        pytest.param("ARG A\nARG B=${A:-debian}\nFROM $B\n", id="value for this case in a default"),
        pytest.param("ARG A\nFROM debian${A}\n", id="empty, and still an image"),
        pytest.param("ARG A\nFROM ${A:+x/}debian\n", id="only if set"),
        pytest.param("ARG A\nFROM debian\nARG A\n", id="not of a FROM"),
    ],
)
def test_nothing_is_missing(text: str) -> None:
    assert image({A: text}).stages


def test_the_snippet_does_not_hide_other_mistakes() -> None:
    found = problems({A: "ARG A\nFROM $A:$B\n", "images/b/Dockerfile": "ARG A=Upper\nFROM $A\n"})
    assert found[0] == (
        "images/a/Dockerfile:2: FROM $A:$B: no ARG before the first FROM declares B, so no build arg can set it. "
        "Write there: ARG B"
    )
    assert found[1].startswith("images/b/Dockerfile:2: FROM $A: 'Upper' is neither a valid image reference")
    assert found[2].startswith("1 ARG that a FROM depends on has no value. ")
    assert found[2].endswith('[build-args]\n    A = ""  # images/a/Dockerfile:1')


def test_where_nothing_is_built_nothing_is_missing() -> None:
    files = {A: "ARG BASE\nFROM $BASE\n", "images/b/Dockerfile": "FROM a\n"}
    stack = read_stack(MemoryTree(files), build_args=None)
    assert [one.name for one in stack.images] == ["a", "b"]


def test_disabled_images_are_asked_nothing() -> None:
    off = 'enabled = false\nreason = "old"\n'
    stack = read_stack(
        MemoryTree(
            {
                A: "FROM debian\n",
                "images/NodeChrome/Dockerfile": "FROM $X\n",
                "images/x/same/Dockerfile": "FORM x\n",
                "images/y/same/Dockerfile": "FROM x AS b\n",
                "images/scratch/Dockerfile": "ARG X\nFROM $X\n",
                "images/same/args.conf": "bad\n",
                TOML: f'[images.NodeChrome]\nbuild-args-file = "no"\n{off}[images.same]\ntarget = "no"\n{off}'
                f'[images.scratch]\nbuild-args = {{NOT = "1"}}\n{off}',
            }
        )
    )
    assert {one.name: one.enabled for one in stack.images} == {
        "a": True, "NodeChrome": False, "same": False, "scratch": False,
    }  # fmt: skip


def test_a_target_is_the_image() -> None:
    two = "ARG V\nFROM debian AS base\nRUN base\nFROM base AS cpu\nRUN cpu\nFROM cuda:$V AS gpu\nARG GPU\nRUN gpu\n"
    files = {
        A: two,
        "images/child/Dockerfile": "FROM a\n",
        TOML: '[images.a]\ntarget = "cpu"\n[images.gpu]\ndockerfile = "../a/Dockerfile"\ncontext = "../a"\n'
        'target = "2"\nbuild-args = {V = "12"}\n',
    }
    stack = read_stack(MemoryTree(files))
    assert {one.name: (one.foreign_bases, len(one.stages)) for one in stack.images} == {
        "a": (("debian",), 2), "child": ((), 1), "gpu": (("cuda:12",), 3),
    }  # fmt: skip
    files[TOML] = '[images.a]\ntarget = "cpuu"\n'
    (problem,) = problems(files, {"V": "1"})
    assert problem == (
        "images/stack.toml: images.a.target: images/a/Dockerfile has no stage 'cpuu'. Did you mean 'cpu'? Its stages "
        "are: base, cpu, gpu."
    )


def test_proxies_need_no_arg_and_are_no_build_args() -> None:
    files = {
        A: "FROM debian\n",
        "images/b/Dockerfile": "FROM debian\nARG https_proxy\n",
        TOML: '[build-args]\nhttps_proxy = "http://p"\nNO_PROXY = ""\n[images.a]\nbuild-args = {FTP_PROXY = "f"}\n',
    }
    a, b = read_stack(MemoryTree(files)).images
    assert (a.build_args, a.proxies) == ({}, {"FTP_PROXY": "f", "https_proxy": "http://p"})
    assert (b.build_args, b.proxies) == ({"https_proxy": "http://p"}, {})
