"""Inputs changed in the terms of their language, so that they get past the parser."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lab.fuzz.targets import NEXT_LAYER, PROFILE_NAMES, SCHEMA, TARGETS
from timing_profiles.resolution.request import FLAT_NAMES

Mutate = Callable[[bytes, int], bytes]
"""libFuzzer's own mutations: bytes and the most bytes -> bytes."""

_SHARE_OF_BYTES = 0.4  # of mutations, that are libFuzzer's

_BORDER = re.compile(rb"(?<=[\s\[\]{},:\"'])|(?=[\s\[\]{},:\"'])")

_LONGEST_SPAN = 200
_LONGEST = max(target.most_bytes for target in TARGETS.values())

_NUMBERS = (
    *("0", "-0", "1", "-1", "0.5", "5", "800", "99999", "800.0", "017", "0x1F", "0o7", ".5", "1."),
    *("1e3", "1e-9", "1e999", "-1e999", "9" * 40, "9" * 41, "9" * 4301, "0." + "1" * 400),
    *(".inf", "-.Inf", ".nan", "NaN", "Infinity", "1_000", "12:30", "+1", "2026-01-01"),
)
_TEXTS = (
    *("auto", "null", "~", "true", "yes", "off", "*", "<<", "", "ä", "\u202e", "\u2028", "\ufeff"),
    *("\x1b[31m", "\x07", "\x00", "\x85", "\U0001f600", "a.b", "a b", "__class__", "../x", "%s{}"),
)


@dataclass(frozen=True, slots=True)
class Language:
    """The parts of the inputs of a target.

    Attributes:
        tokens: What stands in an input.
        series: A key and what follows it, with a place for a name and one for a number.
    """

    tokens: tuple[bytes, ...]
    series: tuple[bytes, ...]

    def mutated(self, data: bytes, most_bytes: int, seed: int, mutate: Mutate) -> bytes:
        """Return a mutated input."""
        chance = random.Random(seed)  # noqa: S311 (no secret hangs on it)
        edits = (
            *(self._inserted, self._replaced, _removed, _moved),
            *(self._inserted, self._replaced, _repeated, self._enumerated),
        )
        for _ in range(chance.choice((1, 1, 2, 4))):
            if chance.random() < _SHARE_OF_BYTES:
                data = mutate(data, most_bytes)
            else:
                data = chance.choice(edits)(data, chance)[:most_bytes]
        return data

    def _inserted(self, data: bytes, chance: random.Random) -> bytes:
        at = _border(data, chance)
        return data[:at] + chance.choice(self.tokens) + data[at:]

    def _replaced(self, data: bytes, chance: random.Random) -> bytes:
        start, end = _span(data, chance)
        return data[:start] + chance.choice(self.tokens) + data[end:]

    def _enumerated(self, data: bytes, chance: random.Random) -> bytes:
        """Return thousands of different keys."""
        at = _border(data, chance)
        form, name = chance.choice(self.series), chance.choice(self.tokens).strip(b'" :\n')
        often = _often(chance, form % (name, 0))
        many = b"".join(form % (name, number) for number in range(often))
        return data[:at] + many + data[at:]


def _removed(data: bytes, chance: random.Random) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def _moved(data: bytes, chance: random.Random) -> bytes:
    start, end = _span(data, chance)
    at = _border(data, chance)
    return data[:at] + data[start:end] + data[at:]


def _repeated(data: bytes, chance: random.Random) -> bytes:
    start, end = _span(data, chance)
    span = data[start:end]
    return data[:end] + span * _often(chance, span) + data[end:]


def _border(data: bytes, chance: random.Random) -> int:
    """Return a place between two words."""
    found = _BORDER.search(data, chance.randint(0, len(data)))
    return found.start() if found else len(data)


def _span(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = _border(data, chance)
    found = _BORDER.search(data, min(len(data), start + chance.randint(1, _LONGEST_SPAN)))
    return start, found.start() if found else len(data)


def _often(chance: random.Random, span: bytes) -> int:
    """A few times; now and then so often that an input is as long as it may be."""
    often: int = 2 ** chance.choice((1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 16))
    return min(_LONGEST // (len(span) or 1), often)


def _words() -> Iterator[str]:
    """The words of profiles: keys, whole paths, and the values that the schema speaks of."""
    yield from ("description", "extends", "overrides", "allow")
    for path in (*sorted(SCHEMA.sections), *SCHEMA.fields):
        yield from (path, path.rpartition(".")[2])


def _values() -> Iterator[Any]:
    for field in SCHEMA.fields.values():
        yield from (*field.schema.get("examples", ()), *field.schema.get("enum", ()))
        bounds = (field.schema.get(bound) for bound in ("minimum", "maximum", "exclusiveMinimum"))
        yield from (bound for bound in bounds if bound is not None)


def _yaml() -> Language:
    signs = (
        *("- ", "? ", ": ", ":", "\n", "\n  ", "\n    ", ", ", "[", "]", "{", "}", "[]", "{}"),
        *("#", " # x\n", "|\n", ">-\n", "'", '"', "''", "&x ", "*x", "!x ", "!!str ", "!!int "),
        *("---\n", "...\n", "%YAML 1.2\n", "%TAG ! tag:x:\n", "\t", "\r\n", "\\", "<<: ", "@", "`"),
        *(
            "<<<<<<< HEAD\n",
            "overrides: {allow: [",
            "turn_handling: {endpointing: {",
            "stt: {nova: {",
        ),
    )
    scalars = (*(json.dumps(value) for value in _values()), *PROFILE_NAMES, *_NUMBERS, *_TEXTS)
    words = [form.format(word) for word in _words() for form in ("{}: ", "\n{}:\n  ", "{}, ")]
    return Language(
        _encoded((*signs, *scalars, *words)), (b"%s%x: 1\n", b"%s%x,", b"  %s%x: {}\n", b"- %s%x\n")
    )


def _metadata() -> Language:
    signs = (
        *(
            "{",
            "}",
            "[",
            "]",
            "{}",
            "[]",
            ":",
            ",",
            '"',
            "\\",
            "\\u0000",
            "\\ud800",
            "\\u202e",
            " ",
        ),
        *(
            NEXT_LAYER,
            NEXT_LAYER + '{"profile":"open"}' + NEXT_LAYER,
            '{"profile":',
            '"overrides":{',
        ),
        *('{"profile":"open","overrides":{"turn_handling":{"endpointing":{', '"profile":"open",'),
    )
    names = (json.dumps(name) for name in (*PROFILE_NAMES, *_TEXTS))
    values = (json.dumps(value) for value in _values())
    words = (f'"{word}":' for word in (*_words(), "profile", *FLAT_NAMES))
    return Language(
        _encoded((*signs, *names, *values, *words, *_NUMBERS)), (b'"%s%x":1,', b'"%s%x":{},')
    )


def _encoded(tokens: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(token.encode() for token in tokens))


def _schema() -> Language:
    """JSON with the keywords of JSON Schema, each with values that it takes, and with others."""
    bounds = ("minimum", "maximum", "exclusiveMinimum", "minItems", "maxLength", "multipleOf")
    numbers = ("0", "-1", "0.5", "1e9", "99999", "null", '"1"', "true", "[]", "9" * 5000, "1e999")
    types = ('"string"', '"number"', '["number","null"]', '"any"', "[]", "null", "1")
    schemas = ("true", "false", "{}", "[]", "null", '{"$ref":"#"}', '{"not":{}}', '{"enum":[]}')
    inside = (
        "items",
        "additionalProperties",
        "not",
        "if",
        "contains",
        "propertyNames",
        "properties",
    )
    lists = ("allOf", "anyOf", "oneOf", "required", "enum", "prefixItems")
    texts = ('"^(a+)+$"', '"("', '"(?=a)"', '"\\\\1"', '"[a-z]{1,9999}"', '"^a$"', "1")
    keywords = (
        *(f'"{bound}":{number},' for bound in bounds for number in numbers),
        *(f'"type":{kind},' for kind in types),
        *(f'"{keyword}":{schema},' for keyword in inside for schema in schemas),
        *(f'"{keyword}":[{schema}],' for keyword in lists for schema in (*schemas, '"x"')),
        *(f'"pattern":{text},"format":{text},' for text in texts),
        *('"$ref":"http://127.0.0.1:9/x",', '"$dynamicRef":"#x",', '"$id":"x",', '"x-live":1,'),
        *('"x.y":{"type":"null"},', '"properties":{"a":{"type":"number"}},', '"description":1,'),
    )
    signs = ("{", "}", "[", "]", ":", ",", '"', "\\", "\ufeff", " ")
    words = (f'"{word}":' for word in _words())
    return Language(_encoded((*signs, *keywords, *words, *_NUMBERS)), (b'"%s%x":{},', b'"%s%x":1,'))


def _commands() -> Language:
    """What terminals, GitHub's runner and Markdown obey."""
    escapes = ("\x1b]0;x\x07", "\x1b[2J", "\x9b31m", "\r", "\n", "\r\n", "\t", "\x7f", "\ue000")
    runner = ("::error::", "##[error]", "::", "%0A", "::add-mask::", "##[")
    marks = ("`", "``", "|", "# ", "<b>", "<!--", "![](x)", "@ada", "- ", "***", "\\", '"', "'")
    return Language(_encoded((*escapes, *runner, *marks, *_TEXTS)), (b"%s%x\n", b"%s%x "))


LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {"yaml": _yaml(), "metadata": _metadata(), "schema": _schema(), "commands": _commands()}
)
"""The language of each target."""
