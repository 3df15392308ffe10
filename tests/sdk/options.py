"""The options that functions and classes take: names, types, defaults, and what is deprecated."""

import inspect
import operator
import pkgutil
import re
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias, TypeVar

from tests.sdk.deprecation import deprecated

ABSENT = inspect.Parameter.empty
"""The default of an option that has none."""

Values: TypeAlias = Mapping[str, Any]
"""Option -> the value that holds where it is left out; for a TypedDict, the mapping of its keys."""

InForce: TypeAlias = Mapping[str, Values]
"""Situation -> what holds in it. The first situation is the usual one."""

Names: TypeAlias = Mapping[str, Any]
"""What the names in a type stand for."""

_T = TypeVar("_T")
_NAME = re.compile(r"[^\W\d][\w.]*")

# Longer lists are catalogues of models and languages.
_FEW = 8


@dataclass(frozen=True, slots=True)
class Source:
    """Something that takes options.

    Attributes:
        name: What people call it, such as `deepgram.STT`.
        place: Where it is, such as `livekit.plugins.deepgram:STT`: a function, or a class, which
            takes the options of its constructor.
        in_force: Asks it what holds where options are left out; by default it cannot be asked.
    """

    name: str
    place: str
    in_force: Callable[[], InForce] = dict


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        name: Its dotted name, such as `deepgram.STT.endpointing_ms`.
        type: Its type, as the source has it.
        default: Its default in the signature; for a key of a TypedDict, what holds without it.
        notes: What else holds where it is left out.
        deprecated: Whether the source says so.
    """

    name: str
    type: str
    default: Any
    notes: tuple[str, ...]
    deprecated: bool

    def __str__(self) -> str:
        """All but the name: `float = 0.3 (0.5 with turn_detection='vad')`."""
        default = "" if self.default is ABSENT else f" = {written(self.default)}"
        notes = (*self.notes, "deprecated") if self.deprecated else self.notes
        return f"{self.type}{default}" + (f" ({', '.join(notes)})" if notes else "")


@dataclass(slots=True)
class Listing:
    """What an SDK takes.

    Attributes:
        options: Every option, in the order of the source.
        unreadable: What could not be read -> why.
    """

    options: list[Option] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def read(self, what: str, reading: Callable[[], _T], otherwise: _T) -> _T:
        """What is read; else `otherwise`, and why."""
        try:
            return reading()
        except Exception as error:  # noqa: BLE001 - what has changed may raise anything
            self.unreadable[what] = f"{type(error).__name__}: {error}"
            return otherwise


def listing(sources: Sequence[Source]) -> Listing:
    """All options of these, with the keys of the TypedDicts in their types."""
    found = Listing()
    for source in sources:
        target = found.read(source.name, partial(pkgutil.resolve_name, source.place), None)
        if target is not None:
            nothing: InForce = {}
            in_force = found.read(f"defaults of {source.name}", source.in_force, nothing)
            taken = partial(_taken, source.name, target, in_force)
            found.options += found.read(source.name, taken, [])
    return found


def written(value: Any) -> str:
    """A value as in Python; an object without a text of its own as `TurnDetector()`."""
    text = repr(value)
    return f"{type(value).__name__}()" if " object at 0x" in text else text


def _taken(name: str, target: Any, in_force: InForce) -> list[Option]:
    function = target
    if isinstance(target, type):
        function = inspect.getattr_static(target, "__init__")
    return list(_of_function(name, inspect.unwrap(function), in_force))


def _of_function(name: str, function: Any, in_force: InForce) -> Iterator[Option]:
    out_of_use = deprecated(function)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name != "self":
            inner = _inner(in_force, parameter.name)
            yield from _with_keys(
                Option(
                    f"{name}.{parameter.name}",
                    _type(parameter.annotation, function.__globals__),
                    parameter.default,
                    # A default that is a value holds as it is.
                    _held(inner) if repr(parameter.default) == "NOT_GIVEN" else (),
                    parameter.name in out_of_use,
                ),
                function.__globals__,
                inner,
            )


def _of_keys(name: str, keys: Any, in_force: InForce) -> Iterator[Option]:
    out_of_use = deprecated(keys)
    names = vars(sys.modules[keys.__module__])
    for key, annotation in keys.__annotations__.items():
        inner = _inner(in_force, key)
        default = next(iter(inner.values()), ABSENT)
        yield from _with_keys(
            Option(
                f"{name}.{key}",
                _type(annotation, names),
                ABSENT if isinstance(default, Mapping) else default,
                _held(inner)[1:],
                key in out_of_use,
            ),
            names,
            inner,
        )


def _with_keys(option: Option, names: Names, in_force: InForce) -> Iterator[Option]:
    """An option and the keys of the TypedDicts in its type, but for those of a deprecated one."""
    yield option
    if not option.deprecated:
        for keys in _typed_dicts(option.type, names):
            yield from _of_keys(option.name, keys, in_force)


def _typed_dicts(annotation: str, names: Names) -> Iterator[Any]:
    # What a callable takes is nothing that is given here.
    for name in _NAME.findall(annotation.partition("Callable[")[0]):
        named = _named(name, names)
        # So one is known, whether it is made with typing or with typing_extensions.
        if isinstance(named, type) and hasattr(named, "__total__"):
            yield named


def _inner(in_force: InForce, name: str) -> dict[str, Any]:
    return {
        situation: values[name]
        for situation, values in in_force.items()
        if isinstance(values, Mapping) and name in values
    }


def _held(inner: Mapping[str, Any]) -> tuple[str, ...]:
    """The usual value, and those that differ from it, each with its situation."""
    (_, usual), *others = inner.items() or [("", {})]
    if isinstance(usual, Mapping):
        return ()
    differing = (f"{written(value)} {when}" for when, value in others if value != usual)
    return (written(usual), *differing)


def _type(annotation: Any, names: Names) -> str:
    """As in the source, with the few words that a named type stands for."""
    text = getattr(annotation, "__forward_arg__", annotation)
    text = text if isinstance(text, str) else inspect.formatannotation(text)
    return _NAME.sub(lambda name: name[0] + _words(_named(name[0], names)), text)


def _words(named: Any) -> str:
    alternatives = (named, *typing.get_args(named))
    literals = (each for each in alternatives if typing.get_origin(each) is typing.Literal)
    words = [word for literal in literals for word in typing.get_args(literal)]
    return str(words) if 0 < len(words) <= _FEW else ""


def _named(name: str, names: Names) -> Any:
    try:
        return operator.attrgetter(name)(SimpleNamespace(**names))
    except AttributeError:
        return None  # imported for type checkers only
