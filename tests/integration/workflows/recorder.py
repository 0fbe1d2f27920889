"""Stands in for a program of the outside: writes down how it was called, and answers as a test says.

It runs by itself, in whatever environment a workflow gives it: `recorder.py FOLDER PROGRAM WORD…`. FOLDER has
`answers.json`, by the name of a call, and gets a line of `calls.jsonl` for each.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path


def call_name(program: str, words: list[str]) -> str:
    """Return what a call is answered by: a Dagger function, `build-share trunk-1`, `gh pr create`, or a program."""
    if program == "dagger":
        function = next((word for word in words[1:] if not word.startswith("-")), program)
        shares = [word.removeprefix("--share=") for word in words if word.startswith("--share=")]
        return " ".join([function, *shares])
    return " ".join([program, *words[:2]]) if program == "gh" else program


def read_files(words: list[str]) -> str:
    """Return the text of the files that a call is given, which are gone when the run has ended.

    Of a folder, the names of what is in it.
    """
    given = [word.removeprefix("--known-hosts=") for word in words if word.startswith("--known-hosts=")]
    given += [word.removeprefix("--shares=") for word in words if word.startswith("--shares=")]
    given += [words[index + 1] for index, word in enumerate(words) if word == "--notes-file"]
    folders = [Path(word.removeprefix("--kept=")) for word in words if word.startswith("--kept=")]
    names = [str(path.relative_to(folder)) for folder in folders for path in folder.rglob("*") if path.is_file()]
    return "".join(Path(file).read_text() for file in given) + "\n".join(sorted(names))


def main(folder: Path, program: str, words: list[str]) -> int:
    """Record a call, do what its answer says and return its exit code."""
    name = call_name(program, words)
    call = {"name": name, "words": words, "environment": dict(os.environ), "read": read_files(words)}
    # At once: the jobs of a matrix run beside each other.
    with (folder / "calls.jsonl").open("ab", buffering=0) as calls:
        calls.write(f"{json.dumps(call)}\n".encode())
    answer = json.loads((folder / "answers.json").read_text()).get(name, {})
    time.sleep(answer.get("seconds", 0))
    if answer.get("report") and "-o" in words:
        shutil.copytree(answer["report"], words[words.index("-o") + 1], dirs_exist_ok=True)
    sys.stdout.write(answer.get("prints", ""))
    sys.stderr.write(answer.get("says", ""))
    return int(answer.get("code", 0))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
