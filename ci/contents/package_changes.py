"""What changed among the packages of one image."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ci.contents.difference import Change, PackageChange
from ci.contents.model import Ecosystem, Package
from ci.contents.names import normalised
from ci.contents.versions import ascending, change_of

Key = tuple[Ecosystem, str, str]
"""Ecosystem, normalised name, and location without the minor version of Python."""
Places = Mapping[Key, tuple[Package, ...]]
"""The packages by place: more than one where a package is installed twice."""

SECTIONS = (Change.REMOVED, Change.DOWN, Change.ADDED, Change.UP, Change.CHANGED, Change.REBUILT)
"""The kinds of change in the order in which they are shown: what breaks classes comes first."""
_ECOSYSTEMS = tuple(Ecosystem)
_PYTHON = re.compile(r"python3\.\d+")


def location_key(location: str) -> str:
    """Return a location as it is compared: a newer Python is not another place for every package."""
    return _PYTHON.sub("python3", location)


def places(packages: Iterable[Package]) -> Places:
    """Return packages by the place where they are compared."""
    found: dict[Key, list[Package]] = defaultdict(list)
    for package in packages:
        key = (package.ecosystem, normalised(package.ecosystem, package.name), location_key(package.location))
        found[key].append(package)
    return {key: tuple(sorted(several, key=lambda one: (one.version, one.name))) for key, several in found.items()}


def package_changes(old: Places, new: Places) -> tuple[PackageChange, ...]:
    """Return the changes, at most one for each place. What changed with its owner is part of the owner's change."""
    changes: dict[Key, PackageChange] = {}
    for key in dict.fromkeys((*old, *new)):
        change = _compared(key[0], old.get(key, ()), new.get(key, ()))
        if change is not None:
            changes[key] = change
    owners = _changed_owners(changes, old, new)
    moved: dict[Key, list[str]] = defaultdict(list)
    for key, owner in owners.items():
        moved[owner].append(f"{key[0]}:{changes[key].name}")
    kept = (
        msgspec.structs.replace(change, moved=tuple(sorted(set(moved[key])))) if key in moved else change
        for key, change in changes.items()
        if key not in owners
    )
    return tuple(sorted(kept, key=_position))


def _position(change: PackageChange) -> tuple[int, int, str, str]:
    name = normalised(change.ecosystem, change.name)
    return (SECTIONS.index(change.change), _ECOSYSTEMS.index(change.ecosystem), name, change.location)


def _compared(ecosystem: Ecosystem, old: Sequence[Package], new: Sequence[Package]) -> PackageChange | None:
    """Compare the packages of one place, as sets: their order says nothing."""
    before, after = {(one.version, one.source) for one in old}, {(one.version, one.source) for one in new}
    if before == after:
        return None
    shown = (new or old)[-1]
    return PackageChange(
        ecosystem=ecosystem,
        name=shown.name,
        location=shown.location,
        change=_kind(ecosystem, {version for version, _ in before}, {version for version, _ in after}),
        old=_listed(ecosystem, old),
        new=_listed(ecosystem, new),
        size_change=_size_change(old, new),
    )


def _kind(ecosystem: Ecosystem, old: set[str], new: set[str]) -> Change:
    if not old:
        return Change.ADDED
    if not new:
        return Change.REMOVED
    if old == new:
        return Change.REBUILT
    gone, come = ascending(ecosystem, old - new), ascending(ecosystem, new - old)
    # One of several versions that went or came makes the package neither higher nor lower.
    return change_of(ecosystem, gone[-1], come[-1]) if gone and come else Change.CHANGED


def _listed(ecosystem: Ecosystem, packages: Sequence[Package]) -> str | None:
    return ", ".join(ascending(ecosystem, [one.version for one in packages])) or None


def _size_change(old: Sequence[Package], new: Sequence[Package]) -> int | None:
    before, after = [one.size for one in old], [one.size for one in new]
    if None in before or None in after:
        return None
    return sum(size or 0 for size in after) - sum(size or 0 for size in before)


def _changed_owners(changes: Mapping[Key, PackageChange], old: Places, new: Places) -> Mapping[Key, Key]:
    """Return, by the changed packages that changed with their owner, that owner: the last of a chain of owners."""
    by_name: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for key in dict.fromkeys((*old, *new)):
        by_name[key[0], normalised(Ecosystem.PIP, key[1])].append(key)
    direct: dict[Key, Key] = {}
    for key in changes:
        ecosystem, _, name = _owner(key, old, new).partition(":")
        if ecosystem in _ECOSYSTEMS:
            # conda's own name of typing-extensions is typing_extensions.
            candidates = by_name[ecosystem, normalised(Ecosystem.PIP, name)]
            owner = max(candidates, key=lambda one: _nearness(one, key), default=None)
            if owner is not None and owner in changes:
                direct[key] = owner
    return {key: last for key in direct if (last := _last(key, direct)) is not None}


def _owner(key: Key, old: Places, new: Places) -> str:
    """Return the owner that the packages of a place have on both sides; empty if there is none, or another one now."""
    owners = {one.owner for one in (*new.get(key, ()), *old.get(key, ()))}
    return owners.pop() if len(owners) == 1 else ""


def _nearness(owner: Key, owned: Key) -> tuple[int, Key]:
    """Of owners in several environments, the package belongs to that of the environment which it is in."""
    inside = owned[2] == owner[2] or owned[2].startswith(f"{owner[2]}/")
    return (len(owner[2]) if inside else -1, owner)


def _last(key: Key, direct: Mapping[Key, Key]) -> Key | None:
    """Follow the owners to the last; None if they own each other in a circle, which is then not believed."""
    seen = {key}
    current = key
    while current in direct:
        current = direct[current]
        if current in seen:
            return None
        seen.add(current)
    return current
