"""What differs between two stacks, as values. `ci.contents.comparing` makes them."""

from enum import StrEnum

import msgspec

from ci.contents.model import Ecosystem

DIFFERENCE_SCHEMA = 1
"""The version of the JSON form of StackDifference."""


class Change(StrEnum):
    """What happened to one thing.

    REBUILT: the same upstream version in another revision or build. CHANGED: another version, of which it is not
    known whether it is higher.
    """

    ADDED = "added"
    REMOVED = "removed"
    UP = "up"
    DOWN = "down"
    REBUILT = "rebuilt"
    CHANGED = "changed"


class Attributed(msgspec.Struct, frozen=True, kw_only=True):
    """A change, and where in the stack it comes from."""

    brought_by: str = ""
    """The image that the change comes from: this one, or one that it is built on."""
    also_in: tuple[str, ...] = ()
    """The images built on that one that have the same change."""


class PackageChange(Attributed, frozen=True, kw_only=True):
    """One package in one environment. Several versions in one place are separated by commas."""

    ecosystem: Ecosystem
    name: str
    location: str
    change: Change
    old: str | None
    new: str | None
    size_change: int | None
    """Bytes, by the package's own record; None where a record says nothing."""
    moved: tuple[str, ...] = ()
    """The packages of other ecosystems that this one installs and that changed with it, `R:dplyr`."""


class VersionChange(Attributed, frozen=True, kw_only=True):
    """One of the versions that people ask for first: of Python, CUDA, the operating system."""

    name: str
    change: Change
    old: str | None
    new: str | None


class KernelChange(Attributed, frozen=True, kw_only=True):
    """One Jupyter kernel; `old` and `new` are its display name and language."""

    name: str
    location: str
    change: Change
    old: str | None
    new: str | None


class Setting(StrEnum):
    """The settings of an image."""

    USER = "user"
    WORKDIR = "working directory"
    ENTRYPOINT = "entrypoint"
    COMMAND = "command"
    ENVIRONMENT = "environment"
    LABEL = "label"
    PORT = "port"
    VOLUME = "volume"
    HEALTHCHECK = "health check"
    STOP_SIGNAL = "stop signal"


class ConfigChange(Attributed, frozen=True, kw_only=True):
    """One setting of an image. `hidden`: a value looks like a credential, so that neither is given."""

    setting: Setting
    name: str
    """Of a variable, label, port or volume; else empty."""
    change: Change
    old: str | None
    new: str | None
    hidden: bool = False


class LayerState(StrEnum):
    """What became of a layer. CHANGED: the same instruction with other bytes. UNKNOWN: that is not known yet."""

    SAME = "same"
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"
    UNKNOWN = "unknown"


class LayerChange(msgspec.Struct, frozen=True, kw_only=True):
    """One layer. `old` and `new` are the digests; sizes are compressed, in bytes, None where they are not known."""

    state: LayerState
    instruction: str
    image: str | None
    """The image of the stack whose Dockerfile has the instruction, None for a foreign base."""
    old: str | None
    new: str | None
    old_size: int | None
    new_size: int | None


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two images that are compared. `size` is that of all files, `compressed_size` of a download; bytes."""

    digest: str
    size: int
    compressed_size: int | None


class ImageDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What differs in one image. A side is None where the stack does not have the image."""

    image: str
    parent: str | None
    old: Side | None
    new: Side | None
    versions: tuple[VersionChange, ...]
    packages: tuple[PackageChange, ...]
    """Sorted by kind of change (removed and lower first), ecosystem, name, location."""
    kernels: tuple[KernelChange, ...]
    config: tuple[ConfigChange, ...]
    layers: tuple[LayerChange, ...]
    """The new ones from the lowest up, then those that are gone."""
    download: int | None
    """Bytes that somebody who has the old image downloads to get the new one; None if that is not known."""

    @property
    def changed(self) -> bool:
        """Whether there is anything to show of this image: a change that it brought, or another size."""
        if self.old is None or self.new is None:
            return True
        shown = self.versions or self.packages or self.kernels or self.config
        return bool(shown) or self.old.size != self.new.size


class StackDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two stacks, image by image, parents first. `old` and `new` are their names."""

    schema: int = DIFFERENCE_SCHEMA
    old: str
    new: str
    images: tuple[ImageDifference, ...]
    """Of images that both stacks describe, or that one of them does not have."""
    unread: tuple[str, ...] = ()
    """Sentences: images that could not be compared, and why."""

    @property
    def changed(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.unread) or any(image.changed for image in self.images)
