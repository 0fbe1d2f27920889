import json

from ci.publish.descriptions import sbom_artifact
from ci.reports.manifests import FOLDER, page_path, render_manifests
from tests.unit.contents.samples import contents, package, stack

POLARS = package("pip:polars=1.40.0", location="/opt/venv")
STACK = stack("2026.4-stable", contents("base", POLARS), contents("ds", POLARS, package("pip:pandas=3.1.1")))


def test_each_image_has_a_page_a_record_and_a_bill_of_materials() -> None:
    files = render_manifests(STACK, {"base": "ghcr.io/x/base@sha256:1"}, FOLDER, ["pip:polars"], "published as T")
    assert set(files) == {f"{FOLDER}{image}{end}" for image in ("base", "ds") for end in (".md", ".json", ".cdx.json")}
    page = files[page_path("base")]
    assert "- `ghcr.io/x/base@sha256:1`\n" in page
    assert "to download; published as T`" in page
    assert "| `polars` | `1.40.0` |" in page
    assert "## Inherited from `base`: 1 pip package" in files[page_path("ds")]
    record = json.loads(files[f"{FOLDER}ds.json"])
    assert [one["name"] for one in record["packages"]] == ["polars", "pandas"]
    # The record is that of the image: what stack.toml wants to see is no part of it.
    assert "polars" not in record["system"]["versions"]
    assert files[f"{FOLDER}ds.cdx.json"].encode() == sbom_artifact(STACK.images["ds"]).content


def test_files_have_no_folder_unless_one_is_named() -> None:
    assert "base.md" in render_manifests(STACK, {})
