"""Makes the run record of a run that passed. Pure."""

from collections.abc import Mapping

import msgspec

from ci.pipeline.evidence import TestsRecord
from ci.pipeline.places import Places
from ci.pipeline.registry import Manifest
from ci.pipeline.run_record import RecordedImage, RecordedTests, RunRecord
from ci.planning.keys import ImageKey
from ci.results import RunReport
from ci.stack.model import Stack


class _Layer(msgspec.Struct):
    size: int


class _Layers(msgspec.Struct):
    layers: tuple[_Layer, ...] = ()


def compressed_size(manifest: Manifest) -> int:
    """Return the bytes of an image's layers as they lie in the registry; 0 for what is no single image."""
    try:
        return sum(layer.size for layer in msgspec.json.decode(manifest.content, type=_Layers).layers)
    except msgspec.MsgspecError:
        return 0


def make_record(  # noqa: PLR0913 (it is where all of it comes together)
    report: RunReport,
    stack: Stack,
    keys: Mapping[str, ImageKey],
    *,
    proofs: Mapping[str, TestsRecord],
    sizes: Mapping[str, int],
    places: Places,
    tag: str,
) -> RunRecord:
    """Write down a run of which every image passed, with what its tests said in this run or before."""
    reports, plans = report.by_name, {image.name: image for image in report.plan.images}
    images = [
        RecordedImage(
            name=name,
            repository=str(places.repository(name)),
            digest=reports[name].digest or "",
            key=keys[name].key or "",
            action=plans[name].action,
            reason=plans[name].reason,
            size=sizes[name],
            seconds=reports[name].seconds,
            tests=RecordedTests(
                suites=proofs[name].suites,
                passed=proofs[name].passed,
                skipped=proofs[name].skipped,
                flaky=proofs[name].flaky,
            ),
            epoch=keys[name].epoch,
            build_args=stack.by_name[name].build_args,
            bases={reference: digest for reference, digest in keys[name].bases.items() if digest},
        )
        for name in report.plan.enabled
    ]
    return RunRecord(
        tag=tag, commit=report.commit or "", started=report.started, seconds=report.seconds, images=tuple(images)
    )
