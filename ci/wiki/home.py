"""The first page: what is stable in each version, and what was published."""

from collections.abc import Iterator, Mapping, Sequence

from ci import units
from ci.contents.described_stack import DescribedStack
from ci.promotion.stack_listing import stable_time
from ci.reports.markdown import code, table
from ci.reports.promotion import gate_sentences
from ci.wiki.dates import day, minute
from ci.wiki.model import COMMIT_SHOWN, RecordedStack, StableStack, Version, WikiInput, stacks
from ci.wiki.names import DEPENDENCIES, PACKAGES, SYSTEM_PACKAGES, PageIndex

_KEY_VERSIONS = ("Python", "R", "Julia", "JupyterLab", "CUDA", "PyTorch", "TensorFlow", "NumPy", "pandas")
"""As many as fit beside each other; the page of an image has all."""
_LISTED = 6
"""Images whose links are shown at once; more are folded."""
_SENTENCE = 2000


def home_page(wiki: WikiInput, index: PageIndex) -> Iterator[str]:
    """Yield the lines of the part of the page that is ours."""
    yield " · ".join(
        [
            f"**{index.link('Which image has which package', PACKAGES)}**",
            index.link("packages of the operating system", SYSTEM_PACKAGES),
            index.link("which image builds on which", DEPENDENCIES),
        ]
    )
    if not wiki.versions:
        yield from ("", "Nothing is published yet.")
    for version in wiki.versions:
        yield from ("", f"## {code(version.name)}", "")
        yield from _stable(version.stable, index)
        if version.published:
            yield from ("", f"### Published, newest first ({len(version.published)})", "")
            yield from _published(version, index)


def _stable(stable: StableStack | None, index: PageIndex) -> Iterator[str]:
    if stable is None:
        yield "No stack of this version is stable yet."
        return
    changes = index.link("what changed", index.changes[stable.tag])
    if stable.contents is None:
        yield f"{code(stable.tag)} points to nothing now: {changes}."
        return
    run = f" is {code(stable.run.tag)}" if stable.run else " points to images of which no publication is recorded"
    since = f" since {minute(stable.since)}" if stable.since else ""
    commit = f", commit {code(stable.run.commit[:COMMIT_SHOWN])}" if stable.run and stable.run.commit else ""
    yield f"**{code(stable.tag)}{run}**{since}{commit}: {changes}."
    current = stable.timeline.current
    promotion = stable.timeline.promotion(current) if current else None
    for sentence in gate_sentences(promotion) if promotion else ():
        yield from ("", code(sentence, _SENTENCE))
    yield ""
    page = next(stacks(Version(name="", stable=stable)))
    yield from _images(stable.contents, index.of_stack(page))


def _images(stack: DescribedStack, links: Mapping[str, str]) -> Sequence[str]:
    described = [stack.images[name].system.versions for name in stack.names if name in stack.images]
    shown = [key for key in _KEY_VERSIONS if any(key in versions for versions in described)]
    rows = []
    for name in stack.names:
        contents = stack.images.get(name)
        if contents is None:
            rows.append([links[name], *("" for _ in shown), "-", "-"])
            continue
        versions = [code(contents.system.versions.get(key, "")) for key in shown]
        rows.append([links[name], *versions, units.size(contents.size), units.size(contents.compressed_size)])
    return table(["image", *shown, "files:", "to download:"], rows)


def _published(version: Version, index: PageIndex) -> Sequence[str]:
    pages = {page.tag: page for page in stacks(version)}
    return table(
        ["stack", "published", "commit", "to download:", "built:", "stable", "images"],
        [
            [
                code(one.tag),
                minute(one.run.started),
                code(one.run.commit[:COMMIT_SHOWN]),
                units.size(sum(image.size for image in one.run.images)),
                f"{sum(image.action.value == 'build' for image in one.run.images)} of {len(one.run.images)}",
                _when_stable(version.stable, one),
                _links(list(index.of_stack(pages[one.tag]).values())),
            ]
            for one in version.published
        ],
    )


def _links(links: Sequence[str]) -> str:
    listed = ", ".join(links)
    if len(links) <= _LISTED:
        return listed
    return f"<details><summary>{units.number(len(links), 'image')}</summary>{listed}</details>"


def _when_stable(stable: StableStack | None, stack: RecordedStack) -> str:
    """Say whether a stack is stable, or from when it was."""
    found = stable_time(stack.run, stable.timeline) if stable else None
    if found is None:
        return ""
    return f"**now**, since {day(found.at)}" if found.is_now else f"was, from {day(found.at)}"
