"""What changed among the layers of one image, and how much a download takes."""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from ci.contents.difference import LayerChange, LayerState
from ci.contents.model import DescribedLayer


def layer_changes(old: Sequence[DescribedLayer], new: Sequence[DescribedLayer]) -> tuple[LayerChange, ...]:
    """Match layers by digest, then in their order by instruction; return the new ones, then those that are gone."""
    unmatched = list(old)
    pairs: list[DescribedLayer | None] = []
    for layer in new:
        match = next((one for one in unmatched if layer.digest and one.digest == layer.digest), None)
        if match is not None:
            unmatched.remove(match)
        pairs.append(match)
    by_instruction: dict[tuple[str | None, str], deque[DescribedLayer]] = defaultdict(deque)
    for layer in unmatched:
        by_instruction[layer.image, layer.instruction].append(layer)
    changes = []
    for layer, match in zip(new, pairs, strict=True):
        same = by_instruction[layer.image, layer.instruction]
        changes.append(_change(match or (same.popleft() if same else None), layer))
    gone = {id(layer) for several in by_instruction.values() for layer in several}
    return (*changes, *(_change(layer, None) for layer in unmatched if id(layer) in gone))


def _change(old: DescribedLayer | None, new: DescribedLayer | None) -> LayerChange:
    shown = new or old
    if shown is None:
        raise ValueError("No layer to compare.")
    return LayerChange(
        state=_state(old, new),
        instruction=shown.instruction,
        image=shown.image,
        old=(old.digest or None) if old else None,
        new=(new.digest or None) if new else None,
        old_size=old.compressed_size if old else None,
        new_size=new.compressed_size if new else None,
    )


def _state(old: DescribedLayer | None, new: DescribedLayer | None) -> LayerState:
    if old is None:
        return LayerState.NEW
    if new is None:
        return LayerState.GONE
    # An image that was built and not uploaded has layers without a digest.
    if not old.digest or not new.digest:
        return LayerState.UNKNOWN
    return LayerState.SAME if old.digest == new.digest else LayerState.CHANGED


def download_size(old: Sequence[DescribedLayer], new: Sequence[DescribedLayer]) -> int | None:
    """Return the bytes of the layers of `new` that `old` lacks, each once; None if one of these is unknown."""
    sizes = dict(_missing(old, new))
    if not new or None in sizes.values() or "" in sizes:
        return None
    return sum(size or 0 for size in sizes.values())


def _missing(old: Sequence[DescribedLayer], new: Sequence[DescribedLayer]) -> Iterator[tuple[str, int | None]]:
    there = {layer.digest for layer in old if layer.digest}
    yield from ((layer.digest, layer.compressed_size) for layer in new if layer.digest not in there)
