"""Represent problems as values, and convert them to text and JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

Severity = Literal["error", "warning"]

KeyPath = tuple[str | int, ...]
"""The keys and indices that lead from the top of a document to a value."""

MAX_PROBLEMS = 100
"""The most problems of one file that one kind of check reports before it stops."""

_LONGEST_QUOTE = 60
_LONGEST_KEY = 40
_LONGEST_NEAR_MISS = 100
_MOST_COMPARED = 100
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_./"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file or with a caller's metadata.

    A check that knows no place sets `fields` or `at` instead of `path`; `located` replaces them.

    Attributes:
        code: A stable name for programs, such as `range` or `override-forbidden`.
        message: The value that was found, and the allowed ones.
        path: The dotted field, such as `stt.nova.endpointing_ms`; empty for a whole file.
        file: The path of the file with any character that it holds, or the metadata layer; may be
            empty. `place` has it for people.
        line: Counted from 1; 0 if unknown.
        column: Counted from 1; 0 if unknown.
        severity: `error` keeps a set out of service, `warning` does not.
        hint: How to fix it; may be empty.
        fields: The dotted fields that cause the problem, the most likely one first.
        at: The keys and indices that lead from the top of a document to the problem.
    """

    code: str
    message: str
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    severity: Severity = "error"
    hint: str = ""
    fields: tuple[str, ...] = ()
    at: KeyPath = ()

    def __str__(self) -> str:
        """Return `file:line:column: path: message`, and the hint on a line of its own."""
        warning = "warning" if self.severity == "warning" else ""
        parts = (self.place, warning, printable(self.path), printable(self.message))
        text = ": ".join(part for part in parts if part)
        return f"{text}\n  hint: {printable(self.hint)}" if self.hint else text

    @property
    def place(self) -> str:
        """Return `file:line:column`, as far as they are known, for people."""
        parts = (printable(self.file), self.line, self.column)
        return ":".join(str(part) for part in parts if part)

    def to_json(self) -> dict[str, Any]:
        """Return the problem as `check --format json` prints it."""
        return {name: getattr(self, name) for name in _PRINTED}

    def located(self, path: str, file: str, line: int = 0, column: int = 0) -> Problem:
        """Return the problem with its place: a dotted field of a file or of a metadata layer."""
        return replace(self, path=path, file=file, line=line, column=column, fields=(), at=())


_PRINTED = ("code", "message", "path", "file", "line", "column", "severity", "hint")


class ProfilesError(Exception):
    """A set of profiles that cannot be used.

    Attributes:
        problems: All problems of the set, sorted.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Store the problems; the text of the exception is all of them, one on each line."""
        self.problems = in_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ProfilesError], tuple[tuple[Problem, ...]]]:
        """Support pickling, so that the error can cross a process border."""
        return type(self), (self.problems,)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems by file, line and column, each once."""
    return tuple(sorted(set(problems), key=lambda p: (p.file, p.line, p.column, p.path, p.message)))


def dotted(path: KeyPath) -> str:
    """Return a path as people write it, `overrides.allow[2]`, each key on one bounded line."""
    keys = (f"[{key}]" if isinstance(key, int) else f".{_key(key)}" for key in path)
    return "".join(keys).removeprefix(".")


def _key(key: str) -> str:
    return cut(printable(json.dumps(key, ensure_ascii=False)[1:-1]), _LONGEST_KEY)


def quoted(value: Any) -> str:
    """Return a value as JSON, on one line, cut after 60 characters."""
    return cut(printable(json.dumps(value, default=str, ensure_ascii=False)), _LONGEST_QUOTE)


def printable(text: str) -> str:
    """Return text of any origin on one line, with escapes for what a terminal would obey.

    Control characters, those that change the direction of text, line breaks and bytes that are not
    UTF-8 are escaped; letters of any language are not.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def prose(text: str) -> str:
    """Return sentences on one line, as `printable` does, with spaces for line breaks and tabs."""
    return printable(" ".join(text.replace("\t", " ").splitlines()))


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()


def cut(text: str, most: int) -> str:
    """Return a text, or as much of it as `most` characters hold and three dots."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def listed(words: Iterable[str], most: int = 20) -> str:
    """Return the first `most` words, separated by commas, and the number of the others."""
    known = list(words)
    shown = ", ".join(known[:most])
    return f"{shown}, and {len(known) - most} more" if len(known) > most else shown


def strerror(error: OSError) -> str:
    """Return the reason of a system error in C's words; those of Windows depend on its language."""
    return os.strerror(error.errno) if error.errno else error.strerror or str(error)


def unknown_profile(name: str, known: Iterable[str]) -> str:
    """Return the message about a name that no profile has."""
    return f"unknown profile {quoted(name)}; available: {listed(known)}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint for a near miss, or an empty text."""
    near = near_miss(word, known)
    return f"did you mean {near}?" if near else ""


def near_miss(word: str, known: Iterable[str]) -> str:
    """Return the known word that is nearest to a mistyped one, or nothing.

    A job waits for it: of more than 100 words, only those with one slip are compared.
    """
    if len(word) > _LONGEST_NEAR_MISS:
        return ""
    # Only a mistake needs it, and a command starts sooner without.
    import difflib  # noqa: PLC0415

    words = list(known)
    if len(words) > _MOST_COMPARED:
        words = [*{*words}.intersection(_with_one_slip(word.lower()))]
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return near[0] if near else ""


def _with_one_slip(word: str) -> Iterator[str]:
    """Yield the words that differ by a letter: none, another one, one more, or two swapped."""
    yield word
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        yield before + after[1:]
        yield before + after[1:2] + after[:1] + after[2:]
        for letter in _LETTERS:
            yield before + letter + after
            yield before + letter + after[1:]
