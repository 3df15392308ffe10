"""Find the files of the page: those of this package, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).with_name("page")
"""Where the page's files are."""

_SENTENCES = FOLDER / "sentences" / "sentences.json"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
_TEXT = "text/plain; charset=utf-8"


class PageFile(NamedTuple):
    """A file of the page and its media type."""

    path: Path
    kind: str


def found() -> dict[str, PageFile]:
    """Return every file by the path that a browser asks for; `/` is the page itself.

    A request is looked up here and is never made into a path: links, directories and `..` are not
    in the result.
    """
    files = {
        f"/{path.relative_to(FOLDER).as_posix()}": PageFile(path, _TYPES.get(path.suffix, _TEXT))
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    start = files.get("/index.html")
    return {**files, "/": start} if start else files


def sentences() -> list[dict[str, Any]]:
    """Return the recorded sentences that the page has."""
    try:
        listed: list[dict[str, Any]] = json.loads(_SENTENCES.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return listed
