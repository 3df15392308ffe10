"""Text that Markdown could obey, and what a page makes of it."""

from collections.abc import Iterator

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

HOSTILE = (
    *("\n\n# Approved\n\n", "\r\r- [x] checked\r", "\u2028", "|", "\\|", "\\", "`", "``", "@ada"),
    *("![](https://example.com/x.png)", "<img src=x>", "<!--", "https://example.com", " ", "~~"),
    *("www.example.com", "&lt;", "1. one", "- ", "===", "**", "_", "#1", ":eyes:", "$x$", "a_b"),
)
hostile = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), max_size=6).map("".join)

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_INERT = {"text", "code_inline", "strong_open", "strong_close", "softbreak"}


def parsed(text: str) -> tuple[list[str], set[str]]:
    """The blocks of a text by their names, and each part outside code spans."""
    tokens = _PARSER.parse(text)
    inner = [piece for token in tokens for piece in token.children or ()]
    assert {piece.type for piece in inner} <= _INERT
    return list(_blocks(tokens)), {piece.content for piece in inner if piece.type == "text"} - {""}


def _blocks(tokens: list[Token]) -> Iterator[str]:
    return (token.type for token in tokens if token.nesting == 1)
