"""Fused texts of small stacks."""

from collections.abc import Mapping
from textwrap import dedent

from ci.fusion.fuse import fuse
from ci.fusion.fused import Fused, FusedStep
from ci.fusion.substitutions import Substitutions
from ci.stack.reader import read_stack
from tests.unit.trees import MemoryTree

BASE = "FROM debian\nRUN base\n"
NOTHING = Substitutions()
DIGEST = f"sha256:{'a' * 64}"
PUBLISHED = f"docker.io/x/base@{DIGEST}"


def fused(name: str, files: Mapping[str, str], settings: str = "", substitutions: Substitutions = NOTHING) -> Fused:
    """Fuse an image of a stack given by the Dockerfiles of its images."""
    tree = {f"images/{image}/Dockerfile": dedent(text) for image, text in files.items()}
    return fuse(read_stack(MemoryTree({**tree, "images/stack.toml": settings})), name, substitutions)


def child(text: str, base: str = BASE, settings: str = "") -> str:
    """Return the part of the fused text that comes from the image `child`, built on `base` beside `fonts`."""
    files = {"base": base, "fonts": "FROM scratch\n", "child": text}
    return fused("child", files, settings).text.partition("# child: images/child/Dockerfile\n")[2]


def lines(text: str) -> str:
    """Return what the lines of `text` after a FROM become in the fused text."""
    return child(f"FROM base\n{text}\n").removeprefix("FROM base AS child\n").removesuffix("\n")


def written(found: Fused) -> str:
    """Return the text without its comments, with `DIGEST` in place of the digest."""
    return "".join(f"{line}\n" for line in found.text.splitlines() if not line.startswith("#")).replace(
        DIGEST, "DIGEST"
    )


def runs(found: Fused) -> tuple[FusedStep, ...]:
    """Return the RUN steps."""
    return tuple(step for step in found.steps if step.keyword == "RUN")
