from pathlib import Path

import msgspec
import pytest

from ci.contents.model import ImageConfig, System
from ci.reports.contents import DescribedImage, packaged_size, render_contents, render_package_table
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


def test_which_images_have_a_package() -> None:
    images = {
        "base": contents("base", package("pip:torch=2.14.0", location="/opt/venv")),
        "ml": contents("ml", package("pip:torch=2.15.0", location="/opt/venv"), package("R:torch=0.13")),
    }
    assert render_package_table("torch*", images).splitlines() == [
        "package    from    in         base    ml",
        "---------  ------  ---------  ------  ------",
        "torch      pip     /opt/venv  2.14.0  2.15.0",
        "torch      R                          0.13",
    ]
    assert render_package_table("troch", images) == "No image has a package 'troch'. Similar names: torch."
    assert render_package_table("zzzz", images) == "No image has a package 'zzzz'."


def test_the_origin_of_what_is_not_listed_is_the_image() -> None:
    image = msgspec.structs.replace(R_NOTEBOOK, origins={})
    assert image.own == R_NOTEBOOK.contents.packages
