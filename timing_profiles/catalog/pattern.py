"""Regular expressions of a schema, matched in a time that texts cannot blow up.

`re` tries one way after the other: `^(a+)+$` takes it minutes for 60 letters, in a process that
serves calls. This engine follows all ways at the same time, so each character costs one step for
each state. It takes what JSON Schema recommends that patterns consist of
(https://json-schema.org/draft/2020-12/json-schema-core#section-6.4), and the usual escapes; what no
such engine can match, a look-around or a back-reference, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, NoReturn, Union

MAX_STATES = 1_000
"""The most states of a pattern, counted repetitions written out."""

MAX_STEPS = 100_000
"""The most steps for one text, some 0.1 s of them; a text that would take more does not match."""

_NAME = 64  # characters of a text whose answer is remembered

# Names of fields share most of their steps. A pattern remembers steps to so many states: 0.5 MB.
_MOST_REMEMBERED = 10_000

_REPEAT = re.compile(r"([*+?])|\{(\d{1,9})(,?)(\d{0,9})\}")
_BOUNDS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_CONTROLS = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")

_Test = Callable[[str], bool]
_States = frozenset[int]

_CLASSES: dict[str, _Test] = {
    "d": lambda char: char in "0123456789",
    "w": lambda char: char == "_" or (char.isascii() and char.isalnum()),
    "s": lambda char: char.isspace() or char == "\ufeff",
}


class PatternError(ValueError):
    """A text is not a pattern that can be matched; the message has the reason."""


class _Either(NamedTuple):
    branches: tuple[tuple[_Node, ...], ...]


class _Repeat(NamedTuple):
    node: _Node
    least: int
    most: int | None


# A test of one character, `^`, `$`, a group, or a repeated one of these.
_Node = Union[_Test, str, _Either, _Repeat]  # noqa: UP007 - evaluated, where Python 3.10 takes no `|`


def is_like(text: str, pattern: str) -> bool:
    """Return whether some part of a text matches a pattern.

    Raises:
        PatternError: The pattern cannot be matched.
    """
    # The names of profiles and models come again and again.
    return _is_like(text, pattern) if len(text) <= _NAME else compiled(pattern).is_in(text)


@lru_cache(maxsize=1024)
def _is_like(text: str, pattern: str) -> bool:
    return compiled(pattern).is_in(text)


@lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """Return the pattern of a text.

    Raises:
        PatternError: It cannot be matched.
    """
    return Pattern(text)


class Pattern:
    """A pattern; of what it can end in, state 0 is a match."""

    def __init__(self, text: str) -> None:
        """Read a pattern.

        Raises:
            PatternError: It cannot be matched.
        """
        self._states: list[tuple[_Test | str, list[int]]] = [("match", [])]
        self._built = 0
        self._steps: dict[tuple[_States, str], _States] = {}
        try:
            self._start = self._group(_Reader(text).everything(), 0)
        except RecursionError:
            raise PatternError("nested too deeply") from None

    def is_in(self, text: str) -> bool:
        """Return whether some part of a text matches."""
        last = len(text)
        met = self._closure((), is_begin=True, is_end=not text)
        steps = len(met)
        for position, char in enumerate(text, 1):
            if 0 in met or steps > MAX_STEPS:
                break
            met = self._step(met, char, is_end=position == last)
            steps += len(met)
        return 0 in met

    def _step(self, met: _States, char: str, *, is_end: bool) -> _States:
        """Return the states that are met after another character."""
        if is_end:
            return self._closure(self._after(met, char), is_end=True)
        found = self._steps.get((met, char))
        if found is None:
            found = self._closure(self._after(met, char))
            if len(self._steps) * len(self._states) < _MOST_REMEMBERED:
                self._steps[met, char] = found
        return found

    def _after(self, met: _States, char: str) -> Iterator[int]:
        for state in met:
            test, following = self._states[state]
            if not isinstance(test, str) and test(char):
                yield following[0]

    def _closure(
        self, reached: Iterable[int], *, is_begin: bool = False, is_end: bool = False
    ) -> _States:
        """Return the states that are reached without another character; a match starts anywhere."""
        passed = {"": True, "^": is_begin, "$": is_end}
        found: set[int] = set()
        waiting = [*reached, self._start]
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                test, following = self._states[state]
                if isinstance(test, str) and passed.get(test):
                    waiting.extend(following)
        return frozenset(found)

    def _state(self, test: _Test | str, following: Iterable[int]) -> int:
        self._states.append((test, list(following)))
        return len(self._states) - 1

    def _group(self, group: _Either, then: int) -> int:
        starts = [self._sequence(branch, then) for branch in group.branches]
        return starts[0] if len(starts) == 1 else self._state("", starts)

    def _sequence(self, nodes: tuple[_Node, ...], then: int) -> int:
        for node in reversed(nodes):
            then = self._node(node, then)
        return then

    def _node(self, node: _Node, then: int) -> int:
        self._built += len(node.branches) if isinstance(node, _Either) else 1
        if self._built > MAX_STATES:
            raise PatternError(f"larger than {MAX_STATES} states, counted repetitions written out")
        if isinstance(node, _Either):
            return self._group(node, then)
        return self._repeat(node, then) if isinstance(node, _Repeat) else self._state(node, [then])

    def _repeat(self, repeat: _Repeat, then: int) -> int:
        if repeat.most is None:
            loop = self._state("", [then])
            self._states[loop][1].append(self._node(repeat.node, loop))
            then = loop
        end = then
        for _ in range((repeat.most or repeat.least) - repeat.least):
            then = self._state("", [self._node(repeat.node, then), end])
        for _ in range(repeat.least):
            then = self._node(repeat.node, then)
        return then


class _Reader:
    """Reads the text of a pattern from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def everything(self) -> _Either:
        group = self._either()
        if self._at < len(self._text):
            self._refuse('")" without "("')
        return group

    def _refuse(self, reason: str) -> NoReturn:
        raise PatternError(f"{reason}, at character {self._at + 1}")

    def _ahead(self, *texts: str) -> bool:
        return self._text.startswith(texts, self._at)

    def _take(self) -> str:
        if self._at == len(self._text):
            self._refuse("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _either(self) -> _Either:
        branches = [tuple(self._sequence())]
        while self._ahead("|"):
            self._take()
            branches.append(tuple(self._sequence()))
        return _Either(tuple(branches))

    def _sequence(self) -> Iterator[_Node]:
        while self._at < len(self._text) and not self._ahead("|", ")"):
            yield self._repeated(self._atom())

    def _repeated(self, node: _Node) -> _Node:
        found = _REPEAT.match(self._text, self._at)
        if not found:
            return node
        if node in ("^", "$"):
            self._refuse("nothing to repeat")
        sign, least, comma, most = found.groups()
        low, high = _BOUNDS[sign] if sign else (int(least), int(most or least))
        if comma and not most:
            high = None
        if high is not None and high < low:
            self._refuse("a repetition with more at least than at most")
        self._at = found.end()
        if self._ahead("?"):  # as few as possible: the same texts match
            self._take()
        return _Repeat(node, low, high)

    def _atom(self) -> _Node:
        if self._ahead("*", "+", "?", "{", "}", "]"):
            self._refuse(f'"{self._text[self._at]}" without a backslash')
        char = self._take()
        if char == "(":
            return self._parentheses()
        if char in "^$":
            return char
        if char == ".":
            return lambda found: found not in "\n\r\u2028\u2029"
        if char == "[":
            return self._choice()
        test = self._escape() if char == "\\" else char
        return test if callable(test) else test.__eq__

    def _parentheses(self) -> _Either:
        if self._ahead("?:"):
            self._at += 2
        elif self._ahead("?"):
            self._refuse("a look-around or a named group is not supported")
        group = self._either()
        if not self._ahead(")"):
            self._refuse('"(" without ")"')
        self._take()
        return group

    def _escape(self) -> str | _Test:
        code = _CODE.match(self._text, self._at)
        if code:
            self._at = code.end()
            return chr(int(code[1] or code[2], 16))
        char = self._take()
        if char.lower() in _CLASSES:
            test = _CLASSES[char.lower()]
            return test if char.islower() else lambda found: not test(found)
        if char.isalnum() and char not in _CONTROLS:
            self._at -= 1
            self._refuse(f'"\\{char}" is not supported')
        return _CONTROLS.get(char, char)

    def _choice(self) -> _Test:
        """Read `[...]`."""
        is_other = self._ahead("^")
        if is_other:
            self._take()
        tests: list[_Test] = []
        ranges: list[tuple[str, str]] = []
        while not self._ahead("]"):
            low = self._member()
            if callable(low):
                tests.append(low)
                continue
            high: str | _Test = low
            if self._ahead("-") and not self._ahead("-]"):
                self._take()
                high = self._member()
            if callable(high) or high < low:
                self._refuse("a range that is none")
            ranges.append((low, high))
        self._take()

        def is_chosen(char: str) -> bool:
            is_in_range = any(low <= char <= high for low, high in ranges)
            return is_other != (is_in_range or any(test(char) for test in tests))

        return is_chosen

    def _member(self) -> str | _Test:
        char = self._take()
        return self._escape() if char == "\\" else char
