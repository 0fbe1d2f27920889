"""How large images are: each as a bar cut into layers, and what changed against the stable tag."""

from collections.abc import Sequence
from typing import NamedTuple

from ci import units
from ci.results import Baseline, ImageReport, Layer, RunReport
from ci.texts import shorten

_INSTRUCTION_SHOWN = 80


class Segment(NamedTuple):
    """One layer of a bar. `width` is percent of the largest image."""

    look: str
    width: str
    title: str


class LayerLine(NamedTuple):
    """A layer as a line of the table."""

    instruction: str
    image: str
    files: str
    compressed: str


class SizeRow(NamedTuple):
    """One image: how large it is in words, and of what (`to download` or `of files`)."""

    name: str
    size: str
    measure: str
    segments: Sequence[Segment]
    layers: Sequence[LayerLine]


class Change(NamedTuple):
    """One image against the stable tag, in words. `download` is what somebody downloads who has the stable image."""

    name: str
    now: str
    then: str
    change: str
    trend: str
    shared: str
    download: str


def size_rows(report: RunReport) -> Sequence[SizeRow]:
    """Return the bars of the images whose sizes are known, all on one scale."""
    sized = [(image, *_pieces(image)) for image in report.images]
    largest = max((sum(piece[1] for piece in pieces) for _, pieces, _ in sized), default=0)
    return [
        SizeRow(
            name=image.name,
            size=units.size(sum(size for _, size, _ in pieces)),
            measure=measure,
            segments=[
                Segment(look, f"{100 * size / largest:.2f}", f"{what}, {units.size(size)}")
                for look, size, what in pieces
                if size
            ],
            layers=[_line(layer) for layer in image.layers],
        )
        for image, pieces, measure in sized
        if largest and pieces
    ]


def _pieces(image: ImageReport) -> tuple[Sequence[tuple[str, int, str]], str]:
    """Return the pieces of an image, each with its look, bytes and name, and what the bytes are of."""
    compressed = [layer.compressed_size for layer in image.layers]
    if image.layers and None not in compressed:
        return [
            (_look(layer, image), layer.compressed_size or 0, _name(layer)) for layer in image.layers
        ], "to download"
    if image.layers:
        return [(_look(layer, image), layer.size, _name(layer)) for layer in image.layers], "of files"
    if image.blobs:
        return [("layer", blob.size, f"layer {number}") for number, blob in enumerate(image.blobs, 1)], "to download"
    return ([("layer", image.size, "all files")], "of files") if image.size else ((), "")


def _look(layer: Layer, image: ImageReport) -> str:
    if layer.image is None:
        return "foreign"
    return "own" if layer.image == image.name else "parents"


def _name(layer: Layer) -> str:
    return shorten(" ".join(layer.instruction.split()), _INSTRUCTION_SHOWN)


def _line(layer: Layer) -> LayerLine:
    origin = layer.image or "base image"
    return LayerLine(_name(layer), origin, units.size(layer.size), units.size(layer.compressed_size))


def changes(report: RunReport, baseline: Baseline) -> Sequence[Change]:
    """Return the images that are in the registry against those of the stable tag, what grew most first."""
    known = [image for image in report.images if image.blobs]
    return [_change(image, baseline) for image in sorted(known, key=lambda image: -_growth(image, baseline))]


def _growth(image: ImageReport, baseline: Baseline) -> int:
    return _total(image) - sum(blob.size for blob in baseline.images.get(image.name, ()))


def _total(image: ImageReport) -> int:
    return sum(blob.size for blob in image.blobs)


def _change(image: ImageReport, baseline: Baseline) -> Change:
    stable = baseline.images.get(image.name)
    now = units.size(_total(image))
    if stable is None:
        return Change(image.name, now, "-", "", "new", "-", now)
    digests = {blob.digest for blob in stable}
    missing = [blob for blob in image.blobs if blob.digest not in digests]
    growth = _growth(image, baseline)
    return Change(
        name=image.name,
        now=now,
        then=units.size(sum(blob.size for blob in stable)),
        change=f"{'+' if growth > 0 else '-'}{units.size(abs(growth))}" if growth else "",
        trend="grew" if growth > 0 else "shrank" if growth else "same size",
        shared=f"{len(image.blobs) - len(missing)} of {len(image.blobs)}",
        download=units.size(sum(blob.size for blob in missing)) if missing else "nothing",
    )
