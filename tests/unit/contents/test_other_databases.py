"""The databases of apk, conda, R, npm, JupyterLab, kernels and Julia, in their documented formats."""

import json

import pytest

from ci.contents.model import Ecosystem, Kernel, Package
from tests.unit.contents.images import contents_of, packages_of

# https://wiki.alpinelinux.org/wiki/Apk_spec
APK = """\
C:Q1p78yvTLG094tHE1+dToJGbmYzQE=
P:libcrypto3
V:3.3.2-r1
A:x86_64
S:1794389
I:4546560
T:Crypto library from openssl
U:https://www.openssl.org/
L:Apache-2.0
o:openssl
m:Natanael Copa <ncopa@alpinelinux.org>
p:so:libcrypto.so.3=3
F:etc
F:etc/ssl
R:openssl.cnf
Z:Q1wGuxVEOK9iGLj1i8D3BSBnT7MJA=

P:musl
V:1.2.5-r0
"""


def test_apk() -> None:
    for path in ("lib/apk/db/installed", "usr/lib/apk/db/installed"):
        assert packages_of({path: APK}) == (
            Package(
                ecosystem=Ecosystem.APK, name="libcrypto3", version="3.3.2-r1", size=4546560, source="openssl=3.3.2-r1",
                license="Apache-2.0",
            ),
            Package(ecosystem=Ecosystem.APK, name="musl", version="1.2.5-r0", source="musl=1.2.5-r0"),
        )  # fmt: skip
    broken = contents_of({"lib/apk/db/installed": "P:a\nL:MIT\n\nV:1\n\n" + APK})
    assert len(broken.packages) == 2
    assert broken.problems == (
        "/lib/apk/db/installed has an entry without a package's name.",
        "The package a in /lib/apk/db/installed has no version.",
    )


# https://docs.conda.io/projects/conda/en/stable/dev-guide/specs/conda-meta.html
CONDA = {
    "name": "numpy", "version": "2.1.3", "build": "py312h58c1407_0", "build_number": 0,
    "channel": "https://conda.anaconda.org/conda-forge/linux-64", "subdir": "linux-64", "license": "BSD-3-Clause",
    "size": 8478406, "files": ["bin/f2py", "lib/x"],
    "paths_data": {"paths_version": 1, "paths": [
        {"_path": "bin/f2py", "path_type": "hardlink", "size_in_bytes": 243},
        {"_path": "lib/x", "path_type": "softlink"},
        {"_path": "lib/y", "path_type": "hardlink", "size_in_bytes": 1000},
    ]},
}  # fmt: skip


def test_conda() -> None:
    files = {"opt/conda/conda-meta/numpy-2.1.3-py312h58c1407_0.json": json.dumps(CONDA)}
    numpy = Package(
        ecosystem=Ecosystem.CONDA, name="numpy", version="2.1.3", location="/opt/conda", size=1243,
        source="conda-forge/linux-64/py312h58c1407_0", license="BSD-3-Clause",
    )  # fmt: skip
    assert packages_of(files) == (numpy,)
    short = {"name": "tzdata", "version": "2026a", "build": "h0_0", "channel": "defaults", "license": None}
    assert packages_of({"opt/conda/envs/r/conda-meta/tzdata-2026a-h0_0.json": json.dumps(short)}) == (
        Package(
            ecosystem=Ecosystem.CONDA, name="tzdata", version="2026a", location="/opt/conda/envs/r",
            source="defaults/h0_0",
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "subdir", "source"),
    [
        ("https://conda.anaconda.org/conda-forge/linux-64", "linux-64", "conda-forge/linux-64"),
        ("https://conda.anaconda.org/conda-forge/noarch", "", "conda-forge/noarch"),
        ("https://conda.anaconda.org/conda-forge/", "noarch", "conda-forge/noarch"),
        ("conda-forge", "noarch", "conda-forge/noarch"),
        ("conda-forge", "", "conda-forge"),
        ("https://conda.anaconda.org/conda-forge/label/rc/linux-64", "", "conda-forge/label/rc/linux-64"),
        ("https://conda.anaconda.org/t/ab-1234-secret/ours/linux-64", "linux-64", "ours/linux-64"),
        ("https://me:secret@conda.example.edu/ours/linux-64", "linux-64", "ours/linux-64"),
        ("", "linux-64", "linux-64"),
    ],
)
def test_channels_of_conda(channel: str, subdir: str, source: str) -> None:
    record = {"name": "numpy", "version": "2.1.3", "build": "py0_0", "channel": channel, "subdir": subdir}
    (numpy,) = packages_of({"opt/conda/conda-meta/numpy.json": json.dumps(record)})
    assert numpy.source == f"{source}/py0_0"


def test_broken_conda_records_are_problems() -> None:
    files = {
        "opt/conda/conda-meta/a.json": json.dumps(CONDA)[:100],
        "opt/conda/conda-meta/b.json": '{"name": "b"}',
        "opt/conda/conda-meta/c.json": '{"name": "c", "version": 3}',
        "opt/conda/conda-meta/d.json": "[" * 100_000,
        "opt/conda/conda-meta/e.json": json.dumps(CONDA),
        "opt/conda/pkgs/f-1-0/conda-meta/f.json": "",
    }
    contents = contents_of(files)
    assert [one.name for one in contents.packages] == ["numpy"]
    assert contents.problems == (
        "/opt/conda/conda-meta/a.json cannot be read: Input data was truncated.",
        "/opt/conda/conda-meta/b.json has no version.",
        "/opt/conda/conda-meta/c.json cannot be read: Expected `str`, got `int`.",
        "/opt/conda/conda-meta/d.json cannot be read: Expected `object`, got `array`.",
    )


# https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file
DESCRIPTION = """\
Type: Package
Package: dplyr
Title: A Grammar of Data Manipulation
Version: 1.1.0
License: MIT + file LICENSE
Description: A fast, consistent tool
    Version: of working with data frames.
Built: R 4.2.2; x86_64-pc-linux-gnu; 2023-01-30 08:07:43 UTC; unix
"""


def test_r() -> None:
    dplyr = Package(
        ecosystem=Ecosystem.R, name="dplyr", version="1.1.0", location="/usr/local/lib/R/site-library",
        license="MIT + file LICENSE",
    )  # fmt: skip
    assert packages_of({"usr/local/lib/R/site-library/dplyr/DESCRIPTION": DESCRIPTION}) == (dplyr,)
    for library in (
        "usr/lib/R/library", "opt/conda/lib/R/library", "opt/R/4.4.1/lib/R/library",
        "home/jovyan/R/x86_64-pc-linux-gnu-library/4.2",
    ):  # fmt: skip
        (found,) = packages_of({f"{library}/dplyr/DESCRIPTION": DESCRIPTION})
        assert found.location == f"/{library}"


def test_what_r_consists_of_is_its_version() -> None:
    base = "Package: base\nVersion: 4.2.2\nPriority: base\nBuilt: R 4.2.2; ; 2022; unix\n"
    contents = contents_of({
        "usr/lib/R/library/base/DESCRIPTION": base,
        "usr/lib/R/library/stats/DESCRIPTION": base.replace("base\nV", "stats\nV"),
        "usr/lib/R/library/translations/DESCRIPTION": "Package: translations\nVersion: 4.2.2\n",
        "usr/lib/R/library/MASS/DESCRIPTION": DESCRIPTION.replace("dplyr", "MASS") + "Priority: recommended\n",
    })  # fmt: skip
    assert [one.name for one in contents.packages] == ["MASS"]
    assert contents.system.versions == {"R": "4.2.2"}
    assert contents.problems == ()


def test_r_packages_inside_of_packages_and_broken_ones() -> None:
    contents = contents_of({
        "usr/lib/R/site-library/pkgload/tests/R/library/inner/DESCRIPTION": DESCRIPTION,
        "usr/lib/R/site-library/source/DESCRIPTION": "Package: source\nVersion: 1\n",
        "usr/lib/R/site-library/broken/DESCRIPTION": "Package: broken\nBuilt: R\n",
    })  # fmt: skip
    assert contents.packages == ()
    assert contents.problems == ("/usr/lib/R/site-library/broken/DESCRIPTION has no version.",)


# https://docs.npmjs.com/cli/configuring-npm/package-json
def test_npm() -> None:
    contents = contents_of({
        "usr/local/lib/node_modules/npm/package.json":
            '{"name": "npm", "version": "10.8.2", "license": "Artistic-2.0"}',
        "usr/local/lib/node_modules/@scope/tool/package.json":
            '{"name": "@scope/tool", "version": "1.0.0", "license": {"type": "MIT", "url": "u"}}',
        "usr/local/lib/node_modules/npm/node_modules/abbrev/package.json": '{"name": "abbrev", "version": "2.0.0"}',
        "usr/local/lib/node_modules/npm/lib/node_modules/mock/package.json": "{",
        "opt/venv/lib/python3.11/site-packages/x/lib/node_modules/mock/package.json": "{",
        "usr/lib/node_modules/broken/package.json": '{"name": "broken", "license": 3}',
    })  # fmt: skip
    assert contents.packages == (
        Package(
            ecosystem=Ecosystem.NPM, name="@scope/tool", version="1.0.0", location="/usr/local", license="MIT"
        ),
        Package(
            ecosystem=Ecosystem.NPM, name="npm", version="10.8.2", location="/usr/local", license="Artistic-2.0"
        ),
    )  # fmt: skip
    assert contents.problems == ("/usr/lib/node_modules/broken/package.json has no version.",)


def test_lab_extensions() -> None:
    folder = "opt/venv/share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager"
    files = {
        f"{folder}/package.json":
            '{"name": "@jupyter-widgets/jupyterlab-manager", "version": "5.0.15", "license": "BSD-3-Clause"}',
        f"{folder}/install.json": '{"packageManager": "python", "packageName": "jupyterlab_widgets", "x": 1}',
    }  # fmt: skip
    assert packages_of(files) == (
        Package(
            ecosystem=Ecosystem.LAB, name="@jupyter-widgets/jupyterlab-manager", version="5.0.15",
            location="/opt/venv", license="BSD-3-Clause", owner="pip:jupyterlab_widgets",
        ),
    )  # fmt: skip
    broken = contents_of({f"{folder}/package.json": "{}", f"{folder}/install.json": "nonsense"})
    assert broken.problems == (f"/{folder}/package.json has no name.",)


# https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs
def test_kernels() -> None:
    r = '{"argv": ["R"], "display_name": "R", "language": "R"}'
    contents = contents_of({
        "usr/local/share/jupyter/kernels/ir/kernel.json": r,
        "usr/share/jupyter/kernels/ir/kernel.json": r,
        "usr/share/jupyter/kernels/other/kernel.json": r,
        "opt/venv/share/jupyter/kernels/ir/kernel.json": '{"display_name": "R of\\u0007 venv", "language": "R"}',
        "opt/venv/lib/python3.11/site-packages/x/share/jupyter/kernels/y/kernel.json": r,
        "opt/venv/share/jupyter/kernels/bad/kernel.json": '{"display_name": ',
    })  # fmt: skip
    assert contents.kernels == (
        Kernel(name="ir", display_name="R of venv", language="R", location="/opt/venv/share/jupyter/kernels/ir"),
        Kernel(name="ir", display_name="R", language="R", location="/usr/local/share/jupyter/kernels/ir"),
        Kernel(name="other", display_name="R", language="R", location="/usr/share/jupyter/kernels/other"),
    )
    assert contents.problems == (
        "/opt/venv/share/jupyter/kernels/bad/kernel.json cannot be read: Input data was truncated.",
    )


# https://pkgdocs.julialang.org/v1/toml-files/
MANIFEST = """\
julia_version = "1.10.4"
manifest_format = "2.0"
project_hash = "4"

[[deps.Dates]]
deps = ["Printf"]
uuid = "ade2ca70-3891-5945-98fb-dc099432e06a"

[[deps.JSON]]
deps = ["Dates"]
git-tree-sha1 = "31e996f0a15c7b280ba9f76636b3ff9e2ae58c9a"
uuid = "682c06a0-de6a-54ab-a142-c8b1cf79cde6"
version = "0.21.4"

[[deps.LibCURL_jll]]
uuid = "deac9b47-8bc7-5906-a0fe-35ac56dc84c0"
version = "8.4.0+0"

[[deps.Mine]]
path = "/srv/Mine"
uuid = "00000000-de6a-54ab-a142-c8b1cf79cde6"
version = "0.1.0"
"""
PROJECT = (
    'name = "{name}"\nuuid = "{uuid}"\nversion = "{version}"\n[deps]\nDates = "ade2ca70-3891-5945-98fb-dc099432e06a"\n'
)


def julia(name: str, version: str, uuid: str, location: str) -> Package:
    return Package(ecosystem=Ecosystem.JULIA, name=name, version=version, location=location, source=uuid)


def test_julia() -> None:
    uuid = "682c06a0-de6a-54ab-a142-c8b1cf79cde6"
    files = {
        "opt/julia/environments/v1.10/Manifest.toml": MANIFEST,
        "opt/julia/packages/JSON/93Ea8/Project.toml": PROJECT.format(name="JSON", uuid=uuid, version="0.21.4"),
        "opt/julia/packages/JSON/aaaaa/Project.toml": PROJECT.format(name="JSON", uuid=uuid, version="0.20.0"),
        "opt/julia/packages/JSON/aaaaa/test/packages/JSON/bbbbb/Project.toml": "[",
    }
    contents = contents_of(files)
    assert contents.packages == (
        julia("JSON", "0.20.0", uuid, "/opt/julia"),
        julia("JSON", "0.21.4", uuid, "/opt/julia/environments/v1.10"),
        julia("Mine", "0.1.0", "00000000-de6a-54ab-a142-c8b1cf79cde6", "/opt/julia/environments/v1.10"),
    )
    assert contents.system.versions == {"Julia": "1.10.4"}
    assert contents.problems == ()


def test_julia_before_manifests_had_a_format_and_broken_ones() -> None:
    old = '[[JSON]]\ngit-tree-sha1 = "3"\nuuid = "6"\nversion = "0.21.1"\n\n[[Dates]]\nuuid = "a"\n'
    contents = contents_of({
        "root/.julia/environments/v1.5/Manifest.toml": old,
        "root/.julia/environments/v1.6/Manifest.toml": MANIFEST[:100],
        "root/.julia/packages/A/aaaaa/Project.toml": 'name = "A"\n',
        "root/.julia/packages/B/bbbbb/Project.toml": "x = " + "[" * 10_000,
    })  # fmt: skip
    assert contents.packages == (julia("JSON", "0.21.1", "6", "/root/.julia/environments/v1.5"),)
    assert len(contents.problems) == 3
    assert contents.problems[1:] == (
        "/root/.julia/packages/A/aaaaa/Project.toml has no version.",
        "/root/.julia/packages/B/bbbbb/Project.toml cannot be read: it is nested too deep.",
    )
    assert contents.problems[0].startswith("/root/.julia/environments/v1.6/Manifest.toml cannot be read: ")
