"""Four images on our own registry server: three have an old stable tag, one (rstudio) has none yet."""

from ci.oci.reference import Repository
from ci.oci.registry import Manifest
from ci.oci.tag_update import TagUpdate
from ci.oci.tombstone import is_tombstone
from tests.integration.adapters.oci.images import stored
from tests.integration.adapters.oci.server import RegistryServer

NAMES = ("base", "datascience", "rstudio", "scipy-ml")
ABSENT = "rstudio"
STABLE = "2026.4-stable"
TESTED = "2026.4-a1239ab"


class FourImages:
    """What was stored there, and what the stable tags point to now."""

    def __init__(self, server: RegistryServer) -> None:
        self.server = server
        self.new = {name: stored(server, TESTED, layer=f"new {name}".encode(), path=path(name)) for name in NAMES}
        self.old = {name: stored(server, STABLE, layer=f"old {name}".encode(), path=path(name)) for name in NAMES}
        del self.old[ABSENT], server.contents.tags[path(ABSENT)][STABLE]
        self.before = self.digests()
        self.after: dict[str, str | None] = {name: manifest.digest for name, manifest in self.new.items()}

    @property
    def updates(self) -> tuple[TagUpdate, ...]:
        """The updates of all stable tags."""
        return tuple(
            TagUpdate(
                image=name,
                target=Repository(host=self.server.host, path=path(name)).tagged(STABLE),
                new=self.new[name],
                old=self.old.get(name),
            )
            for name in NAMES
        )

    def digests(self) -> dict[str, str | None]:
        """Return the digest that each stable tag points to, None for no image or a tombstone."""
        found = {name: self.server.contents.find(path(name), STABLE) for name in NAMES}
        return {name: image.digest if image and not is_tombstone(image) else None for name, image in found.items()}

    def rival(self, name: str) -> Manifest:
        """Update a stable tag as another process does."""
        return stored(self.server, STABLE, layer=b"rival", path=path(name))


def path(name: str) -> str:
    return f"stack/{name}"


def at(name: str) -> str:
    """Return a pattern for requests about an image's stable tag."""
    return f"/{path(name)}/manifests/{STABLE}$"
