"""The page of one image under one tag: how to run it, and what is in it."""

from collections.abc import Iterator, Mapping

from ci.publish.attestations import RecordedImage
from ci.publish.tags import Place
from ci.reports.contents import DescribedImage, counts, facts
from ci.reports.contents_page import contents_sections
from ci.reports.manifests import described_images
from ci.reports.markdown import code, fence, table
from ci.wiki.dates import day
from ci.wiki.model import COMMIT_SHOWN, StackPage, WikiInput
from ci.wiki.names import HOME, PACKAGES, PageIndex

_SENTENCE = 2000


def image_pages(stack: StackPage, index: PageIndex, wiki: WikiInput) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the lines of the page of each image of a stack."""
    contents = stack.contents
    recorded = stack.run.by_name if stack.run else {}
    places = {name: recorded[name].place if name in recorded else wiki.tags.place(name) for name in contents.names}
    references = {name: str(places[name].pinned(image.digest)) for name, image in contents.images.items()}
    described = {one.contents.image: one for one in described_images(contents, references, wiki.highlights)}
    links = index.of_stack(stack)
    for name in contents.names:
        lines = [*_head(stack, name, links, index), *_running(places[name], stack.tag)]
        if name in described:
            lines.extend(_described(described[name], links))
        else:
            lines.extend(["", f"**What is in it is not known:** {code(contents.missing[name], _SENTENCE)}"])
        lines.extend([*_tests(recorded.get(name)), "", _as_json(stack.tag, name)])
        yield index.images[stack.tag, name], lines


def _head(stack: StackPage, name: str, links: Mapping[str, str], index: PageIndex) -> Iterator[str]:
    run, stable = stack.run, stack.stable
    parent = stack.contents.parents.get(name)
    published = f"published on {day(run.started)}" if run else ""
    if run and stable:
        published = f"published as {code(run.tag)}"
    facts_of_it = [
        f"**{code(name)}** of {code(stack.tag)}",
        published,
        f"stable since {day(stable.since)}" if stable and stable.since else "",
        f"commit {code(run.commit[:COMMIT_SHOWN])}" if run and run.commit else "",
        f"built on {links.get(parent, code(parent))}" if parent else "",
    ]
    yield ", ".join(part for part in facts_of_it if part) + "."
    changes = [index.link("What changed", index.changes[stack.tag])] if stack.tag in index.changes else []
    yield ""
    yield " · ".join([*changes, index.link("Which image has which package", PACKAGES), index.link("All stacks", HOME)])


def _running(place: Place, tag: str) -> Iterator[str]:
    reference = place.tagged(tag)
    yield from ("", "## How to run it", "")
    yield from fence([f"launch.sh -i {reference}", f"docker pull {reference}"]).splitlines()


def _described(image: DescribedImage, links: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield "The tag may point to another image tomorrow; this is always the one that is described here:"
    yield ""
    yield from fence([image.reference]).splitlines()
    yield ""
    yield f"- {code(facts(image))}"
    yield f"- {code(counts(image.contents.packages, image.contents))}"
    if image.parent is not None:
        yield f"- brought by this image: {code(counts(image.own) or 'no packages')}"
    yield from contents_sections(image, links)


def _tests(record: RecordedImage | None) -> Iterator[str]:
    if record is None:
        return
    tests = record.tests
    yield from ("", "## Tests", "")
    if tests.ran == ():
        yield "It has no suites."
        return
    yield from table(("passed:", "skipped:", "flaky:"), [(str(tests.passed), str(tests.skipped), str(tests.flaky))])
    if tests.ran:
        yield from ("", f"Suites: {', '.join(code(name) for name in tests.ran)}.")


def _as_json(tag: str, name: str) -> str:
    return f"The same as JSON: {code(f'./daggerw call describe --tag {tag} --image {name} --as-json', _SENTENCE)}"
