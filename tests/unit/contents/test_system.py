"""The operating system, and the versions that people ask for first."""

import msgspec
import pytest

from ci.contents.config_changes import versions_of
from ci.contents.highlights import highlights
from ci.contents.model import Contents, Ecosystem, System
from ci.stack.config import HIGHLIGHT_ECOSYSTEMS
from tests.unit.contents.images import contents_of
from tests.unit.contents.samples import contents, package

OS_RELEASE = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
ID=debian
HOME_URL="https://www.debian.org/"
"""
SITE = "opt/venv/lib/python3.11/site-packages"


def test_debian() -> None:
    for path in ("etc/os-release", "usr/lib/os-release"):
        system = contents_of({path: OS_RELEASE, "etc/debian_version": "12.15\n"}).system
        assert (system.os_id, system.os_version, system.os_name, system.architecture) == (
            "debian", "12.15", "Debian GNU/Linux 12 (bookworm)", "amd64",
        )  # fmt: skip
        assert system.versions == {"OS": "Debian GNU/Linux 12.15"}


def test_other_systems() -> None:
    ubuntu = 'NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\n'
    system = contents_of({"etc/os-release": ubuntu, "etc/debian_version": "trixie/sid\n"}).system
    assert (system.os_id, system.os_version, system.os_name) == ("ubuntu", "24.04", "Ubuntu 24.04.1 LTS")
    alpine = "NAME='Alpine Linux'\nID=alpine\nVERSION_ID=3.20.3\n"
    system = contents_of({"etc/os-release": alpine}).system
    assert (system.os_id, system.os_version, system.os_name) == ("alpine", "3.20.3", "Alpine Linux")
    sid = 'NAME="Debian GNU/Linux"\nID=debian\n'
    assert contents_of({"etc/os-release": sid, "etc/debian_version": "forky/sid\n"}).system.os_version == ""


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("opt/venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n", {"Python": "3.11.2"}),
        ("opt/venv/pyvenv.cfg", "implementation = CPython\nversion_info = 3.12.7\n", {"Python": "3.12.7"}),
        ("usr/local/include/python3.13/patchlevel.h", '#define PY_VERSION      \t"3.13.1"\n', {"Python": "3.13.1"}),
        ("usr/local/cuda-12.4/version.json", '{"cuda": {"name": "CUDA SDK", "version": "12.4.1"}}', {"CUDA": "12.4.1"}),
        (f"{SITE}/torch/version.py", "cuda: Optional[str] = '13.2'\n__version__ = '2.15.0+cu132'\n", {"CUDA": "13.2"}),
        (f"{SITE}/torch/version.py", "cuda = None\n", {}),
        (f"{SITE}/tensorflow/python/platform/build_info.py",
         "build_info = collections.OrderedDict([('cuda_version', '12.5.1'), ('cudnn_version', '9')])\n",
         {"CUDA": "12.5.1", "cuDNN": "9"}),
        ("opt/spark-3.5.1-bin-hadoop3/RELEASE", "Spark 3.5.1 (git revision fd86f85) built for Hadoop 3.3.4\n",
         {"Spark": "3.5.1"}),
        ("usr/lib/jvm/java-17-openjdk-amd64/release", 'IMPLEMENTOR="Debian"\nJAVA_VERSION="17.0.17"\n',
         {"Java": "17.0.17"}),
        ("opt/java/thing/release", "nothing\n", {}),
        ("usr/local/include/node/node_version.h",
         "#define NODE_MAJOR_VERSION 22\n#define NODE_MINOR_VERSION 11\n#define NODE_PATCH_VERSION 0\n",
         {"Node.js": "22.11.0"}),
        ("opt/julia-1.10.4/include/julia/julia_version.h", '#define JULIA_VERSION_STRING "1.10.4"\n',
         {"Julia": "1.10.4"}),
    ],
)  # fmt: skip
def test_programs_with_a_file_of_their_own(path: str, text: str, expected: dict[str, str]) -> None:
    contents = contents_of({path: text})
    assert contents.system.versions == expected
    assert contents.problems == ()


def dist_info(site: str, name: str, version: str) -> dict[str, str]:
    return {f"{site}/{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n"}


def test_the_order_is_fixed_and_path_decides() -> None:
    conda = "opt/conda/lib/python3.12/site-packages"
    files = {
        **dist_info(conda, "jupyterlab", "4.0.0"),
        **dist_info(SITE, "jupyterlab", "4.6.6"),
        **dist_info(SITE, "numpy", "2.1"),
        **dist_info(SITE, "nvidia-cudnn-cu13", "9.26"),
        "opt/conda/conda-meta/nodejs.json": '{"name": "nodejs", "version": "22.1"}',
        "opt/venv/pyvenv.cfg": "version = 3.11.2\n",
        "usr/local/include/python3.13/patchlevel.h": '#define PY_VERSION "3.13.1"\n',
        "etc/os-release": OS_RELEASE,
    }
    found = contents_of(files).system.versions
    assert list(found.items()) == [
        ("OS", "Debian GNU/Linux 12"), ("Python", "3.11.2"), ("JupyterLab", "4.6.6"), ("cuDNN", "9.26"),
        ("NumPy", "2.1"), ("Node.js", "22.1"),
    ]  # fmt: skip
    system_first = contents_of(files, environment={"PATH": "/usr/local/bin:/opt/conda/bin/:/opt/venv/bin"})
    assert system_first.system.versions["Python"] == "3.13.1"
    assert system_first.system.versions["JupyterLab"] == "4.0.0"


def test_versions_of_debian_packages_are_shown_without_their_revision() -> None:
    status = "Package: {0}\nStatus: install ok installed\nVersion: {1}\n\n"
    files = {
        "var/lib/dpkg/status": status.format("python3", "3.11.2-1+b1")
        + status.format("rstudio-server", "2024.09.1+394")
        + status.format("cuda-cudart-12-4", "1:12.4.127-1"),
    }
    assert contents_of(files).system.versions == {
        "Python": "3.11.2", "CUDA": "12.4.127", "RStudio": "2024.09.1+394",
    }  # fmt: skip
    nvidia = contents_of({}, environment={"CUDA_VERSION": "12.6.3"})
    assert nvidia.system.versions == {"CUDA": "12.6.3"}


def test_a_python_in_a_corner_is_not_the_images() -> None:
    status = "Package: python3\nStatus: install ok installed\nVersion: 3.11.2-1+b1\n"
    files = {"root/.local/pipx/venvs/black/pyvenv.cfg": "version = 3.9.1\n", "var/lib/dpkg/status": status}
    assert contents_of(files).system.versions == {"Python": "3.11.2"}
    assert contents_of(dict(list(files.items())[:1])).system.versions == {"Python": "3.9.1"}


def test_the_r_on_path_counts() -> None:
    base = "Package: base\nVersion: {}\nPriority: base\n"
    files = {
        "opt/R/4.4.1/lib/R/library/base/DESCRIPTION": base.format("4.4.1"),
        "usr/lib/R/library/base/DESCRIPTION": base.format("4.2.2"),
    }
    assert contents_of(files).system.versions == {"R": "4.2.2"}
    assert contents_of(files, environment={"PATH": "/opt/R/4.4.1/bin:/usr/bin"}).system.versions == {"R": "4.4.1"}


def test_the_order_is_the_same_after_a_record_was_written_and_read() -> None:
    versions = {"OS": "Debian 12", "Python": "3.11.2", "R": "4.2.2", "CUDA": "13.2", "nbgrader": "0.9.6"}
    image = contents("base", package("pip:polars=1"), system=System(versions=versions))
    read = msgspec.json.decode(msgspec.json.encode(image, order="deterministic"), type=Contents)
    assert list(read.system.versions) != list(versions)
    assert list(versions_of(read)) == list(versions)
    assert list(highlights(read, ["pip:polars"])) == [*versions, "polars"]


def test_a_stack_adds_highlights() -> None:
    contents = contents_of({**dist_info(SITE, "Polars", "1.2"), **dist_info(SITE, "numpy", "2.1")})
    assert highlights(contents) == {"NumPy": "2.1"}
    assert highlights(contents, ["pip:polars", "pip:torch"]) == {"NumPy": "2.1", "polars": "1.2"}


def test_stack_toml_has_the_ecosystems() -> None:
    assert set(HIGHLIGHT_ECOSYSTEMS) == set(Ecosystem)
