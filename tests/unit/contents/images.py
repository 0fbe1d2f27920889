"""Images as their databases: texts by path."""

from collections.abc import Mapping

from ci.contents.databases import EXCLUDED, matcher, pattern
from ci.contents.inspection import Inspection
from ci.contents.model import Contents, ImageConfig, Package
from ci.contents.reading import read_contents

PATH = "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"


def inspection(
    files: Mapping[str, str | bytes],
    *,
    refused: Mapping[str, int] | None = None,
    noticed: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Inspection:
    """Return what the inspector would take out of an image that has these files."""
    read, excluded = matcher(pattern()), matcher(EXCLUDED)
    taken = {path: data for path, data in files.items() if read.fullmatch(path) and not excluded.fullmatch(path)}
    return Inspection(
        files={path: data.encode() if isinstance(data, str) else data for path, data in taken.items()},
        refused=refused or {},
        noticed=noticed,
        config=ImageConfig(environment={"PATH": PATH} if environment is None else environment),
        platform="linux/amd64",
        size=123,
        entries=4,
    )


def contents_of(files: Mapping[str, str | bytes], environment: Mapping[str, str] | None = None) -> Contents:
    """Return the contents of an image that has these files."""
    return read_contents(inspection(files, environment=environment), image="image", digest="sha256:0")


def packages_of(files: Mapping[str, str | bytes]) -> tuple[Package, ...]:
    """Return the packages of an image that has these files and no problem."""
    contents = contents_of(files)
    assert contents.problems == ()
    return contents.packages
