"""What is read of real images is what their own tools say, in both directions."""

import json
import re
from pathlib import Path

import dagger
import msgspec
import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.inspector import TAR, EngineInspector, inspect_container, with_tar
from ci.build.ports import EngineFailure
from ci.contents.inspection import Inspection
from ci.contents.model import Contents, Ecosystem
from ci.contents.names import normalised
from ci.contents.reading import read_contents
from ci.fusion.fuse import fuse
from ci.fusion.fused import Fused
from ci.stack.reader import read_stack
from tests.folder_tree import FolderTree
from tests.unit.contents.test_dpkg import STATUS
from tests.unit.trees import MemoryTree

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


def image_of(dockerfile: str) -> tuple[EngineBuilder, Fused]:
    """Return an image without a context, and its builder."""
    stack = read_stack(MemoryTree({"images/base/Dockerfile": dockerfile}))
    return EngineBuilder(dag.directory().with_new_file("images/base/Dockerfile", dockerfile)), fuse(stack, "base")


async def inspected(dockerfile: str) -> Inspection:
    builder, fused = image_of(dockerfile)
    found = await EngineInspector(builder).inspect(fused)
    assert isinstance(found, Inspection), found
    return found


LIARS = """\
FROM debian:bookworm-slim
RUN mkdir -p /opt/venv/lib/python3.11/site-packages/true-1.0.dist-info \\
    && printf 'Name: true\\nVersion: 1.0\\n' >/opt/venv/lib/python3.11/site-packages/true-1.0.dist-info/METADATA \\
    && printf '#!/bin/sh\\necho lie 9.9\\n' >/usr/bin/liar && chmod +x /usr/bin/liar \\
    && for name in pip uv python3 dpkg-query find sort tar awk wc cut bash; do ln -f /usr/bin/liar /usr/bin/$name; done
"""


async def test_programs_of_the_image_are_not_believed(session: None) -> None:  # noqa: ARG001
    builder, fused = image_of(LIARS)
    image = await builder.image(fused)
    assert await image.with_exec(["dpkg-query", "-W"]).stdout() == "lie 9.9\n"
    contents = await contents_of(image)
    assert rows(contents, Ecosystem.PIP) == {("true", "1.0")}
    debian = dag.container().from_("debian:bookworm-slim")
    assert rows(contents, Ecosystem.APT) == await said_by_dpkg(debian)


ODD = f"""\
FROM debian:bookworm-slim
RUN mkdir -p /opt/venv/lib/python3.11 /opt/loop/lib/python3.11 && ln -s / /opt/venv/lib/python3.11/dist-packages \\
    && ln -s . /opt/loop/lib/python3.11/site-packages && ln -s b /opt/a && ln -s a /opt/b
RUN mkdir /{SITE} && cd /{SITE} \\
    && for name in big small 'with space' 'line\\nfeed' 'back\\\\slash' '-dash' 'a|b'; do \\
        folder="$(printf "$name")-1.dist-info"; mkdir "./$folder"; printf 'Name: %s\\nVersion: 1\\n' "$name" >"./$folder/METADATA"; done \\
    && head -c 50000000 /dev/zero >>big-1.dist-info/METADATA \\
    && mkdir linked-1.dist-info && ln small-1.dist-info/METADATA linked-1.dist-info/METADATA \\
    && mkdir elsewhere-1.dist-info && ln -s /etc/passwd elsewhere-1.dist-info/METADATA
RUN mkdir /many && cd /many && seq 200000 | xargs touch
"""  # noqa: E501 (a line of a Dockerfile)


async def test_odd_images_are_read_in_bounds(session: None) -> None:  # noqa: ARG001
    found = await inspected(ODD)
    contents = read_contents(found, image="odd")
    names = [one.name for one in contents.packages if one.ecosystem is Ecosystem.PIP]
    assert names == ["-dash", "a|b", "back\\\\slash", "big", "line\\nfeed", "small", "with space"]
    assert contents.problems[0].startswith(f"/{SITE}/big-1.dist-info/METADATA was not read: it has 50.0 MB")
    assert contents.problems[1:] == (f"small is installed 2 times in /{SITE}: 1.",)
    assert found.entries > 200_000
    assert not any("passwd" in path or path.startswith("many") for path in found.files)


async def test_what_is_mounted_when_an_image_runs_is_not_read(session: None) -> None:  # noqa: ARG001
    metadata = "Name: x\nVersion: 1\n"
    root = dag.directory()
    for folder in ("proc", "sys", "dev", "srv"):
        root = root.with_new_file(f"{folder}/lib/python3.11/site-packages/x-1.dist-info/METADATA", metadata)
    contents = await contents_of(dag.container().with_rootfs(root))
    assert [one.location for one in contents.packages] == ["/srv"]
    # Three folders that are not entered, and six entries below /.
    assert (contents.entries, contents.size) == (9, len(metadata))


@pytest.mark.parametrize(
    ("path", "sentences"),
    [
        ("", 1),
        ("var/lib/rpm/rpmdb.sqlite", 2),
        ("usr/lib/sysimage/rpm/Packages.db", 2),
    ],
)
async def test_images_without_a_known_database_say_so(session: None, path: str, sentences: int) -> None:  # noqa: ARG001
    root = dag.directory().with_new_file(path, "SQLite format 3") if path else dag.directory()
    contents = await contents_of(dag.container().with_rootfs(root))
    assert contents.packages == ()
    assert len(contents.unread) == sentences
    assert "no package database that is known" in contents.unread[-1]
    assert not path or f"/{path} " in contents.unread[0]


async def test_images_without_dpkg_itself(session: None) -> None:  # noqa: ARG001
    entry = STATUS.partition("\n\n")[0].replace("Status: install ok installed\n", "")
    root = dag.directory().with_new_file("var/lib/dpkg/status.d/libssl3", entry)
    contents = await contents_of(dag.container().with_rootfs(root))
    assert rows(contents, Ecosystem.APT) == {("libssl3", "3.0.22-1~deb12u1")}


GROWN = """\
FROM debian:bookworm-slim
RUN mkdir -p /opt/x/lib/python3.11/site-packages/a-1.dist-info /grown && cd /grown && seq 20000 | xargs touch \
    && printf 'Name: a\\nVersion: 1\\n' >/opt/x/lib/python3.11/site-packages/a-1.dist-info/METADATA \
    && find /grown -type f -delete && head -c 100000 /dev/zero >/opt/one && ln /opt/one /opt/two
"""


@pytest.mark.usefixtures("session")
async def test_an_image_gives_the_same_bytes_wherever_it_comes_from(tmp_path: Path) -> None:
    builder, fused = image_of(GROWN)
    built = await builder.image(fused)
    imported = dag.container().import_(built.as_tarball())
    for number, image in enumerate((built, imported)):
        await with_tar(image).file(TAR).export(str(tmp_path / str(number)))
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    first, second = [msgspec.json.encode(await contents_of(image)) for image in (built, imported)]
    assert first == second


async def test_an_image_that_cannot_be_built_is_a_failure(session: None) -> None:  # noqa: ARG001
    builder, fused = image_of("FROM debian:bookworm-slim\nRUN exit 3\n")
    found = await EngineInspector(builder).inspect(fused)
    assert isinstance(found, EngineFailure)
    assert found.exit_code == 3


HEALTH = "FROM debian:bookworm-slim\n{}\nEXPOSE 8888 53/udp\nENV TOKEN=hunter2\nUSER nobody\n"


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ('HEALTHCHECK CMD ["probe", "-x"]', ("CMD", "probe", "-x")),
        ("HEALTHCHECK CMD probe | grep ok", ("CMD-SHELL", "probe | grep ok")),
        ("LABEL a=b", ()),
    ],
)
async def test_the_configuration(session: None, instruction: str, expected: tuple[str, ...]) -> None:  # noqa: ARG001
    config = (await inspected(HEALTH.format(instruction))).config
    assert config.healthcheck == expected
    assert config.ports == ("53/udp", "8888/tcp")
    # Who shows or publishes it decides about secrets.
    assert config.environment["TOKEN"] == "hunter2"  # noqa: S105 (it is none)
    assert (config.user, config.entrypoint, config.command) == ("nobody", (), ("bash",))
