"""Measures the layers of an image: compressed from its tarball, uncompressed from what each instruction changed."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import dagger

from ci.errors import ExternalError
from ci.fusion.fused import Fused, layering
from ci.results import Layer

# Prints the manifest and the config of an OCI tarball as the two members of a JSON list. The tarball may hold many
# gigabytes: tar seeks from entry to entry and reads only the three small ones.
_READ = """\
set -eu
blob() { tar --extract --to-stdout --file=/image.tar "blobs/sha256/$1"; }
digest() { grep --only-matching 'sha256:[0-9a-f]*' | head -n 1 | cut -d: -f2; }
manifest=$(tar --extract --to-stdout --file=/image.tar index.json | digest)
config=$(blob "$manifest" | digest)
echo "[$(blob "$manifest"), $(blob "$config")]"
"""


async def measure_layers(
    fused: Fused, build: Callable[[str], dagger.Container], tools: dagger.Container
) -> tuple[Layer, ...]:
    """Return the layers of a fused Dockerfile's image, one entry for each instruction, the lowest first.

    `build` makes the container of a fused text that was cut below some line; `tools` has sh, tar, grep and du.
    Raises dagger.QueryError, and ExternalError when the engine made other layers than the text asks for.
    """
    made = layering(fused)
    base = build(fused.head(made.begin))
    cuts = [build(fused.cut(step)) for step in made.steps]
    manifest, config = await _read_tarball(build(fused.text), tools, dagger.ImageLayerCompression.Zstd)
    blobs, created = manifest["layers"], [entry["created"] for entry in config["history"]]
    foreign = len(blobs) - sum(step.layers for step in made.steps)
    if foreign < 0 or len(blobs) != len(created):
        raise ExternalError(
            f"The engine made {len(blobs)} layers of {len(made.steps)} instructions: they cannot be told apart."
        )
    layers = await _foreign_layers(made.base, base, tools, blobs[:foreign], created)
    at = foreign
    for step, size in zip(made.steps, await _sizes([base, *cuts], tools), strict=True):
        own = blobs[at : at + step.layers]
        at += step.layers
        layers.append(
            Layer(
                instruction=step.command,
                image=step.image,
                created=created[at - 1],
                digests=tuple(blob["digest"] for blob in own),
                compressed_size=sum(blob["size"] for blob in own),
                size=size,
            )
        )
    return tuple(layers)


async def _read_tarball(
    image: dagger.Container, tools: dagger.Container, compression: dagger.ImageLayerCompression
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an image's OCI manifest and config, written with that compression."""
    tarball = image.as_tarball(forced_compression=compression)
    read = tools.with_mounted_file("/image.tar", tarball).with_exec(["sh", "-c", _READ])
    manifest, config = json.loads(await read.stdout())
    return manifest, config


async def _foreign_layers(
    reference: str,
    base: dagger.Container,
    tools: dagger.Container,
    blobs: Sequence[dict[str, Any]],
    created: Sequence[str],
) -> list[Layer]:
    if not blobs:
        return []
    plain, _ = await _read_tarball(base, tools, dagger.ImageLayerCompression.Uncompressed)
    return [
        Layer(
            instruction=f"FROM {reference}",
            image=None,
            created=time,
            digests=(blob["digest"],),
            compressed_size=blob["size"],
            size=layer["size"],
        )
        for blob, layer, time in zip(blobs, plain["layers"], created, strict=False)
    ]


async def _sizes(cuts: Sequence[dagger.Container], tools: dagger.Container) -> Sequence[int]:
    """Return, for each cut but the first, the bytes of the files that it has added or changed since the one before."""
    if len(cuts) == 1:
        return []
    folders = [f"/layers/{number}" for number in range(1, len(cuts))]
    for folder, before, after in zip(folders, cuts, cuts[1:], strict=False):
        tools = tools.with_mounted_directory(folder, before.rootfs().diff(after.rootfs()))
    used = await tools.with_exec(["du", "--summarize", "--bytes", *folders]).stdout()
    return [int(line.split()[0]) for line in used.splitlines()]
