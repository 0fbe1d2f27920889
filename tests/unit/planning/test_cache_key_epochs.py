from collections.abc import Mapping

import pytest

from ci.planning.cache_key import ImageKey, make_keys
from ci.stack.reader import read_stack
from tests.unit.planning.sample_keys import BASES, CI, FILES, KINDS, ON_BASE, PIPELINE, TOML, changed, files, keys
from tests.unit.trees import MemoryTree


def refreshed(epochs: Mapping[str, str], files: Mapping[str, str] = FILES) -> Mapping[str, ImageKey]:
    tree = MemoryTree(files, KINDS)
    stack = read_stack(tree)
    return make_keys(stack, tree, stack.images, BASES, PIPELINE, epochs=epochs)


@pytest.mark.parametrize(
    ("epochs", "names"),
    [
        pytest.param({"base": "1"}, ON_BASE, id="a parent's"),
        pytest.param({"fonts": "1"}, {"fonts", "ds"}, id="of what is copied from"),
        pytest.param({"other": "1"}, {"other"}, id="a leaf's"),
        pytest.param({"base": "", "nobody": "1"}, set(), id="none"),
    ],
)
def test_an_epoch_of_an_images_own_changes_its_key(epochs: dict[str, str], names: set[str]) -> None:
    assert changed(keys(), refreshed(epochs)) == names
    assert changed(keys(), refreshed(epochs), "tests_key") == set()
    assert changed(refreshed(epochs), refreshed(dict.fromkeys(epochs, "2"))) >= names


@pytest.mark.parametrize(
    ("stack", "own", "epoch"),
    [("", "", ""), ("2026", "", "2026"), ("", "May", "May"), ("2026", "May", "2026, May")],
)
def test_a_key_tells_its_epochs(stack: str, own: str, epoch: str) -> None:
    found = refreshed({"ds": own}, files(**{TOML: f'{CI}epoch = "{stack}"\n'}))
    assert (found["ds"].epoch, found["fonts"].epoch) == (epoch, stack)
