"""The Dockerfile, read as docker reads it: instructions, one after the other."""

import re
from pathlib import Path

_FILE = Path(__file__).parents[1] / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """The instructions, each with what follows it, on one line."""
    text = _FILE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    split = [line.partition(" ") for line in whole.splitlines()]
    return [(name, rest.strip()) for name, _, rest in split]


def said(name: str) -> list[str]:
    """What follows each instruction of a name."""
    return [rest for instruction, rest in instructions() if instruction == name]


def copied() -> dict[str, list[str]]:
    """What is copied from the repository, by where it goes."""
    found: dict[str, list[str]] = {}
    for words in (rest.split() for rest in said("COPY") if not rest.startswith("--from")):
        found.setdefault(words[-1], []).extend(words[:-1])
    return found
