"""Odd images, and images that come from elsewhere: what is taken out of them, and that nothing of them is executed."""

from collections.abc import Iterator
from pathlib import Path

import dagger
import msgspec
import pytest
from dagger import dag

from ci.adapters.dagger_engine.builder import EngineBuilder
from ci.adapters.dagger_engine.inspector import TAR, EngineInspector, inspect_container, with_tar
from ci.adapters.dagger_engine.registry import EngineRegistry
from ci.build.engine_failure import EngineFailure
from ci.contents.databases import EXCLUDED, NOTICED, matcher, pattern
from ci.contents.inspection import Inspection
from ci.contents.model import Ecosystem
from ci.contents.reading import read_contents
from ci.fusion.fuse import fuse
from ci.fusion.fused import Fused
from ci.stack.reader import read_stack
from tests.e2e.test_describing import contents_of, rows, said_by_dpkg
from tests.integration.adapters.oci.server import RegistryServer
from tests.unit.contents.test_dpkg import STATUS
from tests.unit.contents.test_reading import PATHS
from tests.unit.trees import MemoryTree

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("session")]

SITE = "opt/venv/lib/python3.11/site-packages"


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


async def test_programs_of_the_image_are_not_believed() -> None:
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


async def test_odd_images_are_read_in_bounds() -> None:
    found = await inspected(ODD)
    contents = read_contents(found, image="odd")
    names = [one.name for one in contents.packages if one.ecosystem is Ecosystem.PIP]
    assert names == ["-dash", "a|b", "back\\\\slash", "big", "line\\nfeed", "small", "with space"]
    assert contents.problems[0].startswith(f"/{SITE}/big-1.dist-info/METADATA was not read: it has 50.0 MB")
    assert contents.problems[1:] == (f"small is installed 2 times in /{SITE}: 1.",)
    assert found.entries > 200_000
    assert not any("passwd" in path or path.startswith("many") for path in found.files)


async def test_what_is_mounted_when_an_image_runs_is_not_read() -> None:
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
async def test_images_without_a_known_database_say_so(path: str, sentences: int) -> None:
    root = dag.directory().with_new_file(path, "SQLite format 3") if path else dag.directory()
    contents = await contents_of(dag.container().with_rootfs(root))
    assert contents.packages == ()
    assert len(contents.unread) == sentences
    assert "no package database that is known" in contents.unread[-1]
    assert not path or f"/{path} " in contents.unread[0]


async def test_images_without_dpkg_itself() -> None:
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


async def test_an_image_gives_the_same_bytes_wherever_it_comes_from(tmp_path: Path) -> None:
    builder, fused = image_of(GROWN)
    built = await builder.image(fused)
    imported = dag.container().import_(built.as_tarball())
    for number, image in enumerate((built, imported)):
        await with_tar(image).file(TAR).export(str(tmp_path / str(number)))
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    first, second = [msgspec.json.encode(await contents_of(image)) for image in (built, imported)]
    assert first == second


async def test_a_file_with_two_names_counts_once() -> None:
    base = await inspected("FROM debian:bookworm-slim\nRUN true\n")
    grown = await inspected(GROWN)
    assert grown.size - base.size == 100_000 + len("Name: a\nVersion: 1\n")
    # Folders: a-1.dist-info and the four above it, and /grown; files: METADATA, and one with two names.
    assert grown.entries - base.entries == 5 + 1 + 1 + 2


async def test_an_image_that_cannot_be_built_is_a_failure() -> None:
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
async def test_the_configuration(instruction: str, expected: tuple[str, ...]) -> None:
    config = (await inspected(HEALTH.format(instruction))).config
    assert config.healthcheck == expected
    assert config.ports == ("53/udp", "8888/tcp")
    # Who shows or publishes it decides about secrets.
    assert config.environment["TOKEN"] == "hunter2"  # noqa: S105 (it is none)
    assert (config.user, config.entrypoint, config.command) == ("nobody", (), ("bash",))


async def test_patterns_mean_the_same_to_find_and_to_python() -> None:
    odd = [path.replace("opt", "o p\nt") for path in PATHS if path.startswith("opt")]
    others = [f"{path}.orig" for path in PATHS] + [f"opt/x{path}" for path in PATHS]
    cached = [f"root/.cache/{path}" for path in PATHS] + [f"opt/conda/pkgs/a-1-0/{path}" for path in PATHS]
    noticed = ["var/lib/rpm/Packages", "nix/var/nix/db/db.sqlite", f"{SITE}/old-1-py3.11.egg"]
    paths = sorted({*PATHS, *odd, *others, *cached, *noticed})
    root = dag.directory()
    for path in paths:
        root = root.with_new_file(path, "x")
    found = await inspect_container(dag.container().with_rootfs(root))
    assert isinstance(found, Inspection)
    read, excluded, named = matcher(pattern()), matcher(EXCLUDED), matcher(NOTICED)
    wanted = {path for path in paths if read.fullmatch(path) and not excluded.fullmatch(path)}
    assert found.files == dict.fromkeys(wanted, b"x")
    assert wanted > {*PATHS, *odd}
    assert sorted(found.noticed) == sorted(noticed) == [path for path in paths if named.fullmatch(path)]


LARGE = f"""\
FROM debian:bookworm-slim
RUN for n in 1 2 3 4 5 6 7 8 9; do d=/{SITE}/p$n-1.dist-info; mkdir -p $d; printf 'Name: p%s\\nVersion: 1\\n\\n' $n >$d/METADATA; \\
    truncate --size=30000000 $d/METADATA; done
"""  # noqa: E501 (a line of a Dockerfile)


async def test_all_databases_together_have_a_limit() -> None:
    found = await inspected(LARGE)
    assert sum(map(len, found.files.values())) < 256_000_000
    assert found.refused == {f"{SITE}/p9-1.dist-info/METADATA": 30_000_000}
    contents = read_contents(found, image="large")
    assert [one.name for one in contents.packages if one.ecosystem is Ecosystem.PIP] == [f"p{n}" for n in range(1, 10)]
    assert len(contents.problems) == 1


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer().serving() as running:
        yield running


async def test_a_published_image_is_read_by_its_digest(server: RegistryServer) -> None:
    port = int(server.host.rpartition(":")[2])
    server.host = f"localhost:{port}"
    service = dag.host().service([dagger.PortForward(backend=port, frontend=port)], host="127.0.0.1")
    registry = EngineRegistry(server.host, service=service, timeout=60.0)
    builder, fused = image_of(GROWN)
    digest = await registry.push(await builder.image(fused), f"{server.host}/stack/base:s-1")
    assert isinstance(digest, str), digest
    inspector = EngineInspector(builder, registry)
    built, pulled = await inspector.inspect(fused), await inspector.inspect(f"{server.host}/stack/base@{digest}")
    assert built == pulled
    assert isinstance(built, Inspection)
    missing = await inspector.inspect(f"{server.host}/stack/base@sha256:{'0' * 64}")
    assert isinstance(missing, EngineFailure)
