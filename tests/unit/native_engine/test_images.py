import hashlib
import json
from pathlib import Path

from native_engine.images import Blob, blob_of, blob_of_file, image_config, manifest, store_image


def test_a_stored_image_is_found_from_the_digest_of_its_manifest_down_to_its_layers(tmp_path: Path) -> None:
    tars = [tmp_path / "one.tar", tmp_path / "two.tar"]
    for tar in tars:
        tar.write_text(tar.name)
    blobs = tmp_path / "store" / "blobs" / "sha256"
    digest = store_image(tars, tmp_path / "store")

    def read(descriptor: dict[str, str]) -> bytes:
        algorithm, _, name = descriptor["digest"].partition(":")
        content = (blobs / name).read_bytes()
        assert (algorithm, name) == ("sha256", hashlib.sha256(content).hexdigest())
        return content

    image = json.loads(read({"digest": digest}))
    assert [read(layer) for layer in image["layers"]] == [b"one.tar", b"two.tar"]
    assert {layer["mediaType"] for layer in image["layers"]} == {"application/vnd.oci.image.layer.v1.tar"}
    assert [layer["size"] for layer in image["layers"]] == [7, 7]
    contents = [layer["digest"] for layer in image["layers"]]
    assert json.loads(read(image["config"]))["rootfs"] == {"type": "layers", "diff_ids": contents}
    assert len(list(blobs.iterdir())) == 4
    assert tars[0].stat().st_nlink == 2, "linked, not copied"


def test_a_configuration_lists_uncompressed_layers_and_a_manifest_compressed_ones() -> None:
    contents, packed = blob_of(b"plain"), Blob("sha256:packed", 3)
    config = image_config([contents], {"A": "1"}, ["bash"])
    assert json.loads(config)["config"] == {"Env": ["A=1"], "Cmd": ["bash"]}
    assert json.loads(config)["rootfs"]["diff_ids"] == [contents.digest]
    image = json.loads(manifest(blob_of(config), [packed], "tar+gzip"))
    media_type = "application/vnd.oci.image.layer.v1.tar+gzip"
    assert image["layers"] == [{"mediaType": media_type, "digest": "sha256:packed", "size": 3}]


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    assert blob_of_file(tmp_path / "file") == blob_of(b"bytes")
