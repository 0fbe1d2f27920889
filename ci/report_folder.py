"""The report of a run as a folder that a function returns."""

from collections.abc import Mapping

import dagger

from ci.adapters.dagger_engine.folder import make_folder
from ci.adapters.dagger_engine.pictures import read_pictures
from ci.adapters.dagger_engine.telemetry import TelemetryProgress
from ci.commands.build import BuildResult
from ci.reports.folder import render_folder
from ci.reports.manifests import FOLDER, render_manifests
from ci.reports.pictures import LARGEST_PICTURE, MOST_PICTURES, wanted_pictures


async def make_report(result: BuildResult, files: Mapping[str, dagger.Directory]) -> dagger.Directory:
    """Return the folder of a report. `files` are folders that tests wrote, by `image/origin-kind` of their suite."""
    wanted = wanted_pictures(result.report)
    with TelemetryProgress().work("write the report"):
        pictures = await read_pictures(files, wanted, most=MOST_PICTURES, largest=LARGEST_PICTURE)
        manifests = render_manifests(result.described, {}, FOLDER, result.highlights)
        texts = {**render_folder(result.report, pictures), **manifests}
        return await make_folder(texts, {f"logs/{name}": folder for name, folder in files.items()})
