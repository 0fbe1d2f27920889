"""What is read of real images is what their own tools say, in both directions."""

import json
import re
from pathlib import Path

import dagger
import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.inspector import inspect_container
from ci.contents.inspection import Inspection
from ci.contents.model import Contents, Ecosystem
from ci.contents.names import normalised
from ci.contents.reading import read_contents
from ci.fusion.fuse import fuse
from ci.stack.reader import read_stack
from tests.folder_tree import FolderTree

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
IMAGES = ("datahub-base-notebook", "datascience-notebook", "r-notebook", "scipy-ml-notebook")
SITE = "opt/venv/lib/python3.11/site-packages"
R_SCRIPT = """
found <- installed.packages()[, c("Package", "Version", "Priority")]
found <- found[is.na(found[, "Priority"]) | found[, "Priority"] != "base", , drop = FALSE]
cat(paste(found[, "Package"], found[, "Version"]), sep = "\\n")
"""


async def contents_of(image: dagger.Container) -> Contents:
    found = await inspect_container(image)
    assert isinstance(found, Inspection), found
    return read_contents(found, image="image")


def rows(contents: Contents, ecosystem: Ecosystem) -> set[tuple[str, str]]:
    return {(normalised(ecosystem, one.name), one.version) for one in contents.packages if one.ecosystem is ecosystem}


async def said_by_pip(image: dagger.Container) -> set[tuple[str, str]]:
    listed = json.loads(await image.with_exec(["uv", "pip", "list", "--format", "json"]).stdout())
    return {(normalised(Ecosystem.PIP, one["name"]), one["version"]) for one in listed}


async def said_by_dpkg(image: dagger.Container) -> set[tuple[str, str]]:
    form = "${db:Status-Status} ${Package} ${Version}\n"
    lines = (await image.with_exec(["dpkg-query", "-W", "-f", form]).stdout()).splitlines()
    return {(name, version) for state, name, version in map(str.split, lines) if state == "installed"}


async def said_by_r(image: dagger.Container) -> set[tuple[str, str]]:
    if not await image.exists("/usr/bin/Rscript"):
        return set()
    lines = (await image.with_exec(["Rscript", "-e", R_SCRIPT]).stdout()).splitlines()
    return {(name, version) for name, version in map(str.split, lines)}


async def said_by_jupyter(image: dagger.Container) -> set[tuple[str, str]]:
    """Return the prebuilt extensions: lines such as `@jupyter/x v1.2 enabled OK (python, jupyter_x)`."""
    listed = await image.with_exec(["jupyter", "labextension", "list"]).combined_output()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", listed).splitlines()
    words = [line.split() for line in lines if " enabled " in line or " disabled " in line]
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


async def kernels_of_jupyter(image: dagger.Container) -> set[tuple[str, str, str, str]]:
    listed = json.loads(await image.with_exec(["jupyter", "kernelspec", "list", "--json"]).stdout())["kernelspecs"]
    return {
        (name, one["spec"]["display_name"], one["spec"]["language"], one["resource_dir"])
        for name, one in listed.items()
    }


@pytest.mark.parametrize("name", IMAGES)
async def test_the_images_of_this_repository(session: None, name: str) -> None:  # noqa: ARG001
    stack = read_stack(FolderTree(ROOT))
    source = dag.directory().with_directory("images", dag.host().directory(str(ROOT / "images")))
    image = await EngineBuilder(source).image(fuse(stack, name))
    contents = await contents_of(image)
    assert rows(contents, Ecosystem.PIP) == await said_by_pip(image)
    assert rows(contents, Ecosystem.APT) == await said_by_dpkg(image)
    assert rows(contents, Ecosystem.R) == await said_by_r(image)
    assert rows(contents, Ecosystem.LAB) == await said_by_jupyter(image)
    kernels = {(one.name, one.display_name, one.language, one.location) for one in contents.kernels}
    assert kernels == await kernels_of_jupyter(image)
    assert len(contents.packages) == len({(one.ecosystem, one.name, one.location) for one in contents.packages})
    assert len(rows(contents, Ecosystem.PIP)) > 100
    assert (contents.problems, contents.unread) == ((), ())
    await check_configuration(contents, image)


async def check_configuration(contents: Contents, image: dagger.Container) -> None:
    config = contents.config
    assert (config.user, config.workdir) == ("1000:100", "/home/jovyan")
    assert (config.entrypoint, config.command) == (("tini", "-g", "--"), ("start-notebook",))
    assert (config.ports, config.healthcheck) == (("8888/tcp",), ("CMD", "healthcheck"))
    environment = (await image.with_exec(["env", "-0"]).stdout()).split("\0")
    assert {f"{name}={value}" for name, value in config.environment.items()} <= set(environment)
    assert contents.system.architecture == "amd64"
    python = await image.with_exec(["python", "-c", "import platform; print(platform.python_version())"]).stdout()
    assert contents.system.versions["Python"] == python.strip()
    title = config.labels["org.opencontainers.image.title"]
    assert title == await image.label("org.opencontainers.image.title")
