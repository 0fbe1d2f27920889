"""Which keys of stack.toml are part of which keys of images. stack.toml itself is no file that rebuilds everything.

Every field of the structs that stack.toml is read into needs a row here: a new one without a decision is red.
"""

from collections.abc import Iterator, Mapping

import msgspec
import pytest

from ci.planning.cache_key import ImageKey, make_keys
from ci.stack.budget_config import BudgetTable
from ci.stack.config import DescribeTable, ImageTable, Settings, StackTable, TestsTable
from ci.stack.gpu_config import GpuSettings
from ci.stack.reader import read_stack
from ci.stack.wiki_config import WikiSettings
from tests.unit.planning.sample_keys import PIPELINE
from tests.unit.trees import MemoryTree

FILES = {
    "images/a/Dockerfile": "FROM debian:12 AS one\nARG V=1\nRUN echo $V\nCOPY . /a\nFROM one\nRUN two\n",
    "images/a/Dockerfile.more": "FROM debian:12\nRUN more\n",
    "images/a/args": "V=2\n",
    "images/a/sub/file": "",
    "images/a/tests/image/test_a.py": "",
    "images/a/tests/other/test_stray.txt": "",
    "images/b/Dockerfile": "FROM a\nRUN b\n",
    "images/c/Dockerfile": "FROM x.example/base:1\nCOPY . /c\n",
    "images/c/args": "V=3\n",
}
# What a table needs beside the key that is tried.
GPU = '[gpu]\nimage = "a"\nhost = "h"\nuser = "u"\ngpu-class = "g"\nworkspace = ""\n'
GPU_KEYS = {
    "image": '"b"',
    "host": '"i"',
    "port": "23",
    "user": '"v"',
    "launch": '"/l"',
    "gpu-class": '"h"',
    "workspace": '"w"',
    "gpus": "2",
    "cpus": "5",
    "memory": "33",
    "words": '["-P"]',
    "pod": '"p-{id}"',
    "tests": '"/t"',
    "min-passed": "2",
    "connect-limit": "31",
    "queue-limit": "1801",
    "run-limit": "3601",
}
BUDGET = {
    "against": '"2026.4-stable"',
    "grow": '"20 %"',
    "warn": '"6 %"',
    "floor": '"1 MB"',
    "removed": '"red"',
    "lower": '"ok"',
}
WIKI = {"url": '"https://github.com/o/r.wiki.git"', "published": "3"}


class Row(msgspec.Struct, frozen=True):
    """What stack.toml says, and the images whose cache key and whose tests key are other ones than without it.

    `before` is what it says without the line that is tried.
    """

    after: str
    images: str = ""
    tests: str = ""
    before: str = ""


def stack(line: str, images: str = "", tests: str = "") -> Row:
    return Row(f"[stack]\n{line}\n", images, tests)


def image_a(line: str, images: str = "", tests: str = "") -> Row:
    return Row(f"[images.a]\n{line}\n", images, tests)


def without_line(table: str, key: str) -> str:
    return "".join(line for line in table.splitlines(keepends=True) if not line.startswith(f"{key} ="))


ROWS = {
    # Images are looked for, and labelled, elsewhere: labels say of a build what was so then.
    "stack.registry": stack('registry = "docker.io/o"'),
    "stack.version": stack('version = "2026.4"'),
    "stack.source": stack('source = "https://example.com"'),
    "stack.epoch": stack('epoch = "2"', "a b c"),
    # The same files in other blobs, which some clients cannot read.
    "stack.compression": stack('compression = "zstd"', "a b c"),
    "stack.rebuild-all": stack('rebuild-all = ["images/c/args"]', "a b c"),
    "stack.ignore": stack('ignore = ["images/b"]'),
    "stack.context": stack('context = "."', "a b c"),
    "stack.external": stack('external = ["x.example/base"]'),
    "stack.variants-in": Row(
        '[stack]\nvariants-in = "tag"\n[images.a]\nvariants = ["v"]\nplain = true\n[variants.v]\nx = {V = "5"}\n',
        "a-x",
        before='[images.a]\nvariants = ["v"]\nplain = true\n[variants.v]\nx = {V = "5"}\n',
    ),
    "stack.build-args-file": stack('build-args-file = "args"', "a b"),
    # Whatever may alter the verdict of a suite.
    "tests.limit": Row("[tests]\nlimit = 901\n", tests="a b c"),
    "tests.test-limit": Row("[tests]\ntest-limit = 301\n", tests="a b c"),
    "tests.reruns": Row("[tests]\nreruns = 0\n", tests="a b c"),
    "tests.server-environment": Row('[tests.server-environment]\nA = "1"\n', tests="a b c"),
    "tests.ignore": Row('[tests]\nignore = ["images/a/tests/other"]\n'),
    "describe.highlights": Row('[describe]\nhighlights = ["pip:polars"]\n'),
    **{f"gpu.{key}": Row(f"{without_line(GPU, key)}{key} = {value}\n", before=GPU) for key, value in GPU_KEYS.items()},
    **{f"budget.{key}": Row(f"[budget]\n{key} = {value}\n", before="[budget]\n") for key, value in BUDGET.items()},
    **{f"wiki.{key}": Row(f"[wiki]\n{key} = {value}\n") for key, value in WIKI.items()},
    "build-args": Row('[build-args]\nV = "9"\n', "a b"),
    "dockerfiles": Row('[dockerfiles]\n"images/a/Dockerfile.more" = "more"\n'),
    "variants": Row(
        '[images.a]\nvariants = ["v"]\nplain = true\n[variants.v]\nx = {V = "6"}\n',
        "a-x",
        before='[images.a]\nvariants = ["v"]\nplain = true\n[variants.v]\nx = {V = "5"}\n',
    ),
    "images.build-args": image_a('build-args = {V = "9"}', "a b"),
    "images.build-args-file": image_a('build-args-file = "args"', "a b"),
    "images.target": image_a('target = "one"', "a b"),
    "images.enabled": Row('[images.b]\nenabled = false\nreason = "old"\n'),
    "images.reason": Row(
        '[images.b]\nenabled = false\nreason = "older"\n', before='[images.b]\nenabled = false\nreason = "old"\n'
    ),
    "images.context": image_a('context = "sub"', "a b"),
    "images.dockerfile": image_a('dockerfile = "Dockerfile.more"', "a b"),
    "images.size-budget": image_a('size-budget = "1 GB"', tests="a"),
    "images.grow": Row('[budget]\n[images.a]\ngrow = "30 %"\n', before="[budget]\n"),
    "images.variants": Row('[images.a]\nvariants = ["v"]\nplain = true\n[variants.v]\nx = {V = "5"}\n', before=""),
    "images.plain": Row(
        '[images.c]\nvariants = ["v"]\nplain = true\n[variants.v]\nx = {}\n',
        before='[images.c]\nvariants = ["v"]\n[variants.v]\nx = {}\n',
    ),
}
TABLES: Mapping[str, type[msgspec.Struct]] = {
    "stack": StackTable,
    "tests": TestsTable,
    "gpu": GpuSettings,
    "describe": DescribeTable,
    "budget": BudgetTable,
    "wiki": WikiSettings,
    "images": ImageTable,
}


def keys_of_stack_toml() -> Iterator[str]:
    """Return every key, from the structs themselves."""
    for field in msgspec.structs.fields(Settings):
        name = field.name.replace("_", "-")
        if name in TABLES:
            yield from (f"{name}.{one.encode_name}" for one in msgspec.structs.fields(TABLES[name]))
        else:
            yield name


def keys(toml: str) -> dict[str, ImageKey]:
    tree = MemoryTree({**FILES, "images/stack.toml": toml})
    stack = read_stack(tree)
    return dict(make_keys(stack, tree, stack.images, dict.fromkeys(("debian:12", "x.example/base:1"), "d"), PIPELINE))


def test_every_key_has_a_decision() -> None:
    assert set(ROWS) == set(keys_of_stack_toml())


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_key_of_stack_toml_is_in_the_keys_of_images_or_not(name: str) -> None:
    row = ROWS[name]
    before, after = keys(row.before), keys(row.after)
    common = [image for image in before if image in after]
    assert len(common) >= 2, (list(before), list(after))
    assert {image for image in common if before[image].key != after[image].key} == {*row.images.split()}
    assert {image for image in common if before[image].tests_key != after[image].tests_key} == {*row.tests.split()}


def test_what_stack_toml_looks_like_is_in_no_key() -> None:
    toml = '[stack]\nepoch = "2"\n[budget]\n[images.a]\nbuild-args = {V = "9"}\n'
    written = '# other words\n[images.a.build-args]\nV = "9"\n\n[budget]\n\n[stack]\nepoch = "2" # so\n'
    assert keys(toml) == keys(written)
