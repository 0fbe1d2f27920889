"""What `tidy` prints."""

from ci.reports.retention import render_retention, render_swept
from ci.retention.model import Policy, Swept
from tests.unit.retention.found import CACHE, CHILD, image, plan, repository, stack

NEW, OLD = stack(9), stack(2)

TEXT = """\
Published stacks: 1 stay, 1 go.
  stay, the newest: 2026.4-0000009
  go, older: 2026.4-0000002

docker.io/me/base
  3 images stay, 1 kB: 1 stable now or earlier, 1 with a tag that no run wrote, 1 of the newest stacks
  2 images go, 2 kB, with 2 tags: 1 of old stacks only, 1 of no stack
  3 attestations go, of images that go or are gone
  tags that no run wrote stay, with their images: latest

docker.io/me/child
  1 image stays, 100 B: 1 of the newest stacks
  no image goes
  1 tag goes from images that stay: 2026.4-0000002

All together: 4 images stay, 1 kB; 2 images go, 2 kB."""


def test_it_says_what_stays_and_what_goes_and_why() -> None:
    images = [
        image("new", stacks={NEW: 1}, layers={"a": 1000}),
        image("old", stacks={OLD: 200}, layers={"a": 1000, "b": 2000}),
        image("was"),
        image("named"),
        image("lost"),
    ]
    tags = {NEW: "new", OLD: "old", CACHE: "lost", "latest": "named", "2026.4-stable": "was"}
    both = image("child", stacks={NEW: 1, OLD: 200})
    found = repository(images, tags), repository([both], {NEW: "child", OLD: "child"}, where=CHILD)
    assert render_retention(plan(*found, policy=Policy(keep_last=1, keep_days=30))) == TEXT


def test_it_says_what_was_deleted_and_what_was_not() -> None:
    assert render_swept(Swept(images=1, tags=2)) == "Deleted: 1 image, and 2 tags of images that stay."
    assert render_swept(Swept(in_use=("a is in use.",), problems=("b was refused.",))) == (
        "Deleted: 0 images, and 0 tags of images that stay.\n\n"
        "Not deleted, because they are in use by now:\n  - a is in use.\n\n"
        "Not deleted:\n  - b was refused."
    )
