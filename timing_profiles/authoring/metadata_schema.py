"""Derive a JSON Schema of the metadata that a client may send from profiles and policies.

A worker applies all metadata that the schema accepts, except for what no schema can express:

| the metadata | the worker |
|---|---|
| is not JSON, has a duplicate key or NaN, is over 64 KiB or nested deeper than 32 | ignores it |
| breaks a rule over several fields: `min_delay` above `max_delay` | leaves those fields out |
| has more than 100 entries in a list or a mapping | leaves that field out |
| names no profile, and a lower layer does | applies the policy of that one |

A rule with only one field that metadata may change becomes a bound of this field. Profiles that
share a part of the schema share the loosest of their bounds; the schema of one profile is exact.

The schema refuses some metadata that requests nothing, and that a worker accepts: `null` for the
profile or for all overrides, `{}` for a section without an allowed field, and an invalid value
under a flat name beside an override of the same field.

A whole request may also be the object under `timing`, or the key that `TIMING_METADATA_KEY` names.
The metadata around it must then have no key of ours: one that an application uses itself is for the
application to check, and the object under `timing` fits the same schema alone.

JSON Schema's `$` is the end of the text. Python's `$` also matches before a final line break: where
a policy allows a language, a validator in Python accepts one with such an end, and a worker refuses
it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from timing_profiles.catalog.field import Field, types_of
from timing_profiles.catalog.schema import Schema
from timing_profiles.profile import DEFAULT, Profile
from timing_profiles.resolution.request import FLAT_NAMES, metadata_key
from timing_profiles.resolution.settings import Profiles
from timing_profiles.turns import rules
from timing_profiles.turns.fields import DETECTION, meets, number
from timing_profiles.turns.rules import AtLeast, AtMost, ZeroOrAtLeast

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ABOUT = (
    "Metadata that a client may send. "
    "Keys that are not named here are the application's own, and are ignored."
)


# JSON Schema's keywords about one type of value.
_NUMBER = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_TEXT = ("pattern", "minLength", "maxLength")
_LIST = ("items", "prefixItems", "minItems", "maxItems", "uniqueItems")
_MAPPING = ("additionalProperties", "patternProperties", "propertyNames")

# The title of a type on a settings page, and the keywords about it.
_CHOICES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "array": ("List", _LIST),
    "boolean": ("Yes or no", ()),
    "integer": ("Number", _NUMBER),
    "null": ("Off", ()),
    "number": ("Number", _NUMBER),
    "object": ("Mapping", _MAPPING),
    "string": ("Text", _TEXT),
}

# Keywords that are replaced here, that workers ignore, and those for editors, which strict
# validators refuse.
_LEFT_OUT = frozenset(
    {"title", "default"}
    | {"format"}
    | {"defaultSnippets", "enumDescriptions", "errorMessage", "markdownDescription"}
)

_WORD = re.compile(r"(?<=[a-z])([A-Z])")

_HOLDS_DATA = frozenset({"const", "enum", "examples"})

_ACRONYMS = frozenset({"aec", "eot", "stt", "tts", "vad"})


def metadata_schema(profiles: Profiles, name: str | None = None) -> dict[str, Any]:
    """Return a JSON Schema, draft 2020-12, of the metadata that a client may send.

    It has only keywords of JSON Schema: strict validators refuse others. Fields have a title for a
    settings page, and the profiles' value as their default where all profiles have the same one.

    Args:
        profiles: The set to choose from.
        name: Only for this profile. The metadata must then name it, unless it is `default`: the
            policy of `default` holds for metadata that names none.

    Returns:
        The schema. Where policies differ, it has an `if` for each of them.

    Raises:
        KeyError: No profile has that name.
    """
    names = profiles.names() if name is None else [name]
    groups = _groups(profiles, names)
    head = _head(names, name or DEFAULT, required=name not in {None, DEFAULT})
    if len(groups) == 1:
        body = _body(groups[0])
        return {**head, **body, "properties": {**head["properties"], **body["properties"]}}
    return {**head, "allOf": [{"if": group.condition(), "then": _body(group)} for group in groups]}


@dataclass(frozen=True, slots=True)
class _Group:
    """Profiles that allow the same fields."""

    schema: Schema
    allowed: frozenset[str]
    profiles: Sequence[Profile]

    def condition(self) -> dict[str, Any]:
        """Return the condition for metadata that selects one of the profiles."""
        names = sorted(profile.name for profile in self.profiles)
        named = {"properties": {"profile": {"enum": names}}}
        return named if DEFAULT in names else {**named, "required": ["profile"]}

    def values(self, path: str) -> list[Any]:
        """Return the value of each profile."""
        return [profile.values[path] for profile in self.profiles]

    def refuses(self, path: str, value: Any) -> bool:
        """Return whether every profile refuses a value, with any other metadata."""
        manual = path == DETECTION and value == "manual"
        return manual or all(self._breaks(profile, path, value) for profile in self.profiles)

    def _breaks(self, profile: Profile, path: str, value: Any) -> bool:
        return any(
            self.allowed.intersection(rule.fields) == {path}
            for rule in rules.broken({**profile.values, path: value})
        )


def _groups(profiles: Profiles, names: Sequence[str]) -> list[_Group]:
    policies: dict[tuple[str, ...], list[Profile]] = {}
    for name in names:
        profile = profiles.profile(name)
        if profile is None:
            raise KeyError(name)
        policies.setdefault(profile.allow, []).append(profile)
    # Policies with different items may allow the same fields.
    by_fields: dict[frozenset[str], list[Profile]] = {}
    for members in policies.values():
        allowed = frozenset(path for path in profiles.schema.fields if members[0].allows(path))
        by_fields.setdefault(allowed, []).extend(members)
    return [_Group(profiles.schema, allowed, members) for allowed, members in by_fields.items()]


def _head(names: Sequence[str], default: str, *, required: bool) -> dict[str, Any]:
    profile = {
        "title": "Profile",
        "description": f"The named timing of the call; {DEFAULT} where none is named.",
        "type": "string",
        "enum": list(names),
        "default": default,
    }
    return {
        "$schema": _DIALECT,
        "title": "Timing of a call",
        "description": _ABOUT,
        "type": "object",
        "properties": {"profile": profile},
        **_nested(metadata_key(), required=required),
    }


def _nested(key: str, *, required: bool) -> dict[str, Any]:
    """Return the condition for metadata with a whole request under a key.

    It is not among the properties: forms would draw everything twice.
    """
    return {
        "if": {"properties": {key: {"type": "object"}}, "required": [key]},
        "then": {
            "properties": {key: {"$ref": "#"}},
            "propertyNames": {"not": {"enum": ["profile", "overrides", *FLAT_NAMES]}},
        },
        **({"else": {"properties": {"profile": {}}, "required": ["profile"]}} if required else {}),
    }


def _body(group: _Group) -> dict[str, Any]:
    """Return the properties beside the name of a profile."""
    flat = {name: path for name, path in FLAT_NAMES.items() if path in group.allowed}
    fields = {name: _flat(group, name, path) for name, path in flat.items()}
    forbidden = [name for name in FLAT_NAMES if name not in flat]
    return {
        "properties": {"overrides": _overrides(group), **fields},
        # Not as properties that nothing satisfies: forms would show them.
        **({"propertyNames": {"not": {"enum": forbidden}}} if forbidden else {}),
    }


def _flat(group: _Group, name: str, path: str) -> dict[str, Any]:
    """Return a field under a flat name.

    It has no default: a form that fills in defaults would send the field under both names.
    """
    field = _field(group, path, name)
    field.pop("default", None)
    field["description"] = f"{path}, for clients that send this name; overrides win over it."
    field["deprecated"] = True
    return field


def _overrides(group: _Group) -> dict[str, Any]:
    return {
        **_section(group, json.loads(group.schema.text), ""),
        "title": "Overrides",
        "description": "What this call changes on top of its profile.",
    }


def _section(group: _Group, schema: Mapping[str, Any], above: str) -> dict[str, Any]:
    """Return a section with the fields that metadata may change, and the sections with any."""
    properties: dict[str, Any] = {}
    for key in group.schema.children(above):
        path = f"{above}.{key}".removeprefix(".")
        if path in group.allowed:
            properties[key] = _field(group, path, key)
        elif path in group.schema.sections:
            section = _section(group, schema["properties"][key], path)
            if section["properties"]:
                properties[key] = section
    return {
        "title": title(above.rpartition(".")[2]),
        "description": schema.get("description", ""),
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _field(group: _Group, path: str, name: str) -> dict[str, Any]:
    field = group.schema.fields[path]
    schema = _plain(field.schema)
    offered = Field(path, _choices(group, path, _bounded(group, path, schema)))
    shown = {"title": title(name, field.unit), **offered.schema}
    if "examples" in schema:
        shown["examples"] = [value for value in schema["examples"] if _takes(group, offered, value)]
    values = group.values(path)
    if all(value == values[0] for value in values) and _takes(group, offered, values[0]):
        shown["default"] = values[0]
    return copy.deepcopy(shown)


def title(name: str, unit: str = "") -> str:
    """Return a title: `Endpointing (ms)` for `endpointing_ms` and `endpointingMs`."""
    words = _WORD.sub(r"_\1", name).lower().removesuffix("_ms").split("_")
    text = " ".join(word.upper() if word in _ACRONYMS else word for word in words)
    text = text[:1].upper() + text[1:]
    return f"{text} ({unit})" if unit and unit not in words else text


def _takes(group: _Group, field: Field, value: Any) -> bool:
    return group.schema.value_problem(field, value) is None


def _plain(schema: Any) -> Any:
    """Return a schema with only the keywords of JSON Schema."""
    if isinstance(schema, list):
        return [_plain(inner) for inner in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        keyword: value if keyword in _HOLDS_DATA else _plain(value)
        for keyword, value in schema.items()
        if keyword not in _LEFT_OUT and not keyword.startswith("x-")
    }


def _bounded(group: _Group, path: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a field, with the bounds of the rules."""
    bounded = dict(schema)
    for keyword, bound in _bounds(group, path):
        stricter = max if keyword == "minimum" else min
        bounded[keyword] = stricter(bounded.get(keyword, bound), bound)
    if "enum" in schema:
        bounded["enum"] = [value for value in schema["enum"] if not group.refuses(path, value)]
    for rule in rules.RULES:
        if not isinstance(rule, ZeroOrAtLeast) or rule.field != path:
            continue
        if bounded.get("minimum", 0) < rule.least:
            gap = {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": rule.least}
            bounded["not"] = {"anyOf": [schema["not"], gap]} if "not" in schema else gap
    return bounded


def _bounds(group: _Group, path: str) -> Iterator[tuple[str, float]]:
    """Yield the bounds that follow from values which metadata cannot change."""
    for rule in rules.RULES:
        if isinstance(rule, AtMost):
            if path == rule.low and rule.high not in group.allowed:
                yield (
                    "maximum",
                    max(number(profile.values, rule.high) for profile in group.profiles),
                )
            if path == rule.high and rule.low not in group.allowed:
                # `null` and `auto` leave the other field free.
                lows = group.values(rule.low)
                yield "minimum", min(low if isinstance(low, int | float) else 0 for low in lows)
        elif isinstance(rule, AtLeast) and path == rule.field:
            is_met = all(meets(profile.values, rule.when) for profile in group.profiles)
            if is_met and not rule.when.keys() & group.allowed:
                yield "minimum", rule.least
        elif isinstance(rule, ZeroOrAtLeast) and path == rule.field and group.refuses(path, 0):
            yield "minimum", rule.least


def _choices(group: _Group, path: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field of several types as a choice between them.

    For a list of types, form generators draw one control, which fits only the first type.
    """
    if isinstance(schema.get("type", ""), str) or schema.keys() & {"enum", "const", "anyOf"}:
        return dict(schema)
    kinds = types_of(schema)
    divided = {"type", *(keyword for kind in kinds for keyword in _CHOICES[kind][1])}
    choices = [_choice(kind, schema) for kind in kinds]
    return {
        **{keyword: value for keyword, value in schema.items() if keyword not in divided},
        "anyOf": [
            choice
            for choice in choices
            if "const" not in choice or not group.refuses(path, choice["const"])
        ],
    }


def _choice(kind: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    heading, keywords = _CHOICES[kind]
    if kind == "null":
        return {"title": heading, "type": kind, "const": None}
    if kind == "string" and schema.get("pattern") == "^auto$":
        return {"title": "Automatic", "type": kind, "const": "auto"}
    its_own = {keyword: schema[keyword] for keyword in keywords if keyword in schema}
    return {"title": heading, "type": kind, **its_own}
