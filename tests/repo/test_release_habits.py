"""A version stands in one place, CHANGELOG.md has the form of Keep a Changelog, and bots leave what is not theirs."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
RELEASED = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d{2}-\d{2})")
EARLIER = (
    "# Changelog\n\n## [Unreleased]\n\n- New.\n\n## [1.10.0] - 2026-12-01\n\n- More.\n\n"
    "## [1.9.0] - 2026-11-01\n\n- Old.\n"
)


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def load(path: str) -> Any:  # noqa: ANN401 (any YAML)
    return YAML(typ="safe").load((ROOT / path).read_text())


def changelog_problems(text: str) -> list[str]:
    """Return what is not of the form: Unreleased first, then versions with their days, newest first."""
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    found = [RELEASED.fullmatch(title) for title in titles[1:]]
    problems = [] if titles[:1] == ["[Unreleased]"] else ["it does not begin with ## [Unreleased]"]
    problems += [f"not [X.Y.Z] - YYYY-MM-DD: {title}" for title, one in zip(titles[1:], found, strict=True) if not one]
    versions = [tuple(map(int, one.groups()[:3])) for one in found if one]
    days = [date.fromisoformat(one[4]) for one in found if one]
    if versions != sorted(versions, reverse=True) or days != sorted(days, reverse=True):
        problems.append("versions or days are out of order")
    return problems


def test_the_changelog_has_its_form() -> None:
    assert changelog_problems((ROOT / "CHANGELOG.md").read_text()) == []
    assert changelog_problems(EARLIER) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("[Unreleased]", "Unreleased"), ("[1.9.0]", "1.9.0"), ("1.9.0", "1.11.0"), ("2026-11-01", "2026-12-31")],
)
def test_a_changelog_of_another_form_is_found(old: str, new: str) -> None:
    assert len(changelog_problems(EARLIER.replace(old, new))) == 1


def test_the_version_is_one_of_semantic_versioning_and_newer_than_what_was_released() -> None:
    version = project()["project"]["version"]
    released = RELEASED.search((ROOT / "CHANGELOG.md").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert released is None or tuple(map(int, version.split("."))) >= tuple(map(int, released.groups()[:3]))


def test_the_hook_before_a_commit_is_the_quick_part_of_check() -> None:
    (repository,) = load(".pre-commit-config.yaml")["repos"]
    (hook,) = repository["hooks"]
    assert (repository["repo"], hook["entry"], hook["pass_filenames"]) == ("local", "./check lint", False)


def test_no_bot_moves_what_is_pinned_for_a_reason() -> None:
    """The module's own pins: what they write is compared with what was published. The SDK is that of the engine."""
    pinned = {name for line in project()["project"]["dependencies"] for name, has, _ in [line.partition("==")] if has}
    (updates,) = [one for one in load(".github/dependabot.yml")["updates"] if one["package-ecosystem"] == "pip"]
    assert {one["dependency-name"] for one in updates["ignore"]} == {*pinned, "dagger-io"}
