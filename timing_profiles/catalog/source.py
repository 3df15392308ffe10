"""Parse YAML text, with the place of every key and value.

YAML is read as YAML 1.2 core, from the events of the parser. No document, however hostile, makes
the reader recurse, expand an alias or build an object: anchors, tags and several documents are
problems with a line.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

import yaml

from timing_profiles.catalog.folder import MAX_BYTES
from timing_profiles.problems import MAX_PROBLEMS, KeyPath, Problem, dotted, quoted

MAX_DEPTH = 16
"""The deepest nesting that is read. A profile nests 4 deep."""

MAX_VALUES = 500
"""The most values that are read, including lists and mappings. A complete profile has 83."""

# The mark of UTF-16 begins that of UTF-32.
_OTHER_ENCODINGS = {
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}

# Tags of what a mapping or a list is without one.
_PLAIN_COLLECTIONS = {None, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Plain scalars that are not text, by the core schema, https://yaml.org/spec/1.2.2/#103-core-schema
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(
    r"0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)
_NOT_FINITE = frozenset(
    (
        *(f"{sign}.{word}" for sign in ("", "-", "+") for word in ("inf", "Inf", "INF")),
        *(".nan", ".NaN", ".NAN"),
    )
)
_PREFIXES = ("0o", "0x")
_LONGEST_NUMBER = 40

# libyaml refuses 1,000 levels itself, and may look that far ahead before it reports the first one.
_NESTED = "exceeded maximum nesting depth"
_TOO_DEEP = f"nested deeper than {MAX_DEPTH}"

_EMPTY = "the file is empty; a profile needs at least `description: ...`"

_NOWHERE: Mapping[KeyPath, Place] = MappingProxyType({})


class Place(NamedTuple):
    """A position in a file; line and column are counted from 1.

    A tuple: there are two for every key of every file.
    """

    line: int
    column: int


class Source(NamedTuple):
    """The data of a file, and its places.

    Attributes:
        file: Its name as messages show it.
        data: The mapping at the top of the file; empty if the file cannot be parsed.
        keys: The place of every key, by its path in `data`.
        values: The place of every value, by its path in `data`.
        problems: The problems of the text.
        refused: The paths of what was refused: values, which are None in `data`, and keys that are
            not text.
        doubled: The paths of duplicate keys. In `data` the later value wins; mappings
            are joined, so that all that they hold can be checked.
    """

    file: str
    data: Mapping[str, Any]
    keys: Mapping[KeyPath, Place] = _NOWHERE
    values: Mapping[KeyPath, Place] = _NOWHERE
    problems: tuple[Problem, ...] = ()
    refused: frozenset[KeyPath] = frozenset()
    doubled: frozenset[KeyPath] = frozenset()

    def locate(self, problem: Problem, at: KeyPath | None = None, *, key: bool = False) -> Problem:
        """Return a problem with its place in this file; the first line where it has none.

        Args:
            problem: A problem without a place.
            at: The keys that lead to it; those of the problem by default.
            key: Whether to locate the key, not its value.
        """
        path = problem.at if at is None else at
        place = (self.keys if key else self.values).get(path, Place(1, 1))
        return problem.located(dotted(path), self.file, *place)


class _Refused(Exception):
    """Reading cannot continue; carries the problems."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(*problems)


def read(file: str, content: bytes) -> Source:
    """Read one YAML file.

    Args:
        file: Its name as messages show it.
        content: Its bytes, UTF-8.

    Returns:
        The data and its places. Never raises: a file that cannot be parsed has `problems` only.
    """
    try:
        return _Reader(file, _decoded(file, content)).source()
    except _Refused as refused:
        return Source(file, {}, problems=refused.problems)


def _decoded(file: str, content: bytes) -> str:
    content = content.removeprefix(codecs.BOM_UTF8)
    looks_like = _looks_like(content)
    if looks_like:
        raise _Refused(Problem("file-kind", looks_like, file=file, line=1, column=1))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _after(content[: error.start].decode("utf-8"))
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        hint = "save the file as UTF-8"
        raise _Refused(
            Problem("encoding", message, "", file, place.line, place.column, hint=hint)
        ) from None


def _looks_like(content: bytes) -> str:
    start = content.lstrip()[:100].lower()
    if len(content) > MAX_BYTES:
        return f"the file is larger than {MAX_BYTES} bytes, the limit of a profile"
    if not start:
        return _EMPTY
    for encoding, marks in _OTHER_ENCODINGS.items():
        if content.startswith(marks):
            return f"the file is {encoding}; save it as UTF-8"
    if start.startswith((b"<!doctype", b"<html")):
        return "the file is a web page, not a profile"
    if start.startswith(b"version https://git-lfs"):
        return "the file is a Git LFS pointer; `git lfs pull` fetches the profile itself"
    return ""


class _Reader:
    """Build the data of one document from the events of the parser."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._keys: dict[KeyPath, Place] = {}
        self._values: dict[KeyPath, Place] = {}
        self._read = 0
        self._problems: list[Problem] = []
        self._refused: set[KeyPath] = set()
        self._doubled: set[KeyPath] = set()

    def source(self) -> Source:
        events = self._events()
        data = self._document(events)
        if data is None and self._problems:
            raise _Refused(*self._problems)
        if data is None:
            self._refuse("file-kind", _EMPTY, None)
        if not isinstance(data, dict):
            self._refuse("type", f"expected a mapping at the top, found {_kind(data)}", None)
        places = MappingProxyType(self._keys), MappingProxyType(self._values)
        unclear = frozenset(self._refused), frozenset(self._doubled)
        return Source(self._file, data, *places, tuple(self._problems), *unclear)

    def _events(self) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(self._text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            problem = error.problem or "cannot be read"
            self._refuse_syntax(problem, error.problem_mark or error.context_mark)
        except yaml.reader.ReaderError:
            self._refuse_character()
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # Lone surrogates come as a UnicodeError, for instance.
            self._refuse("yaml-syntax", quoted(str(error).partition("\n")[0])[1:-1], None)

    def _document(self, events: Iterator[yaml.Event]) -> Any:
        data: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                place = _place(event.start_mark)
                if documents > 1:
                    self._note("yaml-documents", "more than one document", place)
                    break
                if event.tags:
                    self._note("yaml-tag", "%TAG directives are not supported", place)
            elif isinstance(event, yaml.NodeEvent):
                data = self._node(event, events, ())
        return data

    def _node(self, event: yaml.NodeEvent, events: Iterator[yaml.Event], path: KeyPath) -> Any:
        self._values[path] = _place(event.start_mark)
        self._check_node(event)
        if len(path) >= MAX_DEPTH:
            self._refuse("yaml-depth", _TOO_DEEP, event.start_mark)
        self._read += 1
        if self._read > MAX_VALUES:
            self._refuse("yaml-values", f"more than {MAX_VALUES} values", event.start_mark)
        value: Any = None
        if isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(events, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(events, path)
        elif isinstance(event, yaml.ScalarEvent) and event.tag is None:
            return self._scalar(event, path)
        if isinstance(event, yaml.CollectionStartEvent) and event.tag in _PLAIN_COLLECTIONS:
            return value
        self._refused.add(path)  # an alias, or a value of another type
        return None

    def _check_node(self, event: yaml.NodeEvent) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            message, hint = (
                "anchors and aliases are not supported",
                "use `extends` to share settings",
            )
            self._note("yaml-alias", message, _place(event.start_mark), hint=hint)
        tag = getattr(event, "tag", None)
        if tag is not None:
            message = f"tag {quoted(tag)} is not supported"
            self._note("yaml-tag", message, _place(event.start_mark))

    def _mapping(self, events: Iterator[yaml.Event], path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        first: dict[str, Place] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key, place = self._key(event, path), _place(event.start_mark)
            inner = (*path, key)
            if key in first:
                message = f"duplicate key, first defined on line {first[key].line}"
                self._note("yaml-duplicate-key", message, place, inner)
                self._doubled.add(inner)
            first.setdefault(key, place)
            self._keys[inner] = place
            value = self._node(_node_event(next(events)), events, inner)
            mapping[key] = _joined(mapping[key], value) if key in mapping else value
        return mapping

    def _key(self, event: yaml.Event, path: KeyPath) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            hint = "write a name, a colon and a value"
            self._refuse("yaml-key", "a key must be plain text", event.start_mark, hint)
        self._check_node(event)
        text: str = event.value
        if event.implicit[0] and (text in _WORDS or _NUMBER.fullmatch(text)):
            kind = _kind(_plain(text[:_LONGEST_NUMBER]))
            message = f"key {quoted(text)} is {kind}; keys must be text"
            self._note("yaml-key", message, _place(event.start_mark), hint="write it in quotes")
            self._refused.add((*path, text))
        return text

    def _sequence(self, events: Iterator[yaml.Event], path: KeyPath) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(_node_event(event), events, (*path, len(items))))
        return items

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> Any:
        text = event.value
        if not event.implicit[0]:
            return text
        refusal, hint = _refused_number(text)
        if refusal:
            self._note("yaml-number", refusal, _place(event.start_mark), path, hint)
            self._refused.add(path)
            return None
        return _plain(text)

    def _refuse_syntax(self, problem: str, mark: Any) -> NoReturn:
        marker = re.search(r"^<<<<<<< ", self._text, re.MULTILINE)
        if marker:
            message = "the file has git conflict markers"
            self._refuse_at("yaml-syntax", message, _after(self._text[: marker.start()]))
        if problem == _NESTED:
            self._refuse("yaml-depth", _TOO_DEEP, mark)
        line = self._text.splitlines()[mark.line : mark.line + 1] if mark else []
        if line and "\t" in line[0][: len(line[0]) - len(line[0].lstrip())]:
            self._refuse("yaml-syntax", "line indented with a tab; use spaces", mark)
        hint = "check the line above, too" if mark and mark.line else ""
        self._refuse("yaml-syntax", f"invalid YAML: {problem}", mark, hint)

    def _refuse_character(self) -> NoReturn:
        # The error's own position counts characters or bytes, by the loader.
        found = yaml.reader.Reader.NON_PRINTABLE.search(self._text)
        character, position = (found.group(), found.start()) if found else ("", 0)
        message = f"the character {quoted(character)} is not allowed in YAML"
        self._refuse_at("yaml-syntax", message, _after(self._text[:position]))

    def _note(
        self, code: str, message: str, place: Place, path: KeyPath = (), hint: str = ""
    ) -> None:
        """Keep a problem, and go on reading: it does not hide those after it."""
        if len(self._problems) == MAX_PROBLEMS:
            enough = f"more than {MAX_PROBLEMS} problems; reading stopped here"
            self._refuse_at("yaml-problems", enough, place)
        self._problems.append(self._at(code, message, place, path, hint))

    def _refuse(self, code: str, message: str, mark: Any, hint: str = "") -> NoReturn:
        self._refuse_at(code, message, _place(mark) if mark else Place(1, 1), hint)

    def _refuse_at(self, code: str, message: str, place: Place, hint: str = "") -> NoReturn:
        raise _Refused(*self._problems, self._at(code, message, place, (), hint))

    def _at(
        self, code: str, message: str, place: Place, path: KeyPath = (), hint: str = ""
    ) -> Problem:
        where = place.line, place.column
        return Problem(code, message, dotted(path), self._file, *where, hint=hint)


def _node_event(event: yaml.Event) -> yaml.NodeEvent:
    # The parser keeps the grammar: only a node can stand where a value is read.
    if not isinstance(event, yaml.NodeEvent):
        raise TypeError(event)
    return event


def _joined(first: Any, later: Any) -> Any:
    """Combine two values of one key: the later one, or both where they are mappings."""
    if not (isinstance(first, dict) and isinstance(later, dict)):
        return later
    known = {key: _joined(first[key], value) for key, value in later.items() if key in first}
    return {**first, **later, **known}


def _after(text: str) -> Place:
    """Return the place after a text from the top of the file."""
    return Place(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if _NUMBER.fullmatch(text) else text


def _number(text: str) -> float:
    if text.startswith(_PREFIXES):
        return int(text, 0)
    return int(text) if text.lstrip("-+").isdecimal() else float(text)


def _refused_number(text: str) -> tuple[str, str]:
    """Return why a number is refused, and a hint; two empty texts where it is valid."""
    if text in _NOT_FINITE:
        return f"{text} is not a finite number", ""
    if not _NUMBER.fullmatch(text):
        return "", ""
    if len(text) > _LONGEST_NUMBER:
        return f"number of {len(text)} characters is too long", ""
    digits = text.lstrip("-+")
    if digits.isdecimal() and digits.startswith("0") and digits != "0":
        plain = str(int(text))
        return f"{text} is {plain} in YAML 1.2 and octal in YAML 1.1", f"write {plain}"
    if not math.isfinite(_number(text)):
        return f"{text} is not a finite number", ""
    return "", ""


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "a mapping")
