"""All databases of an image together: order, owners, what is not read, and images that nobody made well."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci.contents.databases import DATABASES, matcher
from ci.contents.inspection import Inspection
from ci.contents.model import Contents, DescribedLayer, Ecosystem, ImageConfig
from ci.contents.reading import read_contents
from ci.reports.contents import DescribedImage, render_contents
from ci.reports.contents_page import render_contents_page
from tests.unit.contents.images import contents_of, inspection
from tests.unit.contents.test_dpkg import STATUS
from tests.unit.contents.test_other_databases import APK, DESCRIPTION
from tests.unit.reports.markdown_shapes import rows_of

SITE = "opt/venv/lib/python3.11/site-packages"
NO_SYSTEM = "It has no package database that is known of an operating system (dpkg, apk)."
FILES = {
    "var/lib/dpkg/status": STATUS,
    f"{SITE}/b-1.dist-info/METADATA": "Name: b\nVersion: 1\n",
    f"{SITE}/a-2.dist-info/METADATA": "Name: a\nVersion: 2\n",
    "opt/conda/lib/python3.12/site-packages/a-1.dist-info/METADATA": "Name: a\nVersion: 1\n",
    "usr/local/lib/R/site-library/dplyr/DESCRIPTION": DESCRIPTION,
}


def test_packages_are_in_order() -> None:
    forwards, backwards = contents_of(FILES), contents_of(dict(reversed(FILES.items())))
    assert forwards == backwards
    assert [(one.ecosystem.value, one.name, one.location) for one in forwards.packages] == [
        ("R", "dplyr", "/usr/local/lib/R/site-library"),
        ("apt", "libgcc-s1", ""),
        ("apt", "libssl3", ""),
        ("apt", "tzdata", ""),
        ("pip", "a", "/opt/conda"),
        ("pip", "a", "/opt/venv"),
        ("pip", "b", "/opt/venv"),
    ]
    assert forwards.unread == forwards.problems == ()


def test_what_is_given_is_kept() -> None:
    layers = (DescribedLayer(digest="sha256:1", compressed_size=5, instruction="RUN x", image="base"),)
    found = inspection(FILES)
    contents = read_contents(found, image="base", digest="sha256:2", layers=layers, compressed_size=7)
    assert (contents.image, contents.digest, contents.platform) == ("base", "sha256:2", "linux/amd64")
    assert (contents.layers, contents.compressed_size, contents.size, contents.entries) == (layers, 7, 123, 4)
    assert (contents.config, contents.schema) == (found.config, 1)
    assert msgspec.json.decode(msgspec.json.encode(contents), type=Contents) == contents


def owners(files: dict[str, str]) -> dict[str, str]:
    return {f"{one.ecosystem}:{one.name}": one.owner for one in contents_of(files).packages if one.owner}


def test_debian_owns_what_it_installed() -> None:
    status = "Package: {}\nStatus: install ok installed\nVersion: 1\n\n"
    apt = "".join(map(status.format, ["r-cran-dplyr", "r-bioc-limma", "python3-yaml", "python3-dateutil"]))
    python = "usr/lib/python3/dist-packages"
    assert owners({
        "var/lib/dpkg/status": apt,
        "usr/lib/R/site-library/dplyr/DESCRIPTION": DESCRIPTION,
        "usr/lib/R/site-library/limma/DESCRIPTION": DESCRIPTION.replace("dplyr", "limma"),
        "usr/lib/R/library/other/DESCRIPTION": DESCRIPTION.replace("dplyr", "other"),
        f"{python}/PyYAML-6.egg-info/PKG-INFO": "Name: PyYAML\nVersion: 6\n",
        f"{python}/python_dateutil-2.egg-info": "Name: python-dateutil\nVersion: 2\n",
    }) == {
        "R:dplyr": "apt:r-cran-dplyr",
        "R:limma": "apt:r-bioc-limma",
        "pip:PyYAML": "apt:python3-yaml",
        "pip:python-dateutil": "apt:python3-dateutil",
    }  # fmt: skip
    # What a person installed beside it is not Debian's.
    assert owners({
        "var/lib/dpkg/status": apt,
        "usr/local/lib/R/site-library/dplyr/DESCRIPTION": DESCRIPTION,
        "usr/local/lib/python3.11/dist-packages/PyYAML-6.egg-info": "Name: PyYAML\nVersion: 6\n",
    }) == {}  # fmt: skip


def test_conda_owns_what_it_installed() -> None:
    record = '{{"name": "{}", "version": "{}"}}'
    site = "opt/conda/lib/python3.12/site-packages"
    assert owners({
        "opt/conda/conda-meta/typing_extensions.json": record.format("typing_extensions", "4.1"),
        "opt/conda/conda-meta/numpy.json": record.format("numpy", "1.26"),
        "opt/conda/conda-meta/r-dplyr.json": record.format("r-dplyr", "1.1.0"),
        "opt/conda/conda-meta/r-mass.json": record.format("r-mass", "7.3_58"),
        f"{site}/typing_extensions-4.1.dist-info/METADATA": "Name: typing-extensions\nVersion: 4.1\n",
        f"{site}/numpy-2.1.dist-info/METADATA": "Name: numpy\nVersion: 2.1\n",
        "opt/conda/lib/R/library/dplyr/DESCRIPTION": DESCRIPTION,
        "opt/conda/lib/R/library/MASS/DESCRIPTION":
            DESCRIPTION.replace("dplyr", "MASS").replace("1.1.0", "7.3-58"),
    }) == {
        "pip:typing-extensions": "conda:typing-extensions",
        "R:dplyr": "conda:r-dplyr",
        "R:MASS": "conda:r-mass",
    }  # fmt: skip


def test_an_image_without_databases_says_so() -> None:
    assert contents_of({}).unread == (NO_SYSTEM,)
    rpm = read_contents(inspection({}, noticed=("var/lib/rpm/rpmdb.sqlite",)), image="image")
    assert rpm.unread == ("The package database /var/lib/rpm/rpmdb.sqlite is of a kind that is not read.", NO_SYSTEM)
    assert contents_of({"lib/apk/db/installed": APK}).unread == ()


@pytest.mark.parametrize("files", [{}, {"var/lib/dpkg/info/x.list": ""}, {"var/lib/dpkg/status": ""}])
def test_what_is_left_is_read_where_dpkg_was_removed(files: dict[str, str]) -> None:
    contents = contents_of({**files, f"{SITE}/x-1.dist-info/METADATA": "Name: x\nVersion: 1\n"})
    assert [(one.ecosystem, one.name) for one in contents.packages] == [(Ecosystem.PIP, "x")]
    assert contents.unread == (NO_SYSTEM,)
    text = render_contents(DescribedImage(contents=contents))
    assert "  1 pip package; no kernels\n" in text
    assert text.endswith(f"  {NO_SYSTEM}")


def test_what_is_too_large_is_a_problem_and_the_folder_says_the_rest() -> None:
    path = f"{SITE}/big-3.2.dist-info/METADATA"
    contents = read_contents(inspection(FILES, refused={path: 52_400_000}), image="image")
    assert contents.problems == (
        f"/{path} was not read: it has 52.4 MB, and the limit is 32 MB for a file and 256 MB for all.",
    )
    assert ("big", "3.2") in {(one.name, one.version) for one in contents.packages}


def test_many_problems_are_counted() -> None:
    contents = contents_of({f"{SITE}/p{n:03}-1.dist-info/METADATA": "" for n in range(250)})
    assert len(contents.packages) == 250
    assert len(contents.problems) == 101
    assert contents.problems[-1] == "There are 150 more problems."


def test_names_that_a_table_would_break_at_stay_in_their_cells() -> None:
    """Of a file and of a package, in each ecosystem: with a line feed, a tab and a bar."""
    name, escaped = "a\\nb\\t|c", "a b |c"
    odd = "x\ny\t|z"
    contents = contents_of({
        "var/lib/dpkg/status": "Package: a|b\nStatus: install ok installed\nVersion: 1|2\n",
        f"opt/{odd}/conda-meta/a.json": f'{{"name": "{name}", "version": "1"}}',
        f"usr/lib/R/library/{odd}/DESCRIPTION": "Package: a|b\nVersion: 1\nBuilt: R 4\n",
        f"opt/{odd}/lib/node_modules/a/package.json": f'{{"name": "{name}", "version": "1"}}',
        f"opt/{odd}/share/jupyter/labextensions/a/package.json": f'{{"name": "{name}", "version": "1"}}',
        f"opt/{odd}/share/jupyter/kernels/{odd}/kernel.json": f'{{"display_name": "{name}", "language": "R"}}',
    })  # fmt: skip
    assert {(one.ecosystem.value, one.name) for one in contents.packages} == {
        ("apt", "a|b"), ("conda", escaped), ("R", "a|b"), ("npm", escaped), ("lab extension", escaped),
    }  # fmt: skip
    assert {one.location for one in contents.packages} == {"", "/opt/x\\ny\\t|z", "/usr/lib/R/library"}
    image = DescribedImage(contents=contents)
    assert rows_of(render_contents_page(image, "x.json")) == 5 + len(contents.kernels) + 1
    lines = render_contents(image).splitlines()
    assert sum(escaped in line or "a|b" in line for line in lines) == 5 + len(contents.kernels)


def test_odd_names_are_escaped() -> None:
    site = f"opt/a\nb\udcff|\t{SITE[8:]}"
    contents = contents_of({f"{site}/x-1.dist-info/METADATA": "Name: x\x1b[31m\nVersion: 1\x00\n"})
    assert [(one.name, one.version, one.location) for one in contents.packages] == [
        ("x [31m", "1", "/opt/a\\nb\\xff|\\t"),
    ]  # fmt: skip
    assert msgspec.json.encode(contents)


PATHS = (
    "etc/os-release", "etc/debian_version", "var/lib/dpkg/status", "var/lib/dpkg/status.d/x", "lib/apk/db/installed",
    f"{SITE}/a-1.dist-info/METADATA", f"{SITE}/a-1.dist-info/RECORD", f"{SITE}/a-1.dist-info/direct_url.json",
    f"{SITE}/a.egg-info", f"{SITE}/a.egg-link", "opt/conda/conda-meta/a.json", "usr/lib/R/library/a/DESCRIPTION",
    "usr/lib/node_modules/a/package.json", "opt/v/share/jupyter/labextensions/a/package.json",
    "opt/v/share/jupyter/labextensions/a/install.json", "opt/v/share/jupyter/kernels/a/kernel.json",
    "opt/environments/v1.10/Manifest.toml", "opt/packages/A/abcde/Project.toml", "opt/include/julia/julia_version.h",
    "opt/venv/pyvenv.cfg", "usr/include/python3.11/patchlevel.h", "usr/local/cuda-12/version.json",
    f"{SITE}/torch/version.py", f"{SITE}/tensorflow/python/platform/build_info.py", "opt/spark/RELEASE",
    "opt/jdk/release", "usr/include/node/node_version.h",
)  # fmt: skip
# Pieces of all formats, so that arbitrary bytes come further than the first line.
PIECES = st.sampled_from([
    b"Package: a\n", b"Name: a\n", b"Version: 1\n", b"Status: install ok installed\n", b"P:a\n", b"V:1\n", b"\n",
    b" x\n", b"Built: R 4\n", b"Installed-Size: 99999999999999999999\n", b"Installed-Size: \xc2\xb2\n",
    b"License: \xff\n", b"\xef\xbb\xbf", b'{"name": "a", "version": "1", ', b'"license": {"type": []}}',
    b'"paths_data": {"paths": [{"size_in_bytes": -1}]}}', b'"name": null}', b'{"name": "\\ud800", "version": "1"}',
    b"[[deps.A]]\n", b'version = "1"\npath = ""\n', b"a,b,12\n", b"," + b"9" * 5000, b"manifest_format = 2\n",
    b"/opt/x\n", b"\x00", b"version = 3.11.2\n", b'JAVA_VERSION="1"\n',
])  # fmt: skip
BYTES = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=12).map(b"".join))


@settings(deadline=None)  # other processes may need the cores
@given(st.dictionaries(st.sampled_from(PATHS), BYTES, max_size=6))
def test_no_bytes_are_an_error(files: dict[str, bytes]) -> None:
    assert msgspec.json.decode(msgspec.json.encode(contents_of(files)), type=Contents) == contents_of(files)


@pytest.mark.parametrize("data", [b"", b"[" * 200_000, b'{"name": ' * 100_000, b"x = " + b"[" * 20_000])
def test_no_nesting_is_an_error(data: bytes) -> None:
    contents = contents_of(dict.fromkeys(PATHS, data))
    # METADATA is empty of names, so the folder's name is taken.
    assert {one.name for one in contents.packages} == {"a"}


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=()), min_size=1, max_size=12)


@settings(deadline=None)
@given(NAMES, st.sampled_from(PATHS), BYTES)
def test_no_name_is_an_error(name: str, path: str, data: bytes) -> None:
    odd = path.replace("/a", f"/{name}", 1).replace("opt", name, 1)
    assert msgspec.json.encode(contents_of({odd: data}))


@pytest.mark.parametrize("path", PATHS)
def test_each_file_has_one_reader(path: str) -> None:
    assert len([one for one in DATABASES if matcher(one.pattern).fullmatch(path)]) == 1


def test_reading_is_quick_for_an_image_full_of_databases() -> None:
    """Linear in what is there: seconds would be minutes if it were not."""
    value = "Name: a\nVersion: 1\nLicense: x\n" + " y\n" * 1_000_000 + "\n" * 1_000_000 + " " * 1_000_000
    files = {f"{SITE}/a-1.dist-info/METADATA": value, "var/lib/dpkg/status": value, "lib/apk/db/installed": value}
    found = Inspection(
        files={path: text.encode() for path, text in files.items()}, refused={}, noticed=(), config=ImageConfig(),
        platform="linux/amd64", size=0, entries=0,
    )  # fmt: skip
    assert [one.ecosystem for one in read_contents(found, image="image").packages] == [Ecosystem.PIP]
