from pathlib import Path

import msgspec
import pytest

from ci.contents.model import ImageConfig, System
from ci.reports.contents import DescribedImage, counts, packaged_size, render_contents, render_overview
from ci.reports.contents_page import render_contents_page
from tests.unit.contents.samples import contents, kernel, layer, package
from tests.unit.reports.described import R_NOTEBOOK
from tests.unit.reports.markdown_shapes import HOSTILE, rows_of, shape

GOLDEN = Path(__file__).parent / "golden"


def test_the_text_is_as_it_was() -> None:
    assert f"{render_contents(R_NOTEBOOK)}\n" == (GOLDEN / "r-notebook.txt").read_text()


def test_the_page_is_as_it_was() -> None:
    assert render_contents_page(R_NOTEBOOK, "r-notebook.json") == (GOLDEN / "r-notebook.md").read_text()


def test_no_credential_is_shown() -> None:
    assert "hunter2" not in render_contents(R_NOTEBOOK) + render_contents_page(R_NOTEBOOK, "r-notebook.json")


def test_what_has_an_owner_is_counted_once() -> None:
    assert packaged_size(R_NOTEBOOK.contents) == 60_000_000 + 2_100_000


def test_more_packages_than_files_is_an_estimate_and_says_nothing() -> None:
    image = DescribedImage(contents=contents("base", package("apt:x=1", size=2 * 10**9), size=10**9))
    assert "not in any package" not in render_contents(image)


def test_an_image_of_nothing() -> None:
    image = DescribedImage(contents=contents("scratch", system=System(), unread=("no package database that is known",)))
    assert render_contents(image).splitlines() == [
        "scratch  sha256:scratch",
        "  1.0 GB of files, 400 MB to download",
        "  no packages; no kernels",
        "",
        "  not in any package: 1.0 GB",
        "  no package database that is known",
    ]


def test_the_page_of_an_image_that_is_nowhere_has_no_empty_line_for_its_place() -> None:
    page = render_contents_page(DescribedImage(contents=contents("base", digest="")), "base.json")
    assert page.splitlines()[2].startswith("- `1.0 GB of files")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_an_image_becomes_a_link_a_picture_or_html(text: str) -> None:
    def described(word: str) -> DescribedImage:
        return DescribedImage(
            contents=contents(
                "base", package(f"pip:{word}=1.0", location=word, license=word, owner=word),
                system=System(versions={word: word}), kernels=(kernel(word, word, word),),
                config=ImageConfig(user=word, environment={word: word}), layers=(layer(word, 1, word, word),),
                unread=(word,), problems=(word,),
            ),
            reference=word, notes=(word,),
        )  # fmt: skip

    page, plain = (render_contents_page(described(word), "x.json") for word in (text, "x"))
    assert shape(page) == shape(plain)
    assert len(render_contents(described(text)).splitlines()) == len(render_contents(described("x")).splitlines())


def test_every_package_is_a_row_of_the_page() -> None:
    found = [package(f"pip:p{number}=1", location="/opt/venv") for number in range(300)]
    one, many = (contents("base", *some) for some in (found[:1], found))
    pages = [render_contents_page(DescribedImage(contents=which), "x.json") for which in (one, many)]
    assert rows_of(pages[1]) - rows_of(pages[0]) == 299


def test_each_number_has_its_word() -> None:
    one = contents("base", package("apt:x=1"), package("lab extension:x=1"))
    two = contents("base", *one.packages, package("npm:y=1"), package("lab extension:y=1"))
    assert [counts(image.packages, image) for image in (one, two)] == [
        "1 apt package; 1 lab extension; no kernels",
        "1 npm, 1 apt packages; 2 lab extensions; no kernels",
    ]
    assert counts([package("lab extension:x=1")]) == "1 lab extension"
    assert counts([]) == ""
    text, page = render_contents(DescribedImage(contents=two)), render_contents_page(DescribedImage(contents=two), "")
    assert "\n  2 lab extensions\n" in text
    assert "\n  1 apt package\n" in text
    assert "\n## Brought by this image: 2 lab extensions\n" in page


def test_packages_are_in_the_order_of_a_dictionary() -> None:
    found = [package(f"pip:{name}=1") for name in ("PyYAML", "attrs", "Pygments", "pandas")]
    lines = render_contents(DescribedImage(contents=contents("base", *found))).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("    ")] == ["attrs", "pandas", "Pygments", "PyYAML"]


def test_key_versions_come_first_and_none_is_cut_off() -> None:
    versions = {f"Program{number}": "1.2.3" for number in range(30)}
    image = DescribedImage(contents=contents("base", system=System(os_name="Debian 12", versions=versions)))
    first, *lines = render_contents(image).splitlines()
    shown = " ".join(lines[: next(number for number, line in enumerate(lines) if "of files" in line)])
    assert [part.strip() for part in shown.split(",")] == ["Debian 12", *(f"{name} 1.2.3" for name in versions)]
    assert max(map(len, lines)) <= 120
    assert first == "base  sha256:base"


def test_several_images_are_summed_up_with_what_is_wrong_in_them() -> None:
    text = render_overview([R_NOTEBOOK, DescribedImage(contents=contents("ml", package("pip:torch=2")))])
    assert "  /opt/x/METADATA has no version\n" in text
    assert "  brought by this image: 1 R, 1 apt packages\n" in text
    assert "\n\nml  sha256:ml\n" in text
    assert "r-cran-dplyr" not in text
    assert text.splitlines()[-2].startswith("All packages, settings and layers of an image: describe --image NAME.")


def test_the_origin_of_what_is_not_listed_is_the_image() -> None:
    image = msgspec.structs.replace(R_NOTEBOOK, origins={})
    assert image.own == R_NOTEBOOK.contents.packages
