"""Measures the layers of an image: compressed from its tarball, uncompressed from what each instruction changed."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import dagger

from ci.results import Layer
from ci.stack.fusing import Fused
from ci.stack.layering import LayerMakers, layer_makers

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

    `build` makes the container of a fused text cut after some line; `tools` has sh, tar, grep and du.
    Raises dagger.QueryError, and ValueError when the engine made other layers than the text asks for.
    """
    makers = layer_makers(fused)
    lines = fused.text.splitlines()

    def cut(end: int) -> dagger.Container:
        return build("\n".join(lines[:end]) + "\n")

    manifest, config = await _read_tarball(build(fused.text), tools, dagger.ImageLayerCompression.Zstd)
    blobs, created = manifest["layers"], [entry["created"] for entry in config["history"]]
    foreign = len(blobs) - makers.count
    if foreign < 0 or len(blobs) != len(created):
        raise ValueError(f"the engine made {len(blobs)} layers of {makers.count} instructions")
    layers = await _foreign_layers(makers, cut, tools, blobs[:foreign], created)
    sizes = await _sizes(makers, cut, tools)
    at = foreign
    for maker, size in zip(makers.makers, sizes, strict=True):
        own = blobs[at : at + maker.layers]
        at += maker.layers
        layers.append(
            Layer(
                instruction=maker.text,
                image=maker.image,
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
    makers: LayerMakers,
    cut: Callable[[int], dagger.Container],
    tools: dagger.Container,
    blobs: Sequence[dict[str, Any]],
    created: Sequence[str],
) -> list[Layer]:
    if not blobs:
        return []
    plain, _ = await _read_tarball(cut(makers.base_end), tools, dagger.ImageLayerCompression.Uncompressed)
    return [
        Layer(
            instruction=f"FROM {makers.base}",
            image=None,
            created=time,
            digests=(blob["digest"],),
            compressed_size=blob["size"],
            size=layer["size"],
        )
        for blob, layer, time in zip(blobs, plain["layers"], created, strict=False)
    ]


async def _sizes(
    makers: LayerMakers, cut: Callable[[int], dagger.Container], tools: dagger.Container
) -> Sequence[int]:
    """Return, for each maker, the bytes of the files it added or changed."""
    if not makers.makers:
        return []
    before = cut(makers.base_end).rootfs()
    for number, maker in enumerate(makers.makers):
        after = cut(maker.end).rootfs()
        tools = tools.with_mounted_directory(f"/layers/{number}", before.diff(after))
        before = after
    folders = [f"/layers/{number}" for number in range(len(makers.makers))]
    used = await tools.with_exec(["du", "--summarize", "--bytes", *folders]).stdout()
    return [int(line.split()[0]) for line in used.splitlines()]
