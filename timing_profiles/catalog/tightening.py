"""Whether a team's schema takes less than the packaged one, or as much: the SDK's limits hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from timing_profiles.catalog.field import types_of, values_of
from timing_profiles.catalog.pattern import PatternError, is_like
from timing_profiles.problems import quoted

_BOUNDS = (
    (("minimum", "exclusiveMinimum"), 1),
    (("maximum", "exclusiveMaximum"), -1),
    (("minItems", "minItems"), 1),
    (("maxItems", "maxItems"), -1),
)

# What a value means, and when it is applied, is not a bound.
_KEPT = ("x-unit", "x-live")


def loosened(own: Any, packaged: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield where a schema takes more than the packaged one: the dotted path, and what is looser.

    Args:
        own: The team's schema, or a part of it.
        packaged: The same part of the packaged schema.
        path: The dotted path of that part.
    """
    if not isinstance(own, Mapping):
        yield path, f"{quoted(own)} is not a schema"
        return
    is_section = "properties" in packaged  # of the whole, the root: a document is a mapping
    if path or not is_section:
        yield from ((path, message) for message in _looser(own, packaged))
    inner = own.get("properties", {})
    for name, known in inner.items():
        below = f"{path}.{name}".removeprefix(".")
        if name in packaged.get("properties", {}):
            yield from loosened(known, packaged["properties"][name], below)
        elif is_section:
            yield below, "unknown field: a schema may tighten bounds, not add fields"
    if "items" in packaged:
        yield from loosened(own.get("items", {}), packaged["items"], f"{path}[]")
        for place, item in enumerate(own.get("prefixItems", ())):  # `items` does not hold for these
            yield from loosened(item, packaged["items"], f"{path}[{place}]")
    # The values of a mapping, such as a threshold for each language.
    if isinstance(packaged.get("additionalProperties"), Mapping) and "object" in types_of(own):
        values = own.get("additionalProperties", True)
        if values is not False:
            values = {} if values is True else values
            yield from loosened(values, packaged["additionalProperties"], f"{path}.*")


def _looser(own: Mapping[str, Any], packaged: Mapping[str, Any]) -> Iterator[str]:
    types = {*types_of(packaged)}
    taken = {*types_of(own)} - ({"integer"} if "number" in types else set())
    if types and (not taken.issubset(types) or "type" not in own):
        yield _message("type", own.get("type"), packaged["type"])
    for keywords, sign in _BOUNDS:
        yield from _looser_bounds(own, packaged, keywords, sign)
    if "enum" in packaged and not _is_subset(values_of(own), packaged["enum"]):
        yield _message("enum", own.get("enum"), packaged["enum"])
    pattern = packaged.get("pattern")
    if pattern and own.get("pattern") != pattern and not _all_like(values_of(own), pattern):
        yield f"{_message('pattern', own.get('pattern'), pattern)}; `enum` can allow fewer values"
    for keyword in _KEPT:
        if own.get(keyword) != packaged.get(keyword):
            yield f"{keyword} is {quoted(packaged.get(keyword))} and cannot be changed"


def _looser_bounds(
    own: Mapping[str, Any], packaged: Mapping[str, Any], keywords: tuple[str, str], sign: int
) -> Iterator[str]:
    # Of two bounds the tighter one holds; of two equal ones the exclusive one.
    bounds = [
        max((sign * schema[keyword], keyword == keywords[1]) for keyword in known)
        if (known := [keyword for keyword in keywords if keyword in schema])
        else None
        for schema in (own, packaged)
    ]
    if bounds[1] and (bounds[0] is None or bounds[0] < bounds[1]):
        keyword = next(keyword for keyword in keywords if keyword in packaged)
        found = own.get(keyword, own.get(keywords[0], own.get(keywords[1])))
        yield _message(keyword, found, packaged[keyword])


def _is_subset(values: list[Any] | None, of: list[Any]) -> bool:
    return values is not None and all(value in of for value in values)


def _all_like(values: list[Any] | None, pattern: str) -> bool:
    try:
        texts = [value for value in values or () if isinstance(value, str)]
        return values is not None and all(is_like(text, pattern) for text in texts)
    except PatternError:
        return False


def _message(keyword: str, own: Any, packaged: Any) -> str:
    found = "no limit" if own is None else quoted(own)
    return f"{keyword} is looser than in the packaged schema: {found}, not {quoted(packaged)}"
