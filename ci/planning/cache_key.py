"""The cache key of an image: a hash of everything that goes into its build.

Equal keys mean that a build would start from the same inputs, and that the images are in different repositories. What a
RUN or ADD fetches from the network is not part of it; another epoch has that fetched again.
"""

import hashlib
import posixpath
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ci.dockerfile.dockerignore import IgnorePatterns
from ci.fusion.fuse import fuse_all
from ci.planning.pipeline import Pipeline
from ci.stack.image import Image, SuiteKind
from ci.stack.model import EntryKind, Stack, Tree
from ci.stack.suites import CLUTTER

# To be raised when a hash covers something else. Version 2 has the code and the engine that build images.
_VERSION = "2"


class ImageKey(msgspec.Struct, frozen=True, kw_only=True):
    """The two hashes of an image, in hexadecimal, and what they depend on."""

    key: str | None
    """What is built. None if the digest of a foreign base is unknown."""
    tests_key: str
    """What tests it, here: "tested" is known of a key and this. Suites for a GPU run elsewhere and are not in it."""
    bases: Mapping[str, str | None]
    """The digests of the foreign bases that it uses directly, by reference."""
    unknown: tuple[str, ...]
    """The foreign bases without a digest, of the image and of all images it depends on."""
    epoch: str
    """The cache epoch of the stack, and its own. With another one, downloads are repeated."""
    pipeline: Pipeline
    """Whose code and engine are in both."""


def make_keys(  # noqa: PLR0913 (it is made of all of these)
    stack: Stack,
    tree: Tree,
    images: Sequence[Image],
    bases: Mapping[str, str | None],
    pipeline: Pipeline,
    *,
    epochs: Mapping[str, str] | None = None,
) -> Mapping[str, ImageKey]:
    """Return the keys of images by name. Disabled ones have none.

    `images` are in the stack's order, with all that they need. `bases` has the digests of foreign bases by reference;
    one that is missing or None is not known. `epochs` are the epochs that images have of their own.
    """
    digests = TreeDigests(tree)
    shared = _shared_fields(stack, digests, pipeline)
    enabled = [image for image in images if image.enabled]
    texts = {name: fused.text for name, fused in fuse_all(stack, [image.name for image in enabled]).items()}
    found: dict[str, ImageKey] = {}
    for image in enabled:
        own_epoch = (epochs or {}).get(image.name, "")
        known = {reference: _digest_of(reference, bases) for reference in image.foreign_bases}
        unknown = [reference for reference, digest in known.items() if digest is None]
        unknown.extend(reference for name in image.needs for reference in found[name].unknown)
        key = _hash(
            "image",
            *shared,
            texts[image.name],
            digests.context(image.context, image.ignore),
            _hash_pairs(known),
            # The text and these bring in whatever goes into the images that it needs.
            _hash_pairs({name: found[name].key for name in image.needs}),
            *_optional_fields(own_epoch, image.tag_prefix),
        )
        found[image.name] = ImageKey(
            key=None if unknown else key,
            tests_key=_suites_hash(stack, image, digests, pipeline.suite_code),
            bases=known,
            unknown=tuple(dict.fromkeys(unknown)),
            epoch=", ".join(filter(None, (stack.epoch, own_epoch))),
            pipeline=pipeline,
        )
    return found


def _shared_fields(stack: Stack, digests: "TreeDigests", pipeline: Pipeline) -> tuple[str, ...]:
    """Return what is part of the keys of all images."""
    own = (_VERSION, pipeline.image_code, pipeline.engine)
    return (*own, stack.platform, stack.compression, stack.epoch, digests.matching(stack.rebuild_all))


def _optional_fields(own_epoch: str, tag_prefix: str) -> Iterator[str]:
    """Return what is part of a key only where there is one, so that the keys of all other images stay as they were."""
    if own_epoch:
        yield own_epoch
    if tag_prefix:
        # Two images of one repository never have the same key, and so the same tags: each is built and found by itself.
        yield from ("tag prefix", tag_prefix)


def _digest_of(reference: str, bases: Mapping[str, str | None]) -> str | None:
    return reference.partition("@")[2] or bases.get(reference)


def _suites_hash(stack: Stack, image: Image, digests: "TreeDigests", code: str) -> str:
    suites = [suite for suite in stack.suites_of(image.name) if suite.kind is not SuiteKind.GPU]
    return _hash(
        "suites",
        _VERSION,
        code,
        msgspec.json.encode([stack.tests, image.size_budget], order="deterministic").decode(),
        *(f"{suite.name} {digests.context(suite.folder, CLUTTER)}" for suite in suites),
    )


class TreeDigests:
    """Digests of parts of a tree. Each file is read once, and each folder hashed once for the same patterns."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._paths = tuple(tree.entries)
        self._files: dict[str, str] = {}
        self._contexts: dict[tuple[str, tuple[str, ...]], str] = {}

    def context(self, folder: str, ignore: tuple[str, ...]) -> str:
        """Return a digest of a folder's entries, with their paths in it, that the patterns do not match."""
        place = (folder, ignore)
        if place not in self._contexts:
            self._contexts[place] = self._hash_entries(self._seen(folder, IgnorePatterns(ignore)))
        return self._contexts[place]

    def matching(self, patterns: Sequence[str]) -> str:
        """Return a digest of all files and links of the tree that patterns match, but clutter."""
        rules, clutter = IgnorePatterns(patterns), IgnorePatterns(CLUTTER)
        found = (path for path, kind in self._tree.entries.items() if kind is not EntryKind.FOLDER)
        return self._hash_entries((path, path) for path in found if rules.match(path) and not clutter.match(path))

    def _seen(self, folder: str, rules: IgnorePatterns) -> Iterator[tuple[str, str]]:
        """Return what a build sees, each by its path in the folder and in the tree.

        An ignored folder is there for what an exception keeps of it, and any other even when it is empty.
        """
        prefix = "" if folder == "." else f"{folder}/"
        seen: dict[str, str] = {}
        for place in range(bisect_left(self._paths, prefix), len(self._paths)):
            path = self._paths[place]
            if not path.startswith(prefix):
                break
            inner = path.removeprefix(prefix)
            if not rules.match(inner):
                above = posixpath.dirname(inner)
                while above and above not in seen:
                    seen[above] = prefix + above
                    above = posixpath.dirname(above)
                seen[inner] = path
        return iter(sorted(seen.items()))

    def _hash_entries(self, entries: Iterator[tuple[str, str]]) -> str:
        return _hash(*(field for inner, path in entries for field in (inner, *self._entry(path))))

    def _entry(self, path: str) -> tuple[str, str]:
        kind = self._tree.entries[path]
        if kind is EntryKind.FOLDER:
            return kind, ""
        if path not in self._files:
            self._files[path] = self._tree.digest(path)
        return kind, self._files[path]


def _hash_pairs(pairs: Mapping[str, str | None]) -> str:
    return _hash(*(f"{name} {value}" for name, value in sorted(pairs.items())))


def _hash(*fields: str) -> str:
    """Return the SHA-256 of texts, each with its length in front, so that no two lists of them look the same."""
    found = hashlib.sha256()
    for field in fields:
        encoded = field.encode("utf-8", "surrogateescape")
        found.update(b"%d:" % len(encoded))
        found.update(encoded)
    return found.hexdigest()
