"""What Dockerfiles are built on, before it is known which of them are images of the stack."""

import posixpath
from collections.abc import Iterator

from ci.dockerfile.arguments import read_arguments
from ci.dockerfile.expansion import ExpansionError, expand
from ci.dockerfile.parser import Dockerfile, parse_dockerfile
from ci.errors import SpecError
from ci.oci.reference import is_reference, repository_name
from ci.stack.image_files import Files

PLATFORM = "linux/amd64"


def parse(files: Files, path: str) -> Dockerfile | None:
    """Return a Dockerfile; None for one that has mistakes, which is not what is looked for here."""
    problems: list[str] = []
    text = files.read(path, problems)
    try:
        return parse_dockerfile(text, path) if text is not None else None
    except SpecError:
        return None


def foreign_references(dockerfile: Dockerfile) -> Iterator[str]:
    """Return the references but those by the name of the own folder: these are other images of that name."""
    own = posixpath.basename(posixpath.dirname(dockerfile.path))
    return (one for one in references(dockerfile) if repository_name(one) != own)


def references(dockerfile: Dockerfile) -> Iterator[str]:
    """Return what the stages of a Dockerfile are built on, as far as its defaults say."""
    arguments = read_arguments(dockerfile.arguments, {}, PLATFORM, dockerfile.path, [])
    aliases = {stage.alias for stage in dockerfile.stages}
    for stage in dockerfile.stages:
        try:
            reference = expand(stage.source.words[0], arguments.for_from).text
        except ExpansionError:
            continue
        if reference and reference not in aliases and is_reference(reference):
            yield reference
