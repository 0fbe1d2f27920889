"""Measures the layers of an image: compressed from its tarball, uncompressed from the files that each step changed."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import dagger

from ci.errors import ExternalError
from ci.fusion.fused import Fused, layering
from ci.results import Layer

# Where tar puts what it extracts, in a container of its own.
_FOLDER = "/tarball"


async def measure_layers(
    fused: Fused, build: Callable[[str], dagger.Container], tools: dagger.Container
) -> tuple[Layer, ...]:
    """Return the layers of a fused Dockerfile's image, one entry for each instruction, the lowest first.

    `build` returns the container of a fused text, or of its beginning; `tools` has tar and du.
    Raises dagger.QueryError, and ExternalError if the engine's layers do not match the instructions.
    """
    plan = layering(fused)
    base = build(fused.head(plan.begin))
    cuts = [build(fused.cut(step)) for step in plan.steps]
    manifest, config = await _read_tarball(build(fused.text), tools, dagger.ImageLayerCompression.Zstd)
    blobs, created = manifest["layers"], [entry["created"] for entry in config["history"]]
    foreign = len(blobs) - sum(step.layers for step in plan.steps)
    if foreign < 0 or len(blobs) != len(created):
        raise ExternalError(
            f"The engine built {len(blobs)} layers from {len(plan.steps)} instructions: they cannot be matched."
        )
    layers = await _foreign_layers(plan.base, base, tools, blobs[:foreign], created)
    first = foreign
    for step, size in zip(plan.steps, await _sizes([base, *cuts], tools), strict=True):
        own = blobs[first : first + step.layers]
        first += step.layers
        layers.append(
            Layer(
                instruction=step.command,
                image=step.image,
                created=created[first - 1],
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
    reader = tools.with_mounted_file("/image.tar", tarball).with_workdir(_FOLDER)
    index = await _read_json(reader, "index.json")
    manifest = await _read_json(reader, _blob(index["manifests"][0]))
    return manifest, await _read_json(reader, _blob(manifest["config"]))


async def _read_json(reader: dagger.Container, path: str) -> dict[str, Any]:
    """Return a JSON file of the tarball, which may hold many gigabytes: tar seeks from entry to entry.

    The file comes from the engine as it is, through no shell: the `echo` of dash expands the backslashes of JSON.
    """
    extracted = reader.with_exec(["tar", "--extract", "--file=/image.tar", path])
    content: dict[str, Any] = json.loads(await extracted.file(f"{_FOLDER}/{path}").contents())
    return content


def _blob(descriptor: dict[str, Any]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"


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
    """Return, for each cut after the first, the size in bytes of the files added or changed since the one before."""
    if len(cuts) == 1:
        return []
    folders = [f"/layers/{number}" for number in range(1, len(cuts))]
    for folder, before, after in zip(folders, cuts, cuts[1:], strict=False):
        tools = tools.with_mounted_directory(folder, before.rootfs().diff(after.rootfs()))
    used = await tools.with_exec(["du", "--summarize", "--bytes", *folders]).stdout()
    return [int(line.split()[0]) for line in used.splitlines()]
