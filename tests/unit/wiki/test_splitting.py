"""Long pages in parts."""

from hypothesis import given
from hypothesis import strategies as st

from ci.reports.markdown import fold, table
from ci.wiki.splitting import split
from tests.unit.reports.markdown_shapes import rows_of, shape

WORDS = st.text("abc", max_size=30)
BLOCKS = st.one_of(
    WORDS.map(lambda word: ["", f"## {word}", ""]),
    WORDS.map(lambda word: ["", f"text {word}", ""]),
    st.lists(WORDS, min_size=1, max_size=20).map(lambda words: ["", *table(["a", "b"], [[w, "1"] for w in words]), ""]),
    st.lists(WORDS, min_size=1, max_size=20).map(
        lambda words: ["", *fold("more", table(["a", "b"], [[w, "1"] for w in words]))]
    ),
    st.lists(WORDS, max_size=20).map(lambda words: ["", "```", *words, "```", ""]),
)
PAGES = st.lists(BLOCKS, min_size=1, max_size=10).map(lambda blocks: [line for block in blocks for line in block])
MOST = 300


@given(PAGES)
def test_nothing_is_lost(lines: list[str]) -> None:
    parts = split(lines, MOST)
    rest = iter([line for part in parts for line in part])
    assert all(line in rest for line in lines)  # in this order


@given(PAGES)
def test_each_part_is_whole(lines: list[str]) -> None:
    parts = ["\n".join(part) for part in split(lines, MOST)]
    for part in parts:
        found = shape(part)
        assert found.count("html_block") % 2 == 0
        assert part.count("```") % 2 == 0
    assert sum(rows_of(part) for part in parts) == rows_of("\n".join(lines))


@given(PAGES)
def test_parts_are_as_large_as_they_may_be(lines: list[str]) -> None:
    for part in split(lines, MOST):
        assert len("\n".join(part).encode()) < MOST + 100


def test_headings_and_heads_of_tables_are_repeated() -> None:
    lines = ["## pip", "", *table(["package", "version:"], [[f"p{number}", "1"] for number in range(20)])]
    first, second, *_ = split(lines, 150)
    assert first[:4] == second[:4] == ["## pip", "", "| package | version |", "| --- | ---: |"]
