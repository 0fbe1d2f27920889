"""Which files look like Dockerfiles: by the names that public repositories give them."""

import re

# What is written in other languages, or only becomes a Dockerfile.
_OTHER = frozenset(
    [
        "bak",
        "bat",
        "cfg",
        "conf",
        "dockerignore",
        "erb",
        "go",
        "hcl",
        "html",
        "in",
        "ini",
        "j2",
        "jinja",
        "jinja2",
        "js",
        "json",
        "lock",
        "m4",
        "md",
        "mustache",
        "patch",
        "pl",
        "ps1",
        "py",
        "r",
        "rb",
        "rst",
        "sh",
        "svg",
        "template",
        "tf",
        "tmpl",
        "toml",
        "tpl",
        "ts",
        "txt",
        "xml",
        "yaml",
        "yml",
    ]
)
_NAME = re.compile(r"(dockerfile|containerfile)([._-][^/]+)?|[^/]+[._-](dockerfile|containerfile)", re.IGNORECASE)
DEFAULT_NAMES = ("Dockerfile", "Containerfile")
"""What is found in a folder without a line in stack.toml; the first of them that is there."""


def looks_like_dockerfile(path: str) -> bool:
    """Return whether a file may be a Dockerfile: `Dockerfile.cpu`, `NAME.Dockerfile`, `Containerfile`."""
    name = path.rpartition("/")[2]
    # Most files of a tree are ruled out without a regular expression.
    return (
        "file" in name.lower() and _NAME.fullmatch(name) is not None and name.rpartition(".")[2].lower() not in _OTHER
    )
