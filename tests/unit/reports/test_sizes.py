"""Sizes by layer, and what changed against what is stable."""

from msgspec.structs import replace

from ci.reports.sizes import Change, changes, size_rows
from ci.results import Baseline, Blob
from tests.unit.reports import runs

BASELINE = runs.RED.baseline or Baseline(tag="")


def test_bars_are_cut_into_layers_on_one_scale() -> None:
    base, data = size_rows(runs.RED)
    assert (base.size, base.measure) == ("322 MB", "to download")
    assert [(one.look, one.width) for one in data.segments] == [
        ("foreign", "4.81"), ("parents", "17.87"), ("parents", "32.65"), ("parents", "0.00"), ("own", "44.67"),
    ]  # fmt: skip
    assert [one.look for one in base.segments] == ["foreign", "own", "own", "own"]
    assert base.segments[1].title == "RUN apt-get update && apt-get install --yes curl git tini, 104 MB"


def test_without_a_registry_the_files_are_measured() -> None:
    image = runs.RED.images[0]
    layers = tuple(replace(layer, compressed_size=None, digests=()) for layer in image.layers)
    report = replace(runs.RED, images=(replace(image, layers=layers, blobs=()),))
    (row,) = size_rows(report)
    assert (row.size, row.measure) == ("1.0 GB", "of files")
    assert [line.compressed for line in row.layers] == ["-"] * 4
    assert changes(report, BASELINE) == []


def test_a_reused_image_has_the_layers_of_the_registry() -> None:
    image = replace(runs.RED.images[0], layers=())
    (row,) = size_rows(replace(runs.RED, images=(image,)))
    assert [one.look for one in row.segments] == ["layer"] * 4
    assert row.size == "322 MB"


def test_what_grew_comes_first_and_equal_layers_are_not_downloaded() -> None:
    grown, shrunk = changes(runs.RED, BASELINE)
    assert grown == Change("base-notebook", "322 MB", "303 MB", "+19 MB", "grew", "2 of 4", "190 MB")
    assert shrunk == Change("datascience", "582 MB", "783 MB", "-201 MB", "shrank", "2 of 5", "450 MB")


def test_an_image_that_is_not_stable_yet_is_new_and_an_equal_one_is_not_downloaded() -> None:
    same = Baseline(tag="2026.4-stable", images={"datascience": runs.RED.images[1].blobs})
    new, equal = changes(runs.RED, same)
    assert (new.name, new.trend, new.download) == ("base-notebook", "new", "322 MB")
    assert (equal.change, equal.trend, equal.shared, equal.download) == ("", "same size", "5 of 5", "nothing")


def test_other_layers_of_the_same_size_are_downloaded() -> None:
    blobs = tuple(Blob(digest=runs.digest(800 + n), size=one.size) for n, one in enumerate(runs.RED.images[1].blobs))
    baseline = Baseline(tag="2026.4-stable", images={"datascience": blobs})
    change = next(one for one in changes(runs.RED, baseline) if one.name == "datascience")
    assert (change.trend, change.shared, change.download) == ("same size", "0 of 5", "582 MB")
