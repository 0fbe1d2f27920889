"""Python's databases of installed packages: https://packaging.python.org/en/latest/specifications/."""

import pytest

from ci.contents.model import Ecosystem, Package
from tests.unit.contents.images import contents_of, packages_of

SITE = "opt/venv/lib/python3.11/site-packages"
METADATA = """\
Metadata-Version: 2.1
Name: Otter_Grader
Version: 7.0.0
License: BSD-3-Clause
Classifier: License :: OSI Approved :: BSD License

Name: in the description
"""
RECORD = """\
otter/__init__.py,sha256=aaa,1200
"otter/a,b.py",sha256=bbb,34
otter/__pycache__/__init__.cpython-311.pyc,,
otter_grader-7.0.0.dist-info/RECORD,,
"""
OTTER = Package(
    ecosystem=Ecosystem.PIP, name="Otter_Grader", version="7.0.0", location="/opt/venv", size=1234,
    license="BSD-3-Clause",
)  # fmt: skip


def metadata(name: str, version: str, more: str = "") -> str:
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{more}\n"


def test_every_field_is_read() -> None:
    folder = f"{SITE}/otter_grader-7.0.0.dist-info"
    files = {f"{folder}/METADATA": METADATA, f"{folder}/RECORD": RECORD}
    assert packages_of(files) == (OTTER,)
    url = '{"url": "https://github.com/ucbds-infra/otter-grader", "vcs_info": {"vcs": "git", "commit_id": "c"}}'
    (package,) = packages_of({**files, f"{folder}/direct_url.json": url})
    assert package.source == "https://github.com/ucbds-infra/otter-grader"


@pytest.mark.parametrize("record", ["", "a,sha256=x,\n", f"a,sha256=x,{'9' * 5000}\n", "a,sha256=x,-5\n"])
def test_a_record_may_have_no_sizes(record: str) -> None:
    folder = f"{SITE}/a-1.dist-info"
    (package,) = packages_of({f"{folder}/METADATA": metadata("a", "1"), f"{folder}/RECORD": record})
    assert package.size is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: x\n", "MIT OR Apache-2.0"),
        ("License: BSD\n        Copyright (c) all of them\n", "BSD"),
        ("Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: Public Domain\n",
         "MIT License, Public Domain"),
        ("License: " + "x" * 100 + "\n", "x" * 80),
        ("", ""),
    ],
)  # fmt: skip
def test_a_license_is_a_line(more: str, said: str) -> None:
    (package,) = packages_of({f"{SITE}/a-1.dist-info/METADATA": metadata("a", "1", more)})
    assert package.license == said


def test_each_environment_has_its_own_version() -> None:
    sites = {
        "opt/venv/lib/python3.11/site-packages": "/opt/venv",
        "opt/conda/envs/old/lib/python3.9/site-packages": "/opt/conda/envs/old",
        "usr/lib/python3/dist-packages": "/usr",
        "usr/local/lib/python3.11/dist-packages": "/usr/local",
        "home/jovyan/.local/lib/python3.11/site-packages": "/home/jovyan/.local",
        "srv/app/site-packages": "/srv/app/site-packages",
    }
    files = {f"{site}/numpy-{n}.dist-info/METADATA": metadata("numpy", f"{n}") for n, site in enumerate(sites)}
    found = {package.location: package.version for package in packages_of(files)}
    assert found == {location: f"{n}" for n, location in enumerate(sites.values())}


def test_two_pythons_of_one_prefix_are_told_apart() -> None:
    files = {
        f"usr/local/lib/python3.{n}/site-packages/pip-2{n}.dist-info/METADATA": metadata("pip", f"2{n}")
        for n in (9, 12)
    }
    files["usr/local/lib64/python3.9/site-packages/x-1.dist-info/METADATA"] = metadata("x", "1")
    assert {(one.name, one.location) for one in packages_of(files)} == {
        ("pip", "/usr/local/lib/python3.12"),
        ("pip", "/usr/local/lib/python3.9"),
        ("x", "/usr/local/lib/python3.9"),
    }


def test_copies_inside_of_packages_and_caches_are_passed_over() -> None:
    assert packages_of({
        f"{SITE}/setuptools/_vendor/wheel-0.45.dist-info/METADATA": metadata("wheel", "0.45"),
        f"{SITE}/pkg/site-packages/copy-1.dist-info/METADATA": metadata("copy", "1"),
        "opt/conda/pkgs/numpy-2.1-0/lib/python3.11/site-packages/numpy-2.1.dist-info/METADATA": metadata("n", "2"),
        "root/.cache/uv/x/lib/python3.11/site-packages/numpy-2.1.dist-info/METADATA": metadata("n", "2"),
        "srv/checkout/src/thing.egg-info/PKG-INFO": metadata("thing", "1"),
        f"{SITE}/pkg/site-packages/thing.egg-link": "/srv/checkout/src\n",
    }) == ()  # fmt: skip


def test_old_formats() -> None:
    files = {
        f"{SITE}/folder.egg-info/PKG-INFO": metadata("folder", "1"),
        f"{SITE}/single-2.0.egg-info": metadata("single", "2.0"),
        f"{SITE}/egg-3.0-py3.11.egg/EGG-INFO/PKG-INFO": metadata("egg", "3.0"),
        f"{SITE}/linked.egg-link": "/srv/work/linked/src\n../\n",
        "srv/work/linked/src/linked.egg-info/PKG-INFO": metadata("linked", "4.0.dev1"),
    }
    found = {one.name: (one.version, one.location, one.source) for one in packages_of(files)}
    assert found == {
        "folder": ("1", "/opt/venv", ""),
        "single": ("2.0", "/opt/venv", ""),
        "egg": ("3.0", "/opt/venv", ""),
        "linked": ("4.0.dev1", "/opt/venv", "file:///srv/work/linked/src"),
    }


def test_editable_packages_say_where_they_are() -> None:
    folder = f"{SITE}/mine-0.1.dist-info"
    url = '{"dir_info": {"editable": true}, "url": "file:///home/jovyan/mine"}'
    (package,) = packages_of({f"{folder}/METADATA": metadata("mine", "0.1"), f"{folder}/direct_url.json": url})
    assert package.source == "file:///home/jovyan/mine"


def test_a_package_installed_twice_has_a_row_for_each_version() -> None:
    files = {
        f"{SITE}/numpy-1.26.0.dist-info/METADATA": metadata("numpy", "1.26.0"),
        f"{SITE}/numpy-2.1.0.dist-info/METADATA": metadata("NumPy", "2.1.0"),
        f"{SITE}/attrs-1.dist-info/METADATA": metadata("attrs", "1"),
        f"{SITE}/attrs.egg-info/PKG-INFO": metadata("attrs", "1"),
    }
    contents = contents_of(files)
    assert [(one.name, one.version) for one in contents.packages] == [
        ("NumPy", "2.1.0"), ("attrs", "1"), ("numpy", "1.26.0"),
    ]  # fmt: skip
    assert contents.problems == (
        f"attrs is installed 2 times in /{SITE}: 1.",
        f"numpy is installed 2 times in /{SITE}: 1.26.0, 2.1.0.",
    )


def test_broken_metadata_is_a_problem_and_the_folder_says_the_rest() -> None:
    contents = contents_of({
        f"{SITE}/a-1.0.dist-info/METADATA": "Name: a\n",
        f"{SITE}/b-2.0.dist-info/METADATA": b"Name: b\nVersion: 2.0\nAuthor: Andr\xe9\n",
        f"{SITE}/c-3.0.dist-info/RECORD": RECORD,
        f"{SITE}/d.egg-link": "/nowhere\n.",
        f"{SITE}/e-5.dist-info/METADATA": metadata("e", "5"),
        f"{SITE}/e-5.dist-info/direct_url.json": '{"url": ',
        f"{SITE}/f\n|-6.dist-info/METADATA": "",
    })  # fmt: skip
    assert [(one.name, one.version) for one in contents.packages] == [
        ("a", "1.0"), ("b", "2.0"), ("e", "5"), ("f\\n|", "6"),
    ]  # fmt: skip
    assert contents.problems == (
        f"/{SITE}/a-1.0.dist-info/METADATA has no version.",
        f"/{SITE}/b-2.0.dist-info/METADATA is not UTF-8.",
        f"/{SITE}/c-3.0.dist-info has no METADATA.",
        f"/{SITE}/d.egg-link links to /nowhere, where no package is described.",
        f"/{SITE}/e-5.dist-info/direct_url.json cannot be read: Input data was truncated.",
        f"/{SITE}/f\\n|-6.dist-info/METADATA has no name and version.",
    )
