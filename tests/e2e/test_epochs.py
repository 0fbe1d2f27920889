"""Epochs on the engine: another one has every RUN done anew, and leaves nothing in the image."""

from collections.abc import Mapping

import dagger
import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.registry import base_digest
from ci.fusion.fuse import fuse
from ci.fusion.substitutions import Substitutions
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("session")]
STAMP = "RUN date +%N%s > /{}\n"
FILES = {
    "images/base/Dockerfile": f"FROM debian:bookworm-slim\n{STAMP.format('base')}",
    "images/ds/Dockerfile": f"FROM base\n{STAMP.format('ds')}",
}
STACK = read_stack(MemoryTree(FILES))


async def build(epochs: Mapping[str, str], digests: Mapping[str, str]) -> tuple[str, str, list[str]]:
    source = dag.directory()
    for path, content in FILES.items():
        source = source.with_new_file(path, content)
    image = await EngineBuilder(source).image(fuse(STACK, "ds", Substitutions(epochs=epochs, digests=digests)))
    names = [await one.name() for one in await image.env_variables()]
    base, ds = await image.file("/base").contents(), await image.file("/ds").contents()
    return base, ds, names


async def test_an_epoch_runs_everything_anew_once() -> None:
    digest = await base_digest("debian:bookworm-slim")
    assert digest is not None
    digests = {"debian:bookworm-slim": digest}
    begin = await dag.container().from_("debian:bookworm-slim").with_exec(["date", "+%N%s"]).stdout()
    first = await build({"base": f"1 {begin}", "ds": f"1 {begin}"}, digests)
    assert await build({"base": f"1 {begin}", "ds": f"1 {begin}"}, digests) == first
    again = await build({"base": f"2 {begin}", "ds": f"2 {begin}"}, digests)
    assert (first[0] != again[0], first[1] != again[1]) == (True, True)
    leaf = await build({"base": f"2 {begin}", "ds": f"3 {begin}"}, digests)
    assert (leaf[0] == again[0], leaf[1] != again[1]) == (True, True)
    assert "DATAHUB_EPOCH" not in first[2]


async def test_a_base_that_is_nowhere_has_no_digest() -> None:
    assert await base_digest("localhost:1/nowhere:1") is None


async def test_a_pinned_base_is_built_on() -> None:
    digest = await base_digest("debian:bookworm-slim")
    source = dag.directory().with_new_file("images/base/Dockerfile", FILES["images/base/Dockerfile"])
    wrong = Substitutions(digests={"debian:bookworm-slim": f"sha256:{'0' * 64}"})
    right = Substitutions(digests={"debian:bookworm-slim": digest or ""})
    assert await (await EngineBuilder(source).image(fuse(STACK, "base", right))).file("/base").contents()
    with pytest.raises(dagger.QueryError):
        await (await EngineBuilder(source).image(fuse(STACK, "base", wrong))).sync()
