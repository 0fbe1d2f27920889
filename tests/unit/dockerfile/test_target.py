import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.dockerfile.parser import parse_dockerfile
from ci.dockerfile.target import TargetError, cut_to_target

TEXT = """\
# a comment
ARG V=1
FROM debian AS first
RUN one

FROM first
COPY --from=first /a /a
# before the last
FROM alpine AS Last
RUN last
"""


@pytest.mark.parametrize(
    ("target", "lines"),
    [("first", 5), ("FIRST", 5), ("0", 5), ("1", 8), ("", 10), ("last", 10), ("Last", 10), ("2", 10)],
)
def test_a_dockerfile_ends_with_its_target(target: str, lines: int) -> None:
    found = cut_to_target(parse_dockerfile(TEXT, "D"), target)
    assert found.text == "".join(TEXT.splitlines(keepends=True)[:lines])
    # It is what the parser makes of the shorter text: all lines keep their numbers.
    assert found == parse_dockerfile(found.text, "D")


def test_of_stages_with_one_name_it_is_the_last() -> None:
    text = "FROM a AS x\nFROM b AS y\nFROM c AS x\nFROM d\n"
    assert cut_to_target(parse_dockerfile(text, "D"), "x").stages[-1].source.words[0] == "c"


@pytest.mark.parametrize("target", ["3", "-1", "nowhere"])
def test_an_unknown_target_is_refused_with_the_stages(target: str) -> None:
    with pytest.raises(TargetError) as error:
        cut_to_target(parse_dockerfile(TEXT, "images/a/Dockerfile"), target)
    assert str(error.value) == (
        f"images/a/Dockerfile has no stage {target!r}. Its stages are: first, 1 (line 6), last."
    )


def test_a_similar_name_is_suggested() -> None:
    with pytest.raises(TargetError, match=r"has no stage 'frist'\. Did you mean 'first'\?"):
        cut_to_target(parse_dockerfile(TEXT, "D"), "frist")


STAGE = st.lists(
    st.sampled_from(["RUN x", "", "# note", "RUN a \\\n  # in between\n  b", "COPY <<EOF /f\nFROM x\nEOF"]), max_size=4
)


@given(st.lists(STAGE, min_size=1, max_size=5), st.data(), st.sampled_from(["\n", "\r\n"]))
def test_any_target_is_the_beginning_of_the_file(stages: list[list[str]], data: st.DataObject, end: str) -> None:
    text = "".join("\n".join([f"FROM i AS s{index}", *body, ""]) for index, body in enumerate(stages))
    text = text.replace("\n", end)
    index = data.draw(st.integers(0, len(stages) - 1))
    whole = parse_dockerfile(text, "D")
    found = cut_to_target(whole, f"s{index}")
    assert text.startswith(found.text)
    assert found.stages == whole.stages[: index + 1] == parse_dockerfile(found.text, "D").stages
