"""What `describe` and `diff` say of options that cannot be followed, before anything is built."""

import pytest

from ci.commands.describe import check_keep, tag_to_compare_with
from ci.commands.registry import NO_REGISTRY
from ci.errors import RequestError
from ci.publish.registry_state import RegistrySession
from ci.stack.reader import read_stack
from tests.unit.commands.samples import session
from tests.unit.trees import MemoryTree

FROM_DEBIAN = {"images/base/Dockerfile": "FROM debian:bookworm-slim\n"}
PLAIN = read_stack(MemoryTree(FROM_DEBIAN))
VERSIONED = read_stack(MemoryTree({**FROM_DEBIAN, "images/stack.toml": '[stack]\nversion = "2026.4"\n'}))
NO_VERSION = "No version is known: name a tag with --old, or set stack.version in stack.toml."


@pytest.mark.parametrize(
    ("stack", "registry", "old", "says"),
    [
        (PLAIN, None, "", [NO_REGISTRY, NO_VERSION]),
        (VERSIONED, None, "", [NO_REGISTRY]),
        (PLAIN, session(), "", [NO_VERSION]),
        (PLAIN, None, "2026.4-stable", [NO_REGISTRY]),
    ],
)
def test_what_a_comparison_lacks_is_said_at_once(
    stack: object, registry: RegistrySession | None, old: str, says: list[str]
) -> None:
    with pytest.raises(RequestError) as caught:
        tag_to_compare_with(stack, registry, old)  # type: ignore[arg-type]  # a row of the table above
    assert str(caught.value).splitlines() == ["There is no published stack to compare with.", *says]


def test_the_default_is_what_is_stable() -> None:
    assert tag_to_compare_with(VERSIONED, session()) == "2026.4-stable"
    assert tag_to_compare_with(VERSIONED, session(), "2026.3-stable") == "2026.3-stable"


def test_a_description_is_kept_only_of_what_is_published() -> None:
    with pytest.raises(RequestError, match="name their stack with --tag"):
        check_keep("", keep=True)
    check_keep("2026.4-stable", keep=True)
    check_keep("", keep=False)
