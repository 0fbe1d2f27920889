"""A division of a small stack, which is worth none by itself, and what puts it in the place of that of `divide`."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from native_engine.client import CLI_BIN

# In the place of `dagger`: the real one, with the engine of the share, if it has one of its own. After `divide` of the
# whole stack, the division below is put in the place of its own.
_PROGRAM = """\
#!{python}
import json, os, pathlib, subprocess, sys
words = " ".join(sys.argv).replace("=", " ").split()
share = words[words.index("--share") + 1] if "--share" in words else ""
if share in {engines!r}:
    os.environ["_EXPERIMENTAL_DAGGER_RUNNER_HOST"] = {engines!r}[share]
    with open({used!r}, "a") as used:
        used.write(share + "\\n")
if "divide" not in sys.argv:
    os.execv({dagger!r}, ["dagger", *sys.argv[1:]])
code = subprocess.run([{dagger!r}, *sys.argv[1:]]).returncode
if code == 0:
    folder = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
    shares = json.loads((folder / "shares.json").read_text())
    if len(shares["division"]["trunk"][0]["images"]) == {number}:
        shares["division"] |= {division!r}
        (folder / "shares.json").write_text(json.dumps(shares))
        (folder / "outputs").write_text({outputs!r})
sys.exit(code)
"""


def write_divider(
    folder: Path, shares: Mapping[str, tuple[str, ...]], parents: Mapping[str, str], engines: Mapping[str, str] = {}
) -> Path:
    """Write a program for CLI_BIN. `shares` are the images of each, `engines` addresses for some of them.

    The file `used` beside it has the shares that these engines built.
    """
    rounds: dict[str, list[dict[str, object]]] = {"trunk": [], "branches": []}
    for name, images in shares.items():
        needs = sorted({parents[one] for one in images if one in parents} - {*images})
        share = {"name": name, "images": images, "needs": needs, "seconds": 60.0}
        rounds["trunk" if name.startswith("trunk") else "branches"].append(share)
    names = {key: ",".join(f'"{one["name"]}"' for one in own) for key, own in rounds.items()}
    program = folder / "dagger"
    text = _PROGRAM.format(
        python=sys.executable,
        dagger=os.environ[CLI_BIN],
        number=sum(map(len, shares.values())),
        division=rounds,
        outputs="".join(f"{key}=[{own}]\n" for key, own in names.items()),
        engines=dict(engines),
        used=str(folder / "used"),
    )
    program.write_text(text)
    program.chmod(0o755)
    return program
