"""Alpine packages: apk's database of what is installed."""

from ci.contents.fields import text_of
from ci.contents.found import Files, Found, license_of, shown, whole_number, word
from ci.contents.model import Ecosystem, Package


def read_apk(files: Files) -> Found:
    """Read the installed packages: paragraphs of lines with a letter, a colon and a value."""
    problems: list[str] = []
    packages: list[Package] = []
    for path in sorted(files):
        for paragraph in text_of(path, files[path], problems).split("\n\n"):
            fields = {line[0]: line[2:].strip() for line in paragraph.split("\n") if line[1:2] == ":"}
            name, version = word(fields.get("P", "")), word(fields.get("V", ""))
            if name and version:
                packages.append(_package(name, version, fields))
            elif fields:
                what = f"The package {name} in {shown(path)} has no version." if name else ""
                problems.append(what or f"{shown(path)} has an entry without a package's name.")
    return Found(packages=tuple(packages), problems=tuple(problems))


def _package(name: str, version: str, fields: dict[str, str]) -> Package:
    return Package(
        ecosystem=Ecosystem.APK,
        name=name,
        version=version,
        size=whole_number(fields.get("I", "")),
        source=f"{word(fields.get('o', '')) or name}={version}",
        license=license_of(fields.get("L", "")),
    )
