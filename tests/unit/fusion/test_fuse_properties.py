"""Properties of fusing, on generated stacks. They are plain values, so that the expected result needs no fusing."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ci.dockerfile.arguments import EPOCH_ARGUMENT
from ci.dockerfile.parser import Dockerfile, parse_dockerfile
from ci.fusion.fuse import fuse, fuse_all
from ci.fusion.fused import Fused
from ci.fusion.substitutions import Substitutions
from ci.stack.reader import read_stack
from tests.unit.fusion.sample_stacks import DIGEST
from tests.unit.trees import MemoryTree, dockerfiles

QUICK = settings(max_examples=30, deadline=None, database=None)
HARMLESS = st.sampled_from(
    [
        "COPY . /a",
        "COPY --chown=1:2 ../x\\\n  # why\n  y /b/",
        'COPY ["c d", "/e"]',
        "COPY <<EOF f /g/\nhi $A\nEOF",
        "ADD https://x.org/h i /j/",
        "ARG A=1 B='two words'",
        "ARG A",
        "ENV A=$A C=../k",
        "COPY $C/l /m",
        "# a comment",
        "",
        "WORKDIR /n",
        "ONBUILD COPY . /o",
    ]
)
RUNS = st.sampled_from(
    ["RUN {}", "run {} \\\n  # why\n\n  && more", "RUN <<EOF\n{}\nEOF", "RUN --mount=target=/p {}", 'RUN ["{}"]']
)
GLOBALS = st.sampled_from(
    ["", "ARG A=2\n", "ARG REG=localhost:5000/a A='it is'\n", "# syntax=docker/dockerfile:1\nARG A\n"]
)
FOREIGN = ("debian", "debian:1", "x/debian", "localhost:5000/y/debian:2", "alpine")
AROUND = st.sampled_from(["{}", "{}:1", "x/{}", "localhost:5000/y/{}:2", "${{NONE:-{}}}"])


class MadeStage(NamedTuple):
    base: str
    """The name of an image of the stack, of a foreign one, or the alias of an earlier stage."""
    alias: str
    dependencies: tuple[str, ...]
    runs: tuple[str, ...]
    text: str


class MadeImage(NamedTuple):
    name: str
    text: str
    stages: tuple[MadeStage, ...]

    def needed_stages(self) -> list[MadeStage]:
        names = {self.stages[-1].alias}
        found: list[MadeStage] = []
        for stage in reversed(self.stages):
            if stage.alias in names:
                names.update((stage.base, *stage.dependencies))
                found.insert(0, stage)
        return found


@st.composite
def made_stages(draw: st.DrawFn, image: str, aliases: Sequence[str], images: Sequence[str]) -> MadeStage:
    *above, alias = aliases
    index = len(above)
    base = draw(st.sampled_from([*above, *images, "debian", "scratch"]))
    lines, dependencies, runs = [], [], []
    for number in range(draw(st.integers(0, 3))):
        lines.append(draw(HARMLESS))
        source = draw(st.sampled_from([*above, *images, "alpine"]))
        kind = draw(st.sampled_from(["", "COPY --from={} /q /r", "RUN --mount=from={},target=/s {run}"]))
        run = f"{image}-{index}-{number}"
        if "{}" in kind:
            dependencies.append(source)
            lines.append(kind.format(source.upper() if source in above else source, run=run))
        if "RUN" not in kind:
            lines.append(draw(RUNS).format(run))
        runs.append(run)
    around = "{}" if base in (*above, "scratch") else draw(AROUND)
    written = f"FROM {around.format(base)} AS {alias.title()}\n"
    return MadeStage(base, alias, tuple(dependencies), tuple(runs), written + "".join(f"{line}\n" for line in lines))


@st.composite
def made_images(draw: st.DrawFn) -> tuple[MadeImage, ...]:
    found: list[MadeImage] = []
    for name in ("base", "b.c1", "build0", "tool"):
        # Images share names of stages, and some of these are names of images.
        aliases = [draw(st.sampled_from(["build", "b.c", "debian"])) + str(index) for index in range(3)]
        aliases = aliases[: draw(st.integers(1, 3))]
        images = [image.name for image in found if image.name not in aliases]
        stages = [draw(made_stages(name, aliases[: index + 1], images)) for index in range(len(aliases))]
        text = draw(GLOBALS) + "".join(stage.text for stage in stages)
        found.append(MadeImage(name, draw(st.sampled_from([text, text.rstrip("\n"), f"\ufeff{text}"])), tuple(stages)))
    return tuple(found)


def needed(images: Sequence[MadeImage], name: str) -> list[MadeImage]:
    """Return the image and all images it needs, by following the names that its needed stages use."""
    by_name = {image.name: image for image in images}
    wanted = {name}
    for image in reversed(images):
        if image.name in wanted:
            own = {stage.alias for stage in image.stages}
            for stage in image.needed_stages():
                wanted.update(used for used in (stage.base, *stage.dependencies) if used in by_name and used not in own)
    return [image for image in images if image.name in wanted]


def fused_all(images: Sequence[MadeImage]) -> dict[str, Fused]:
    stack = read_stack(MemoryTree({f"images/{image.name}/Dockerfile": image.text for image in images}))
    return {image.name: fuse(stack, image.name) for image in stack.images}


def parsed(text: str) -> Dockerfile:
    return parse_dockerfile(text, "fused")


@QUICK
@given(made_images())
def test_an_image_that_needs_no_other_keeps_its_text(images: tuple[MadeImage, ...]) -> None:
    fused = fused_all(images)
    for image in images:
        if needed(images, image.name) == [image]:
            assert fused[image.name].text == image.text


@QUICK
@given(made_images())
def test_every_needed_run_appears_once_and_in_order(images: tuple[MadeImage, ...]) -> None:
    fused = fused_all(images)
    for name, found in fused.items():
        parts = needed(images, name)
        expected = {part.name: [run for stage in part.needed_stages() for run in stage.runs] for part in parts}
        steps: dict[str, list[str]] = {part.name: [] for part in parts}
        for step in found.steps:
            steps[step.image].extend(
                run for part in images for stage in part.stages for run in stage.runs if run in step.command
            )
        assert steps == expected


@QUICK
@given(made_images())
def test_the_text_cut_after_a_step_ends_with_it(images: tuple[MadeImage, ...]) -> None:
    for found in fused_all(images).values():
        for step in found.steps:
            last = parsed(found.cut(step)).stages[-1].body[-1]
            assert last.keyword == step.keyword
            assert last.end == step.end


@QUICK
@given(made_images())
def test_the_text_is_self_contained(images: tuple[MadeImage, ...]) -> None:
    """Read as the only image of a stack, it has all its stages, and depends on the same foreign images."""
    stack = read_stack(MemoryTree({f"images/{image.name}/Dockerfile": image.text for image in images}))
    for image in stack.images:
        found = fuse(stack, image.name)
        (single,) = read_stack(dockerfiles(fused=found.text)).images
        foreign = {base for part in stack.closure([image.name]) for base in part.foreign_bases}
        assert set(single.foreign_bases) == foreign
        stages = parsed(found.text).stages
        assert len({stage.alias for stage in stages}) == len(stages)
        if image.needs:
            assert [stage.alias for stage in stages] == [stage.name for stage in found.stages]


@QUICK
@given(made_images())
def test_a_stage_reads_the_same_in_every_text(images: tuple[MadeImage, ...]) -> None:
    seen: dict[str, tuple[str, ...]] = {}
    for name, found in fused_all(images).items():
        if found.contexts[0].folder:
            for stage in parsed(found.text).stages:
                # The last stage of an image has an ARG at its end only for children, and its ONBUILDs only for itself.
                body = tuple(one.raw for one in stage.body if one.keyword not in ("ARG", "ONBUILD"))
                assert seen.setdefault(stage.alias, body) == body, name


class StackToFuse(NamedTuple):
    images: tuple[MadeImage, ...]
    substitutions: Substitutions


@st.composite
def made_with_substitutions(draw: st.DrawFn) -> StackToFuse:
    images = draw(made_images())
    names = st.lists(st.sampled_from([image.name for image in images]), unique=True)
    published = {name: f"localhost:5000/{name}@{DIGEST}" for name in draw(names)}
    digests = dict.fromkeys(draw(st.lists(st.sampled_from(FOREIGN))), DIGEST)
    epochs = {name: name for name in draw(names)}
    return StackToFuse(images, Substitutions(published=published, digests=digests, epochs=epochs))


@QUICK
@given(made_with_substitutions())
def test_a_text_depends_on_published_and_pinned_images(made: StackToFuse) -> None:
    """Read as the only image of a stack, it depends on just those; and no image is built that is not needed."""
    stack = read_stack(MemoryTree({f"images/{image.name}/Dockerfile": image.text for image in made.images}))
    published = {
        name: text for name, text in made.substitutions.published.items() if not stack.by_name[name].dockerfile.onbuild
    }
    for name, found in fuse_all(stack, stack.by_name, made.substitutions).items():
        if name in made.substitutions.published:
            assert found.text == f"FROM {made.substitutions.published[name]}\n"
            continue
        parts = stack.closure([name], without=published)
        outside = {made.substitutions.pinned(base) for part in parts for base in part.foreign_bases}
        outside |= {published[needed] for part in parts for needed in part.needs if needed in published}
        (single,) = read_stack(dockerfiles(fused=found.text.replace(EPOCH_ARGUMENT, "EPOCH"))).images
        assert set(single.foreign_bases) == outside
        assert {stage.image for stage in found.stages} == {part.name for part in parts}
        assert len(found.contexts) == len(parts)
        for stage in found.stages:
            assert parsed(found.head(stage.begin)).stages[-1].body == ()


@QUICK
@given(made_with_substitutions())
def test_an_epoch_adds_a_line_to_stages_and_changes_nothing_else(made: StackToFuse) -> None:
    stack = read_stack(MemoryTree({f"images/{image.name}/Dockerfile": image.text for image in made.images}))
    substitutions = msgspec.structs.replace(made.substitutions, epochs={})
    before = fuse_all(stack, stack.by_name, substitutions)
    for name, found in fuse_all(stack, stack.by_name, made.substitutions).items():
        own = {image: made.substitutions.argument_line(image) for image in made.substitutions.epochs}
        assert without(own.values(), found.text) == before[name].text
        for old, new in zip(before[name].steps, found.steps, strict=True):
            assert msgspec.structs.replace(new, end=old.end) == old
            assert without(own.values(), found.cut(new)) == before[name].cut(old)
        for stage in found.stages if found.contexts else ():
            line = found.text.split("\n")[stage.begin : stage.begin + 1]
            assert (line == [own.get(stage.image)]) == (stage.image in own)


def without(lines: Iterable[str], text: str) -> str:
    left_out = set(lines)
    return "\n".join(line for line in text.split("\n") if line not in left_out)
