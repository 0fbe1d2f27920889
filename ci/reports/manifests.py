"""What is in the images of a stack as files: for people, for programs, and for scanners."""

from collections.abc import Mapping, Sequence

import msgspec

from ci.contents.described_stack import DescribedStack
from ci.contents.highlights import highlights as highlights_of
from ci.contents.model import Contents
from ci.contents.origins import layers_of, origins
from ci.contents.sbom import creation_time, render_sbom
from ci.reports.contents import DescribedImage
from ci.reports.contents_page import render_contents_page

FOLDER = "manifests/"
"""Where they are in the report of a run."""


def page_path(image: str) -> str:
    """Return where the report of a run has the page of an image."""
    return f"{FOLDER}{image}.md"


def render_manifests(
    stack: DescribedStack,
    references: Mapping[str, str],
    folder: str = "",
    highlights: Sequence[str] = (),
    note: str = "",
) -> Mapping[str, str]:
    """Return IMAGE.json, IMAGE.md and IMAGE.cdx.json of each image, by path below `folder`.

    `references` are where images are, by name, of those that are published. `note` is about all of them.
    """
    files: dict[str, str] = {}
    for image in described_images(stack, references, highlights, note):
        contents = stack.images[image.contents.image]
        name = f"{folder}{contents.image}"
        json = msgspec.json.encode(contents, order="deterministic")
        files[f"{name}.json"] = msgspec.json.format(json, indent=2).decode() + "\n"
        files[f"{name}.md"] = render_contents_page(image, f"{contents.image}.json")
        files[f"{name}.cdx.json"] = render_sbom(contents, creation_time(contents))
    return files


def described_images(
    stack: DescribedStack, references: Mapping[str, str], added: Sequence[str] = (), note: str = ""
) -> tuple[DescribedImage, ...]:
    """Return the images of a stack that are described, parents first, each with who brought what.

    `added` are packages that are shown among the key versions, too: `pip:polars`. `note` is about all of them.
    """
    brought = origins(stack.images, stack.parents)
    return tuple(
        DescribedImage(
            contents=_shown(name, stack, added),
            reference=references.get(name, ""),
            parent=stack.parents.get(name),
            origins={package: origin.image for package, origin in brought[name].items()},
            notes=(note,) if note else (),
        )
        for name in stack.names
        if name in stack.images
    )


def _shown(name: str, stack: DescribedStack, added: Sequence[str]) -> Contents:
    """Return what is in an image, with more key versions, and with what its parents know of its layers."""
    contents = stack.images[name]
    system = msgspec.structs.replace(contents.system, versions=highlights_of(contents, added))
    return msgspec.structs.replace(contents, system=system, layers=layers_of(name, stack))
