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
