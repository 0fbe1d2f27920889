"""Builds Debian root file systems like debian:bookworm-slim from this machine's package sources.

It needs no image registry.
"""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from native_engine import recipes, versions
from native_engine.errors import EngineError
from native_engine.inputs import LOCAL_CERTIFICATES
from native_engine.steps import BuildDir

POCKETS = ("", "-updates", "-security")  # of a Debian release


def debian_sources(text: str, codename: str) -> str:
    """Reduce a .list or .sources file to Debian's main packages, and replace CODENAME by the image's release."""
    suites = {f"{codename}{pocket}" for pocket in POCKETS}
    if re.search(r"^Types:", text, re.MULTILINE):
        stanzas = re.split(r"\n\s*\n", text)
        kept = [
            stanza for stanza in stanzas if _has_main(_field(stanza, "Suites"), _field(stanza, "Components"), suites)
        ]
        joined = "\n\n".join(kept)
    else:
        joined = "\n".join(line for line in text.splitlines() if _line_has_main(line, suites))
    return re.sub(rf"\b{codename}\b", versions.BASE_SUITE, joined.strip()) + "\n" if joined else ""


def make_rootfs(step: str, packages: Sequence[str], root: Path, build_dir: BuildDir) -> None:
    """Install PACKAGES and their dependencies into ROOT, and make it trust this machine's local certificates."""
    sources = _write_sources(root.with_name(f"{root.name}-sources"))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    include = f"--include={','.join(packages)}"
    command: list[str | Path] = ["mmdebstrap", *recipes.ROOTFS_OPTIONS, include, versions.BASE_SUITE, root, *sources]
    build_dir.run(step, command, env={**environment, "TMPDIR": str(build_dir.scratch)})
    if LOCAL_CERTIFICATES.is_dir():
        shutil.copytree(LOCAL_CERTIFICATES, root / LOCAL_CERTIFICATES.relative_to("/"), dirs_exist_ok=True)
    build_dir.run(step, ["chroot", root, "update-ca-certificates"], env=environment)
    for folder in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / folder)
        (root / folder).mkdir()
    for file in ("etc/resolv.conf", "etc/hostname"):  # copied from this machine
        (root / file).unlink(missing_ok=True)


def machine_codename() -> str:
    """Return the codename of this machine's Debian release."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r'^VERSION_CODENAME="?(\w+)', release, re.MULTILINE)
    return found[1] if found else versions.BASE_SUITE


def _write_sources(folder: Path) -> list[Path]:
    folder.mkdir()
    apt = Path("/etc/apt")
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if path.suffix in {".list", ".sources"} and path.is_file():
            kept = debian_sources(path.read_text(encoding="utf-8"), machine_codename())
            if kept:
                (folder / path.name).write_text(kept, encoding="utf-8")
    written = sorted(folder.iterdir())
    if not written:
        raise EngineError(f"No source of Debian's main packages for {machine_codename()} found below {apt}: add one.")
    return written


def _field(stanza: str, name: str) -> list[str]:
    found = re.search(rf"^{name}:((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE)
    return found[1].split() if found else []


def _line_has_main(line: str, suites: set[str]) -> bool:
    found = re.match(r"deb\s+(?:\[[^]]*\]\s+)?\S+\s+(\S+)\s+(.*)", line)
    return found is not None and _has_main([found[1]], found[2].split(), suites)


def _has_main(found: Sequence[str], components: Sequence[str], suites: set[str]) -> bool:
    return bool(found) and set(found) <= suites and "main" in components
