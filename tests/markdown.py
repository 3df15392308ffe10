"""The project's pages in Markdown: their blocks of code, and what sort each block is of.

A block is known by its language and by what follows that on the same line, which no reader sees:

    yaml                a whole profile, named in its first line
    json                metadata
    json livekit.NAME   a message of LiveKit's API
    console             commands, and what they print
    text call           a call as `make call` drew it; looked at only
    text problem        what `check` prints of a value that a shown profile does not have
    text rehearsal      what `rehearse` prints; the numbers are those of one machine
    csv                 labels of recordings
    json words          words with times
    python, ts          code; a file's name may follow, for the tests
    swift, kotlin       code that is only looked at
    mermaid             a diagram that GitHub draws
    LANGUAGE from PATH  a part of that file of the repository
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

_DOCS = sorted(path.name for path in (ROOT / "docs").glob("*.md"))

PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{name}" for name in _DOCS)]
"""The pages, as they are named in the repository."""

_FENCED = re.compile(r"^```(\S*) ?(.*)\n((?s:.*?))^```$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code.

    Attributes:
        page: The page that it stands on.
        line: The line of its first fence.
        language: The first word after that fence.
        mark: What follows the language.
        text: What stands between the fences.
        after: What follows the block, up to the next block or heading.
    """

    page: str
    line: int
    language: str
    mark: str
    text: str
    after: str

    def __str__(self) -> str:
        """`docs/phone.md:24`."""
        return f"{self.page}:{self.line}"


def read(page: str) -> str:
    """The text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page, from top to bottom."""
    text = read(page)
    for found in _FENCED.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        after = re.split(r"^(?:```|#)", text[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        language, mark, code = found.groups()
        yield Block(page, line, language, mark, code, after)


def prose(page: str) -> str:
    """A page without its blocks, each run of white space one space."""
    return " ".join(_FENCED.sub("", read(page)).split())


def headings(page: str) -> list[str]:
    """The headings of a page."""
    return re.findall(r"^#+ (.*)$", _FENCED.sub("", read(page)), re.MULTILINE)


def sort(block: Block) -> str:
    """What sort of block it is; empty where no test knows what to do with it."""
    if block.mark.startswith("from "):
        return "part"
    if block.language == "json" and block.mark.startswith("livekit."):
        return "message"
    if block.language in {"python", "ts"}:
        return block.language
    return _SORTS.get((block.language, block.mark), "")


_SORTS = {
    ("yaml", ""): "profile",
    ("json", ""): "metadata",
    ("text", "problem"): "problem",
    ("text", "call"): "picture",
    ("text", "rehearsal"): "rehearsal",
    ("csv", ""): "labels",
    ("json", "words"): "words",
    **{(language, ""): language for language in ("console", "swift", "kotlin", "mermaid")},
}


BLOCKS = [block for page in PAGES for block in blocks(page)]


def of_sort(*sorts: str) -> list[Block]:
    """The blocks of these sorts, on all pages."""
    return [block for block in BLOCKS if sort(block) in sorts]


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a console, each with the output that is shown beneath it."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output
