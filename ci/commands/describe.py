"""`describe`, `manifests`, `stacks`, `diff`: what is in a stack, from the source tree or from the registry."""

from collections.abc import Callable, Collection, Sequence

import msgspec

from ci import units
from ci.build.engine_failure import EngineFailure
from ci.build.ports import Inspector
from ci.commands.build import build_stack
from ci.commands.options import BuildOptions
from ci.commands.plan import BuildPorts
from ci.commands.registry import NO_REGISTRY, stable_tag
from ci.contents.comparing import compare_stacks
from ci.contents.described_stack import DescribedStack
from ci.contents.difference import StackDifference
from ci.contents.model import Contents
from ci.contents.reading import read_contents
from ci.errors import ExternalError, RequestError, did_you_mean
from ci.planning.secrets import GivenSecrets
from ci.promotion.stack_listing import StackListing, read_stack_listing
from ci.publish.described import PublishedStack, TaggedImage, parents_of, read_published_stack
from ci.publish.descriptions import as_published, attach_description, find_description
from ci.publish.published_image import read_published_image
from ci.publish.registry_state import RegistrySession
from ci.publish.stack_list import read_stacks
from ci.publish.tags import Place
from ci.results import RunReport
from ci.stack.model import Stack, Tree
from ci.stack.stack_tag import stable_tag_of

SOURCE_TREE = "the source tree"
Log = Callable[[str], None]
"""Shows a line at once."""


class FailedBuildError(ExternalError):
    """Images could not be built, so what is in them is unknown. The report has why."""

    def __init__(self, report: RunReport) -> None:
        super().__init__("Images could not be built.")
        self.report = report


async def describe_source(
    stack: Stack, tree: Tree, ports: BuildPorts, secrets: GivenSecrets, images: Sequence[str] = ()
) -> DescribedStack:
    """Build the source tree, or some of its images and those that they need, and read what is in them.

    What the registry has is described by it, and not built. Raises FailedBuildError.
    """
    options = BuildOptions(only=images, test=False, secrets=secrets)
    result = await build_stack(stack, tree, options, ports)
    report = result.report
    if report.exit_code:
        raise FailedBuildError(report)
    contents = dict(result.contents)
    if ports.registry is not None:
        for name, digest in report.plan.reused.items():
            image = TaggedImage(name, ports.registry.tags.place(name), digest)
            contents[name] = await describe_image(ports.registry, image, ports.inspector, ports.progress.line)
    parents = {image.name: image.parent for image in report.plan.images}
    return DescribedStack(name=SOURCE_TREE, images=contents, parents=parents)


async def describe_image(
    session: RegistrySession, image: TaggedImage, inspector: Inspector, log: Log, *, keep: bool = False
) -> Contents:
    """Return what is in a published image: as it was described, or else as it is read now, for which it is fetched.

    That is logged beforehand. With `keep`, what was read is attached to it. Raises ExternalError.
    """
    repository = image.place.repository
    found = await find_description(session.registry, repository, image.digest, image.name)
    if found is not None:
        return found
    published = await read_published_image(session.registry, repository, image.digest)
    size = units.size(published.compressed_size)
    log(f"Fetching {image.name} ({size}): it was published without a description.")
    inspected = await inspector.inspect(str(image.place.pinned(image.digest)))
    if isinstance(inspected, EngineFailure):
        raise ExternalError(f"{image.name} cannot be read: {inspected.message}")
    contents = as_published(read_contents(inspected, image=image.name), published)
    if keep:
        await attach_description(session.registry, repository, published, contents)
    return contents


async def read_tag(  # noqa: PLR0913 (a tag, its registry, and what is done where nothing is known)
    stack: Stack,
    session: RegistrySession,
    tag: str,
    *,
    inspector: Inspector | None = None,
    keep: bool = False,
    log: Log = lambda _line: None,
) -> PublishedStack:
    """Return what a tag points to, with what is in it. Raises RequestError if no image has the tag.

    An image without a description is fetched and read by the inspector, if there is one, which is logged beforehand.
    """
    session.tags.check_stack_tags([tag])
    names = [image.name for image in stack.images]
    found = await read_published_stack(session, names, tag)
    if found is None:
        raise RequestError(f"No image has the tag {tag!r}.{await _published(stack, session, tag)}")
    if inspector is None or not found.stack.missing:
        return found
    contents = dict(found.stack.images)
    for image in found.images:
        if image.name in found.stack.missing:
            contents[image.name] = await describe_image(session, image, inspector, log, keep=keep)
    missing = {name: why for name, why in found.stack.missing.items() if name not in contents}
    for name, why in missing.items():
        log(f"What is in {name} of {tag} is not known. {why}")
    described = msgspec.structs.replace(
        found.stack, images=contents, parents=parents_of(found.images, contents), missing=missing
    )
    return found._replace(stack=described)


async def _published(stack: Stack, session: RegistrySession, tag: str) -> str:
    """Return what could have been meant by a tag that does not exist."""
    if not stack.version:
        return ""
    records = await read_stacks(session.registry, _places(stack, session), stack.version)
    known = [*(record.tag for record in records), stable_tag_of(stack.version)]
    newest = f" The newest published stack is {records[0].tag}." if records else ""
    return did_you_mean(tag, known) or f"{newest} `stacks` lists those that were published."


def _places(stack: Stack, session: RegistrySession) -> Sequence[Place]:
    return [session.tags.place(image.name) for image in stack.images if image.enabled]


async def list_stacks(stack: Stack, session: RegistrySession, version: str = "") -> StackListing:
    """Return the published stacks of a version, by default of the stack's own, and what became of them."""
    chosen = version or stack.version
    if not chosen:
        raise RequestError("Which version? Name it with --version, or set stack.version in stack.toml.")
    return await read_stack_listing(session.registry, _places(stack, session), chosen)


def tag_to_compare_with(stack: Stack, session: RegistrySession | None, old: str = "") -> str:
    """Return the tag that a stack is compared with: `old`, else the stable tag of its version.

    Raises RequestError with all that is missing for that.
    """
    problems = [] if session is not None else [NO_REGISTRY]
    if not old and not stack.version:
        problems.append("No version is known: name a tag with --old, or set stack.version in stack.toml.")
    if problems:
        raise RequestError("\n".join(["There is no published stack to compare with.", *problems]))
    return old or stable_tag(stack, "--old")


def check_keep(tag: str, *, keep: bool) -> None:
    """Raise RequestError if a description is to be kept of what is not published."""
    if keep and not tag:
        raise RequestError("--keep attaches descriptions to images that are published: name their stack with --tag.")


def chosen(stack: DescribedStack, images: Sequence[str]) -> DescribedStack:
    """Return the named images of a stack, or all for none. Raises RequestError for those it does not have."""
    check_images(images, stack.names)
    kept, missing = (
        {name: one for name, one in several.items() if not images or name in images}
        for several in (stack.images, stack.missing)
    )
    return msgspec.structs.replace(stack, images=kept, missing=missing)


def check_images(images: Sequence[str], known: Collection[str]) -> None:
    """Raise RequestError for images that are not known, all at once."""
    unknown = [name for name in images if name not in known]
    if unknown:
        raise RequestError(
            "\n".join(f"The stack has no image {name!r}.{did_you_mean(name, known)}" for name in unknown)
        )


def compare(
    old: DescribedStack, new: DescribedStack, *, images: Sequence[str] = (), inherited: bool = False
) -> StackDifference:
    """Return what changed between two stacks. Raises RequestError for images that neither has."""
    check_images(images, {*old.names, *new.names})
    return compare_stacks(old, new, images=images or None, inherited=inherited)
