"""The sections in which the difference of an image is shown: the same rows on a terminal and in Markdown."""

from collections.abc import Sequence

import msgspec

from ci import units
from ci.contents.difference import (
    Attributed,
    Change,
    ConfigChange,
    ImageDifference,
    LayerChange,
    LayerState,
    PackageChange,
)
from ci.reports.lines import one_line

_SHOWN_FROM = 10**6
"""Bytes: smaller changes of a package's size would fill the table with noise."""
_INSTRUCTION_SHOWN = 80
_PACKAGES = (
    (Change.REMOVED, "removed"),
    (Change.DOWN, "lower"),
    (Change.ADDED, "added"),
    (Change.UP, "higher"),
    (Change.CHANGED, "another version, of unknown order"),
    (Change.REBUILT, "rebuilt"),
)
_FIRST = (Change.REMOVED, Change.DOWN)
"""What breaks classes comes before the key versions."""
_HIDDEN = "a value that looks like a credential is not shown"


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One section. `foreign` says of each column whether its texts come from an image; `folded`: few want to see it."""

    title: str
    headers: tuple[str, ...]
    foreign: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False


def sections(image: ImageDifference) -> Sequence[Section]:
    """Return the sections of an image that have anything to show: removed and lower packages first.

    Of an image that is gone there is none: that it is gone says everything.
    """
    if image.new is None:
        return ()
    by_kind = {kind: _packages(image, kind, title) for kind, title in _PACKAGES}
    found = [
        *(by_kind[kind] for kind in _FIRST),
        _versions(image),
        *(section for kind, section in by_kind.items() if kind not in _FIRST),
        _kernels(image),
        _config(image),
        _layers(image),
    ]
    return [section for section in found if section.rows]


def _packages(image: ImageDifference, kind: Change, title: str) -> Section:
    changes = [change for change in image.packages if change.change is kind]
    # The largest changes first; small ones stay in the order of their names.
    changes.sort(key=lambda change: -_shown_size(change))
    return Section(
        title=title if kind is not Change.REBUILT else f"{title}: {len(changes)}",
        headers=("from", "package", "in", "old", "new", "size:", ""),
        foreign=(False, True, True, True, True, False, False),
        rows=tuple(
            (
                change.ecosystem.value,
                change.name,
                change.location,
                change.old or "",
                change.new or "",
                units.size_change(change.size_change or 0) if _shown_size(change) else "",
                _reach(change, _moved(change)),
            )
            for change in changes
        ),
        folded=kind is Change.REBUILT,
    )


def _shown_size(change: PackageChange) -> int:
    size = abs(change.size_change or 0)
    return size if size >= _SHOWN_FROM else 0


def _moved(change: PackageChange) -> str:
    """Say how many packages changed with this one; their names come from the image, and are in the JSON."""
    number = len(change.moved)
    return f"with {units.number(number, 'package')} of its own" if number else ""


def _reach(change: Attributed, more: str = "") -> str:
    number = len(change.also_in)
    also = f"also in {units.number(number, 'image')}" if number else ""
    return ", ".join(part for part in (more, also) if part)


def _versions(image: ImageDifference) -> Section:
    return Section(
        title="key versions",
        headers=("", "old", "new", "", ""),
        foreign=(True, True, True, False, False),
        rows=tuple(
            (change.name, change.old or "", change.new or "", _direction(change.change), _reach(change))
            for change in image.versions
        ),
    )


def _direction(change: Change) -> str:
    return {Change.UP: "higher", Change.DOWN: "lower", Change.CHANGED: "", Change.REBUILT: ""}.get(change, change.value)


def _kernels(image: ImageDifference) -> Section:
    return Section(
        title="kernels",
        headers=("", "kernel", "in", "old", "new", ""),
        foreign=(False, True, True, True, True, False),
        rows=tuple(
            (one.change.value, one.name, one.location, one.old or "", one.new or "", _reach(one))
            for one in image.kernels
        ),
    )


def _config(image: ImageDifference) -> Section:
    return Section(
        title="settings",
        headers=("setting", "name", "old", "new", ""),
        foreign=(False, True, True, True, False),
        rows=tuple(
            (one.setting.value, one.name, one.old or "", one.new or "", _reach(one, _what_changed(one)))
            for one in image.config
        ),
    )


def _what_changed(change: ConfigChange) -> str:
    if change.hidden:
        return f"{change.change}: {_HIDDEN}"
    return "" if change.change is Change.CHANGED else change.change.value


def _layers(image: ImageDifference) -> Section:
    changed = [layer for layer in image.layers if layer.state not in {LayerState.SAME, LayerState.UNKNOWN}]
    same = sum(layer.state is LayerState.SAME for layer in image.layers)
    return Section(
        title=f"layers ({same} of {sum(layer.new is not None for layer in image.layers)} are the same)",
        headers=("layer", "instruction", "size:"),
        foreign=(False, True, False),
        rows=tuple(
            (_state(layer), one_line(layer.instruction, _INSTRUCTION_SHOWN), _layer_size(layer)) for layer in changed
        ),
    )


def _state(layer: LayerChange) -> str:
    if layer.state is not LayerState.CHANGED or layer.old_size is None or layer.new_size is None:
        return layer.state.value
    if units.size(layer.old_size) == units.size(layer.new_size):
        return layer.state.value
    return "grew" if layer.new_size > layer.old_size else "shrank"


def _layer_size(layer: LayerChange) -> str:
    if layer.state is LayerState.CHANGED and units.size(layer.old_size) != units.size(layer.new_size):
        return f"{units.size(layer.old_size)} -> {units.size(layer.new_size)}"
    return units.size(layer.old_size if layer.state is LayerState.GONE else layer.new_size)
