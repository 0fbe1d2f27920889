"""A small stack that builds in seconds, in the shape of the real one: base, two children, a grandchild."""

from collections.abc import Mapping
from pathlib import Path

BASE = """\
FROM debian:bookworm-slim
COPY greeting /greeting
RUN echo base-says; cp /greeting /copied
USER nobody
"""
DS = "ARG BASE=docker.io/ucsdets/base:2026.4-stable\nFROM ${BASE}\nUSER root\nRUN echo ds-says > /ds; cat /ds /copied\n"
ML = "FROM docker.io/ucsdets/ds\nRUN echo ml-says; head -c 2000000 /dev/zero > /weights\n"
R = "FROM base\nUSER root\nRUN echo r-says; touch /r\n"

FILES = {
    "images/base/Dockerfile": BASE,
    "images/base/greeting": "hello\n",
    "images/ds/Dockerfile": DS,
    "images/ml/Dockerfile": ML,
    "images/r/Dockerfile": R,
}


def write_tree(folder: Path, files: Mapping[str, str]) -> Path:
    """Write texts by path below a folder and return the folder."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder
