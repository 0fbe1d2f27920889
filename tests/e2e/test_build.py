"""The module as an operator uses it: ./daggerw call …, on small stacks."""

import json
from pathlib import Path

from tests.e2e.conftest import Call, MakeTree
from tests.e2e.stacks import FILES, R

FAILING = "echo about-to-break; exit 7"


def rows(text: str) -> dict[str, str]:
    """Return the table's lines by the image they are about."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        words = line.replace("├──", "").replace("└──", "").replace("│", "").split()
        if words and words[0] in {"base", "ds", "ml", "r"} and "failed:" not in words:
            found.setdefault(words[0], line)
    return found


def test_plan_draws_the_tree(call: Call, tree: MakeTree) -> None:
    done = call("--source", tree(FILES), "plan")
    assert done.returncode == 0, done.stderr
    assert [line[: len("│   └── ml")].rstrip() for line in done.stdout.splitlines()[2:6]] == [
        "base",
        "├── ds",
        "│   └── ml",
        "└── r",
    ]


def test_plan_prints_json(call: Call, tree: MakeTree) -> None:
    done = call("--source", tree(FILES), "plan", "--as-json", "--only", "ml")
    images = json.loads(done.stdout)["images"]
    assert [image["name"] for image in images] == ["base", "ds", "ml"]
    assert len(images[2].pop("key")) == 64
    assert images[2] == {
        "name": "ml",
        "parent": "ds",
        "needs": ["ds"],
        "foreign_bases": [],
        "action": "build",
        "reason": "no registry",
        "suites": [],
        "digest": None,
        "retest": False,
    }


def test_a_green_run(call: Call, tree: MakeTree, tmp_path: Path) -> None:
    source = tree(FILES)
    done = call("--source", source, "build-stack")
    assert done.returncode == 0, done.stderr
    assert "4 images: 4 built in" in done.stdout
    assert all(row.endswith("built") for row in rows(done.stdout).values())
    assert "ds    image built, " in done.stderr

    report = tmp_path / "report"
    assert call("--source", source, "build-report", "-o", report).returncode == 0
    assert (report / "exit-code").read_text() == "0\n"
    assert "ds-says\nhello\n" in (report / "logs/ds/build.log").read_text()
    described = json.loads((report / "logs/ml/layers.json").read_text())
    assert [(layer["image"], layer["instruction"]) for layer in described["layers"][1:]] == [
        ("base", "COPY greeting /greeting"),
        ("base", "RUN echo base-says; cp /greeting /copied"),
        ("ds", "RUN echo ds-says > /ds; cat /ds /copied"),
        ("ml", "RUN echo ml-says; head -c 2000000 /dev/zero > /weights"),
    ]
    top = described["layers"][-1]
    assert 2_000_000 <= top["size"] < 2_100_000
    assert top["compressed_size"] is None
    assert described["layers"][0]["image"] is None
    assert described["layers"][0]["size"] > 50_000_000
    assert described["steps"][0]["output"] == "ml-says\n"


def test_a_broken_leaf_leaves_the_others_built(call: Call, tree: MakeTree, tmp_path: Path) -> None:
    source = tree(FILES | {"images/r/Dockerfile": f"{R}RUN {FAILING}\n"})
    done = call("--source", source, "build-stack")
    assert done.returncode == 1
    shown = rows(done.stderr)
    assert shown["r"].endswith("FAILED at line 4")
    assert all(shown[name].endswith("built") for name in ("base", "ds", "ml"))
    assert "r failed: images/r/Dockerfile:4" in done.stderr
    assert f"  RUN {FAILING}" in done.stderr
    assert "  | about-to-break" in done.stderr
    assert "Traceback" not in done.stderr

    report = tmp_path / "report"
    assert call("--source", source, "build-report", "-o", report).returncode == 0
    assert (report / "exit-code").read_text() == "1\n"
    assert (report / "artifacts/IMAGES_BUILT").read_text().split() == ["base", "ds", "ml"]
    assert json.loads((report / "report.json").read_text())["images"][-1]["failure"]["exit_code"] == 7


def test_a_broken_base_blocks_three(call: Call, tree: MakeTree) -> None:
    source = tree(FILES | {"images/base/Dockerfile": f"FROM debian:bookworm-slim\nRUN {FAILING}\n"})
    done = call("--source", source, "build-stack")
    assert done.returncode == 1
    shown = rows(done.stderr)
    assert shown["base"].endswith("FAILED at line 2")
    assert all(shown[name].endswith("BLOCKED by base") for name in ("ds", "ml", "r"))


def test_what_fails_without_a_command_is_a_sentence(call: Call, tree: MakeTree) -> None:
    source = tree(
        FILES
        | {
            "images/r/Dockerfile": "FROM base\nCOPY nothing-here /x\n",
            "images/ml/Dockerfile": "FROM localhost:1/no/such:tag\nRUN true\n",
        }
    )
    done = call("--source", source, "build-stack")
    assert done.returncode == 1
    assert "  images/r/nothing-here: no such file or folder in the source tree" in done.stderr
    assert "  images/ml/Dockerfile:1: FROM localhost:1/no/such:tag: failed to do request: Head " in done.stderr
    assert "xxh3:" not in done.stderr.split("The run FAILED", 1)[1]


def test_the_users_mistakes_are_sentences(call: Call, tree: MakeTree) -> None:
    source = tree(FILES | {"images/r/Dockerfile": "FROM ml\n", "images/ml/Dockerfile": "FROM r\n"})
    done = call("--source", source, "build-stack")
    assert done.returncode == 1
    assert "ml -> r -> ml" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Did you mean 'ml'?" in call("--source", tree(FILES), "image", "--name", "mll").stderr


def test_image_gives_a_container(call: Call, tree: MakeTree) -> None:
    done = call("--source", tree(FILES), "image", "--name", "ds", "with-exec", "--args", "cat,/ds", "stdout")
    assert done.stdout == "ds-says\n"


def test_an_image_has_the_configuration_that_docker_would_give_it(call: Call, tree: MakeTree) -> None:
    # The base's user exists only once its RUN has run: nothing may be resolved without it.
    base = "FROM debian:bookworm-slim\nRUN useradd jo\nUSER jo\nWORKDIR /home/jo\n"
    child = "FROM base\nARG SAUCE=secret KEPT=no\nENV KEPT=1\nRUN echo $SAUCE\n"
    source = tree({"images/base/Dockerfile": base, "images/r/Dockerfile": child})
    done = call("--source", source, "image", "--name", "r", "env-variables", "name")
    names = done.stdout.split()
    assert "KEPT" in names
    assert "SAUCE" not in names
