"""What a reader of GitHub's Markdown makes of a text."""

from markdown_it import MarkdownIt

HOSTILE = [
    "[a](https://evil.example)",
    "![a](https://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "https://evil.example",
    "www.evil.example",
    "@octocat",
    "`x` [a](b)",
    "``` x",
    "x`",
    "`",
    "a|b|c",
    "a\\|b",
    "\\",
    "a\nb\n# c",
    "| --- |",
    "</details>",
    "<!-- datahub diff -->",
    "\x1b[31mred\x1b[0m",
    "*a* _b_",
    "&lt;b&gt;",
]
"""Names and versions as an image of somebody else may have them."""


def shape(text: str) -> list[str]:
    """Return what a reader of GitHub's Markdown makes of a text, but the texts."""
    reader = MarkdownIt("gfm-like")
    return [
        token.type for block in reader.parse(text) for token in (block, *(block.children or ())) if token.type != "text"
    ]


def rows_of(text: str) -> int:
    found = shape(text)
    return found.count("tr_open") - found.count("thead_open")
