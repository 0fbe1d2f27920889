"""What a registry holds and the rules it enforces; used by both the registry in memory and the server."""

import json
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from ci.oci.registry import Descriptor, Manifest, digest_of


class RefusalError(Exception):
    """A write was refused. `code` is one of the OCI error codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Document(msgspec.Struct, rename="camel"):
    """The fields of a manifest or an index that are used here."""

    artifact_type: str = ""
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    annotations: dict[str, str] = {}


class Contents:
    """Manifests, tags and blobs, each by the repository's name.

    `lists_referrers`: whether the referrers API exists. `deletes`: whether manifests can be deleted.
    """

    def __init__(self, *, lists_referrers: bool = False, deletes: bool = True) -> None:
        self.lists_referrers = lists_referrers
        self.deletes = deletes
        self.manifests: defaultdict[str, dict[str, Manifest]] = defaultdict(dict)
        self.tags: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.blobs: defaultdict[str, dict[str, bytes]] = defaultdict(dict)

    def find(self, repository: str, target: str) -> Manifest | None:
        digest = self.tags[repository].get(target, target)
        return self.manifests[repository].get(digest)

    def write(self, repository: str, target: str, manifest: Manifest) -> None:
        if ":" in target and target != manifest.digest:
            raise RefusalError("DIGEST_INVALID", f"provided {target}, computed {manifest.digest}")
        try:
            document = msgspec.json.decode(manifest.content, type=Document)
        except msgspec.MsgspecError as error:
            raise RefusalError("MANIFEST_INVALID", str(error)) from error
        blobs = {blob.digest for blob in (document.config, *document.layers) if blob}
        missing = blobs - self.blobs[repository].keys()
        missing |= {child.digest for child in document.manifests} - self.manifests[repository].keys()
        if missing:
            raise RefusalError("MANIFEST_BLOB_UNKNOWN", ", ".join(sorted(missing)))
        self.manifests[repository][manifest.digest] = manifest
        if ":" not in target:
            self.tags[repository][target] = manifest.digest

    def delete(self, repository: str, target: str) -> None:
        """Delete a manifest and its tags; KeyError if it does not exist."""
        if not self.deletes:
            raise RefusalError("UNSUPPORTED", "The operation is unsupported.")
        if ":" not in target:
            raise RefusalError("DIGEST_INVALID", "provided digest did not match uploaded content")
        del self.manifests[repository][target]
        tags = self.tags[repository]
        self.tags[repository] = {tag: digest for tag, digest in tags.items() if digest != target}

    def collect_garbage(self) -> None:
        """Delete manifests without a tag, and the blobs of none, as `docker-registry garbage-collect -m` does."""
        for repository, manifests in self.manifests.items():
            tagged = set(self.tags[repository].values())
            self.manifests[repository] = {digest: one for digest, one in manifests.items() if digest in tagged}
            documents = [
                msgspec.json.decode(manifest.content, type=Document) for manifest in self.manifests[repository].values()
            ]
            used = {blob.digest for one in documents for blob in (one.config, *one.layers) if blob}
            self.blobs[repository] = {digest: blob for digest, blob in self.blobs[repository].items() if digest in used}

    def write_blob(self, repository: str, digest: str, content: bytes) -> None:
        if digest != digest_of(content):
            raise RefusalError("DIGEST_INVALID", f"provided {digest}, computed {digest_of(content)}")
        self.blobs[repository][digest] = content

    def referrers(self, repository: str, subject: str) -> Iterator[Descriptor]:
        for manifest in self.manifests[repository].values():
            document = msgspec.json.decode(manifest.content, type=Document)
            if document.subject and document.subject.digest == subject:
                yield msgspec.structs.replace(
                    manifest.descriptor, artifact_type=document.artifact_type, annotations=document.annotations
                )


def image_manifest(
    config: bytes, *layers: bytes, media_type: str = "application/vnd.oci.image.manifest.v1+json"
) -> Manifest:
    """Return a manifest of blobs, with whitespace that decoding and encoding it again would not keep."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": described(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [described(layer, "application/vnd.oci.image.layer.v1.tar+gzip") for layer in layers],
    }
    return Manifest(content=json.dumps(document, indent=3).encode(), media_type=media_type)


def described(content: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def image_index(*manifests: Manifest, media_type: str = "application/vnd.oci.image.index.v1+json") -> Manifest:
    """Return an index of manifests."""
    children = [described(manifest.content, manifest.media_type) for manifest in manifests]
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": children}
    return Manifest(content=json.dumps(document, indent=3).encode(), media_type=media_type)
