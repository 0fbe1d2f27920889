"""References to images, as they stand after FROM and --from: `[registry/]repository[:tag][@digest]`."""

import re

_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z0-9+._-]+:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"(?:{_HOST}/)?{_NAME}(?:/{_NAME})*(?::{_TAG})?(?:@{_DIGEST})?")
_COMPONENT = re.compile(_NAME)


def is_reference(text: str) -> bool:
    """Tell whether a registry could be asked for this."""
    return _REFERENCE.fullmatch(text) is not None


def is_image_name(text: str) -> bool:
    """Tell whether an image may be named so: by a valid last part of a repository's path."""
    return _COMPONENT.fullmatch(text) is not None


def repository_name(reference: str) -> str:
    """Return the last part of the repository's path: `python` of `localhost:5000/a/python:3.12@sha256:…`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
