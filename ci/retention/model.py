"""What a registry has of a stack, as far as it matters for what may go; and what is decided. Times are Unix time."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ci.oci.reference import Repository


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How much stays beside what is or was stable."""

    keep_last: int = 10
    """So many of the newest stacks."""
    keep_days: int = 90
    """And every stack that was published in so many days."""
    unpublished_days: int = 14
    """An image that no stack has stays for so many days: runs are interrupted, fixed and resumed."""


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest that is attached to an image. `created` and `stack_tag` are what its entry in the list says."""

    digest: str
    artifact_type: str
    created: float | None = None
    stack_tag: str = ""
    """Of a run record."""
    is_gone: bool = False
    """It is listed, but was deleted. Only known of what was attached to an image that is gone."""


class FoundImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image in one repository."""

    digest: str
    created: float | None
    """When the run began that built it; None if nothing says so."""
    layers: Mapping[str, int]
    """The bytes of its layers by digest."""
    base: tuple[Repository, str] | None = None
    """The repository and digest of its parent, if it is an image of the stack."""
    attached: tuple[Attached, ...] = ()
    is_tombstone: bool = False
    """It only says that its tag was removed."""


class FoundRepository(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one repository."""

    repository: Repository
    prefixes: tuple[str, ...]
    """What the tags of the images that share it begin with."""
    tags: Mapping[str, str]
    """What each tag points to."""
    images: Mapping[str, FoundImage]
    """By digest: those that tags of runs point to, and those without a tag that something is attached to."""
    orphans: Mapping[str, tuple[Attached, ...]] = {}
    """What was attached to images that are gone, by the digest of these."""
    stable: frozenset[str] = frozenset()
    """The digests in any record of a promotion or rollback, the old ones too."""
    listed: frozenset[str] = frozenset()
    """The digests of the records that histories and lists of published stacks refer to."""


class FoundStack(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a stack that the registry has. `promoted` are the tags of stacks that were ever promoted."""

    repositories: tuple[FoundRepository, ...]
    promoted: frozenset[str] = frozenset()


class Reason(StrEnum):
    """Why an image stays, or goes. Of several reasons, the first in this order is given."""

    STABLE = "stable now or earlier"
    PROMOTED = "of a stack that was promoted"
    OTHER_TAG = "with a tag that no run wrote"
    NEWEST = "of the newest stacks"
    RECENT = "of a stack that is not old"
    LAST_OF_VERSION = "of the last stack of a version"
    UNKNOWN_AGE = "of unknown age"
    PARENT = "that an image which stays was built on"
    YOUNG = "of no stack, but young"
    OLD_STACK = "of old stacks only"
    UNPUBLISHED = "of no stack"
    TOMBSTONE = "that only mark a removed tag"


class GoingImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that goes, with all its tags and what is attached to it."""

    digest: str
    tags: tuple[str, ...]
    reason: Reason


class GoingRecords(msgspec.Struct, frozen=True, kw_only=True):
    """What is attached to an image that goes or is gone, and goes itself."""

    subject: str
    digests: tuple[str, ...]
    list_tag: str = ""
    """The tag of the list of them, `sha256-…`, where it goes too."""
    list_digest: str = ""


class RepositoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What stays in a repository, and what goes."""

    repository: Repository
    prefixes: tuple[str, ...]
    staying: Mapping[str, Reason]
    """By digest."""
    going: tuple[GoingImage, ...]
    """The oldest first."""
    untagged: Mapping[str, str]
    """The tags of old stacks that are removed from images that stay, with the digests of these."""
    records: tuple[GoingRecords, ...]
    other_tags: tuple[str, ...]
    """Tags that no run wrote."""
    tags: tuple[str, ...]
    """All tags, when this was decided."""
    attached: Mapping[str, frozenset[str]]
    """What was attached then to images that go or are gone. If there is more when they are to be deleted, they are in
    use."""
    bytes_staying: int
    """Of layers, each once."""
    bytes_going: int
    """Of layers that no image which stays has."""


class RetentionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What stays of a stack, and what goes."""

    repositories: tuple[RepositoryPlan, ...]
    staying_stacks: Mapping[str, Reason]
    """By tag, the newest first."""
    going_stacks: tuple[str, ...]
    """The newest first."""

    @property
    def images_going(self) -> int:
        """How many images go."""
        return sum(len(one.going) for one in self.repositories)

    @property
    def images(self) -> int:
        """How many images there are."""
        return self.images_going + sum(len(one.staying) for one in self.repositories)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to delete."""
        return not any(one.going or one.untagged or one.records for one in self.repositories)


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted, and sentences on what was not: images in use by now, and what was refused or went wrong."""

    images: int = 0
    tags: int = 0
    """Of images that stay."""
    in_use: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
