"""The source files of the running module that may alter an image, or the verdict of a suite; and their digests.

They are those of the module that runs, wherever it came from, not of the source tree: who calls the module by its
address may have other things in a folder `ci`. `tests/repo/test_pipeline_code.py` proves that each list is what its
roots import, directly or not, so that no file is missing and none is there for nothing.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ci.planning.pipeline import Pipeline

_CI = Path(__file__).parents[1]

IMAGE_ROOTS = ("adapters/dagger_engine/images.py", "fusion/fuse.py", "publish/labels.py")
"""What makes images: the engine's calls and the push, the text that is built, the labels."""
IMAGE_CODE = (
    "adapters/dagger_engine/images.py",
    "dockerfile/arguments.py",
    "dockerfile/chmod.py",
    "dockerfile/directives.py",
    "dockerfile/dockerignore.py",
    "dockerfile/environment.py",
    "dockerfile/expansion.py",
    "dockerfile/lexer.py",
    "dockerfile/missing.py",
    "dockerfile/mounts.py",
    "dockerfile/parser.py",
    "dockerfile/secret_mounts.py",
    "dockerfile/stages.py",
    "errors.py",
    "fusion/cache_folders.py",
    "fusion/engine_form.py",
    "fusion/fuse.py",
    "fusion/fused.py",
    "fusion/part.py",
    "fusion/rewrite.py",
    "fusion/secrets.py",
    "fusion/stage_names.py",
    "fusion/substitutions.py",
    "image_labels.py",
    "oci/reference.py",
    "publish/labels.py",
    "stack/image.py",
    "stack/image_references.py",
)
SUITE_ROOTS = ("adapters/dagger_engine/tester.py", "build/suite_runner.py")
"""What runs suites, and what judges them."""
SUITE_CODE = (
    "adapters/dagger_engine/errors.py",
    "adapters/dagger_engine/tester.py",
    "build/engine_failure.py",
    "build/suite_ports.py",
    "build/suite_runner.py",
    "build/suite_verdict.py",
    "pytest_results.py",
    "stack/paths.py",
    "stack/suites.py",
    "suite_results.py",
)
"""Without what is image code: when that changes, images are built anew, and so tested anew."""


def running_pipeline(engine: str) -> Pipeline:
    """Return the pipeline that runs, on an engine of this version."""
    tools = sorted(path for path in (_CI / "test_container").iterdir() if path.is_file())
    return Pipeline(
        image_code=_digest(_CI / name for name in IMAGE_CODE),
        suite_code=_digest([*(_CI / name for name in SUITE_CODE), *tools]),
        engine=engine,
    )


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(_CI).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()
