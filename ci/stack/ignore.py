"""What a .dockerignore file keeps out of a build context."""

import posixpath


def read_ignore(text: str) -> tuple[str, ...]:
    """Return the patterns of a .dockerignore as Docker reads them: comments out, paths tidied, `!` kept in front."""
    patterns: list[str] = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = "" if line.startswith("#") else line.strip()
        if not pattern:
            continue
        kept = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip()
        if pattern:
            # normpath keeps two slashes in front, which POSIX gives a meaning of their own.
            pattern = posixpath.normpath(pattern.replace("//", "/"))
        if len(pattern) > 1:
            pattern = pattern.removeprefix("/")
        patterns.append(f"!{pattern}" if kept else pattern)
    return tuple(patterns)
