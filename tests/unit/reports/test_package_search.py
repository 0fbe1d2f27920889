from ci.contents.finding import search_packages
from ci.reports.package_search import render_package_search
from tests.unit.contents.samples import contents, package

IMAGES = {
    "base": contents("base", package("pip:torch=2.14.0", location="/opt/venv")),
    "ml": contents("ml", package("pip:torch=2.15.0", location="/opt/venv"), package("R:torch=0.13")),
}


def test_each_image_is_a_column() -> None:
    assert render_package_search(search_packages("torch*", IMAGES)).splitlines() == [
        "package    from    in         base    ml",
        "---------  ------  ---------  ------  ------",
        "torch      pip     /opt/venv  2.14.0  2.15.0",
        "torch      R                          0.13",
    ]


def test_of_many_images_each_version_is_a_row() -> None:
    images = {f"image-{number}": IMAGES["ml" if number == 3 else "base"] for number in range(7)}
    lines = render_package_search(search_packages("TORCH", images)).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["package", "---------", "torch", "torch", "torch"]
    assert lines[2].endswith("2.14.0     image-0, image-1, image-2, image-4, image-5, image-6")
    assert lines[3].endswith("2.15.0     image-3")


def test_without_a_hit_it_says_what_was_searched_and_what_is_similar() -> None:
    def said(pattern: str, *names: str) -> str:
        return render_package_search(search_packages(pattern, {name: IMAGES[name] for name in names}))

    assert said("troch", "base", "ml") == "No image has a package 'troch'. Similar names: torch. Searched: base, ml."
    assert said("zzzz", "base") == "base has no package 'zzzz'."


def test_what_an_image_calls_a_package_stays_on_its_line() -> None:
    odd = {"base": contents("base", package("npm:a=1|2", location="/opt/x\ny\t|\x1b[31m"))}
    assert len(render_package_search(search_packages("*", odd)).splitlines()) == 3
