"""What changed in the configuration, the kernels and the key versions of one image."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from ci.contents.credentials import looks_like_credential
from ci.contents.difference import Change, ConfigChange, KernelChange, Setting, VersionChange
from ci.contents.highlights import in_order
from ci.contents.model import Contents, ImageConfig, Kernel
from ci.contents.package_changes import location_key
from ci.contents.versions import change_of_release
from ci.image_labels import BASE_DIGEST, BASE_NAME, CACHE_KEY, CREATED, REVISION, SOURCE, TITLE, VERSION

Settings = Mapping[tuple[Setting, str], str]
"""The value of each setting by kind and name; those that an image does not set are left out."""
Kernels = Mapping[tuple[str, str], Kernel]

_OF_PUBLISHING = {BASE_DIGEST, BASE_NAME, CACHE_KEY, CREATED, REVISION, SOURCE, TITLE, VERSION}
"""Labels that an image gets when it is published: what is not published has none, and most differ each time."""
OPERATING_SYSTEM = "OS"
"""As in the versions of a system; its name is for systems without that."""
ChangeType = TypeVar("ChangeType")
KeyType = TypeVar("KeyType")
ValueType = TypeVar("ValueType")


def settings_of(config: ImageConfig) -> Settings:
    """Return the settings of an image that are compared, and shown."""
    words = {
        Setting.USER: config.user,
        Setting.WORKDIR: config.workdir,
        Setting.ENTRYPOINT: _words(config.entrypoint),
        Setting.COMMAND: _words(config.command),
        Setting.HEALTHCHECK: _words(config.healthcheck),
        Setting.STOP_SIGNAL: config.stop_signal,
    }
    labels = {name: value for name, value in config.labels.items() if name not in _OF_PUBLISHING}
    named = {
        Setting.ENVIRONMENT: config.environment,
        Setting.LABEL: labels,
        Setting.PORT: dict.fromkeys(config.ports, "exposed"),
        Setting.VOLUME: dict.fromkeys(config.volumes, "declared"),
    }
    found = {(setting, ""): value for setting, value in words.items() if value}
    return found | {(setting, name): value for setting, several in named.items() for name, value in several.items()}


def kernels_of(contents: Contents) -> Kernels:
    """Return the kernels of an image by name and place."""
    return {(kernel.name, location_key(kernel.location)): kernel for kernel in contents.kernels}


def versions_of(contents: Contents) -> Mapping[str, str]:
    """Return the versions that people ask for first, that of the operating system before all others."""
    system = contents.system
    return ({OPERATING_SYSTEM: system.os_name} if system.os_name else {}) | dict(in_order(system.versions))


def config_changes(old: Settings, new: Settings) -> tuple[ConfigChange, ...]:
    """Return the changes of settings; none has a value that looks like a credential."""

    def change(key: tuple[Setting, str], before: str | None, after: str | None) -> ConfigChange:
        setting, name = key
        hidden = any(looks_like_credential(name, value) for value in (before, after) if value)
        return ConfigChange(
            setting=setting,
            name=name,
            change=_kind(before, after),
            old=None if hidden else before,
            new=None if hidden else after,
            hidden=hidden,
        )

    return tuple(sorted(_changes(old, new, change), key=lambda one: (tuple(Setting).index(one.setting), one.name)))


def kernel_changes(old: Kernels, new: Kernels) -> tuple[KernelChange, ...]:
    """Return the changes of kernels. The same kernel in another folder of another Python did not change."""

    def change(_key: tuple[str, str], before: Kernel | None, after: Kernel | None) -> KernelChange | None:
        old_text, new_text = _kernel(before), _kernel(after)
        shown = after or before
        if shown is None or old_text == new_text:
            return None
        kind = _kind(old_text, new_text)
        return KernelChange(name=shown.name, location=shown.location, change=kind, old=old_text, new=new_text)

    changed = [one for one in _changes(old, new, change) if one is not None]
    return tuple(sorted(changed, key=lambda one: (one.name, one.location)))


def version_changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[VersionChange, ...]:
    """Return the changes of key versions, in the order in which they are listed."""

    def change(name: str, before: str | None, after: str | None) -> VersionChange:
        kind = change_of_release(before, after) if before and after else _kind(before, after)
        return VersionChange(name=name, change=kind, old=before, new=after)

    return tuple(_changes(old, new, change))


def _changes(
    old: Mapping[KeyType, ValueType],
    new: Mapping[KeyType, ValueType],
    change: Callable[[KeyType, ValueType | None, ValueType | None], ChangeType],
) -> list[ChangeType]:
    keys = dict.fromkeys((*new, *old))
    return [change(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


def _kind(old: str | None, new: str | None) -> Change:
    if old is None:
        return Change.ADDED
    return Change.REMOVED if new is None else Change.CHANGED


def _kernel(kernel: Kernel | None) -> str | None:
    return f"{kernel.display_name} ({kernel.language})" if kernel else None


def _words(words: tuple[str, ...]) -> str:
    return " ".join(words)
