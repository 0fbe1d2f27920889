"""The layers of images whose history is hard to read."""

import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.fusion.fuse import fuse
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

pytestmark = pytest.mark.anyio

DOCKERFILE = r"""FROM debian:bookworm-slim
RUN <<EOF
printf 'a\nb\t"c"\\d'
EOF
RUN echo "it's \"quoted\": \n \\n \u00e9 %s {\"sha256:0\": [1]}" 'né' '\' > /ünïcode
COPY <<"EOF" /heredoc
{"layers": [], "config": {"digest": "sha256:0000"}}
EOF
"""


async def test_layers_are_measured_whatever_the_instructions_say(session: None) -> None:  # noqa: ARG001
    fused = fuse(read_stack(MemoryTree({"images/base/Dockerfile": DOCKERFILE})), "base")
    layers = await EngineBuilder(dag.directory().with_new_file("images/base/Dockerfile", DOCKERFILE)).layers(fused)
    assert isinstance(layers, tuple), layers
    own = [layer for layer in layers if layer.image]
    assert [layer.instruction for layer in own] == [step.command for step in fused.steps]
    assert layers[0].size > 50_000_000
    assert [layer.number for layer in own] == [1, 1, 1]
    assert own[-1].size > len('{"layers": []}')


async def test_what_cannot_be_built_cannot_be_measured(session: None) -> None:  # noqa: ARG001
    text = "FROM debian:bookworm-slim\nRUN exit 3\n"
    fused = fuse(read_stack(MemoryTree({"images/base/Dockerfile": text})), "base")
    found = await EngineBuilder(dag.directory().with_new_file("images/base/Dockerfile", text)).layers(fused)
    assert not isinstance(found, tuple)
    assert found.exit_code == 3


SIZES = {
    "images/base/Dockerfile": (
        "FROM debian:bookworm-slim\n"
        "RUN mkdir /data && head -c 1000000 /dev/zero > /data/a && head -c 2000000 /dev/zero > /data/b\n"
        "RUN chmod 600 /data/a\n"
        "RUN rm /data/b\n"
    ),
    "images/top/Dockerfile": (
        "FROM base\nCOPY file /copied\nRUN chown 1000 /data/a && head -c 300000 /dev/zero > '/data/a\tb'\nENV a=b\n"
    ),
    "images/top/file": "x" * 500_000,
}


async def test_a_layer_has_the_size_of_what_its_own_step_added_or_changed(session: None) -> None:  # noqa: ARG001
    stack = read_stack(MemoryTree(SIZES))
    source = dag.directory()
    for path, text in SIZES.items():
        source = source.with_new_file(path, text)
    builder = EngineBuilder(source)
    base, top = [await builder.layers(fuse(stack, name)) for name in ("base", "top")]
    assert isinstance(base, tuple)
    assert isinstance(top, tuple)
    assert [(layer.instruction.split()[0], layer.size) for layer in base[1:]] == [
        ("RUN", 3_000_000),
        ("RUN", 1_000_000),  # another mode: the layer has the whole file
        ("RUN", 0),
    ]
    assert [(layer.instruction.split()[0], layer.size) for layer in top] == [("COPY", 500_000), ("RUN", 1_300_000)]
