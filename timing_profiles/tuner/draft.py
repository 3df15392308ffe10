"""Draft the file that would hold the tuned values: a new one, or an existing one with its comments.

Nothing is written here; `save` does.
"""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from timing_profiles.authoring import yaml_edit
from timing_profiles.authoring.yaml_edit import CannotEdit
from timing_profiles.catalog import inheritance, parsed_file
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.folder import SUFFIX
from timing_profiles.catalog.parsed_file import ParsedFile
from timing_profiles.problems import Problem, prose, quoted
from timing_profiles.profile import NAME, Profile
from timing_profiles.tuner import overview, profile_text
from timing_profiles.tuner.asked import Asked, Refused
from timing_profiles.tuner.profile_set import ProfileSet

_LONGEST_DESCRIPTION = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that could be written.

    Attributes:
        name: The name of the file in its directory.
        label: The file as messages show it, such as `profiles/mine.yaml`.
        before: The bytes that it has now; None where it does not exist.
        after: The bytes that it would have.
        problems: The problems that the whole set would have then.
        affects: The other profiles that inherit from it.
    """

    name: str
    label: str
    before: bytes | None
    after: bytes
    problems: tuple[Problem, ...]
    affects: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Return whether the set would be valid."""
        return not any(problem.severity == "error" for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """Return the data of the page."""
        return {
            "file": self.label,
            "exists": self.before is not None,
            "changed": self.before != self.after,
            "text": _text(self.after),
            "diff": "\n".join(self._diff()),
            "problems": overview.as_json(self.problems),
            "affects": list(self.affects),
        }

    def _diff(self) -> Iterator[str]:
        before = "/dev/null" if self.before is None else f"a/{self.label}"
        old, new = (_text(content or b"").splitlines() for content in (self.before, self.after))
        yield from difflib.unified_diff(old, new, before, f"b/{self.label}", lineterm="")


def make(profiles: ProfileSet, asked: Asked, name: Any, description: Any = "") -> Draft:
    """Draft the file of a profile that has the values that were tuned.

    Args:
        profiles: The set.
        asked: The profile that was tuned, and the overrides.
        name: The profile's name: a new one, or that of a profile of the set.
        description: What the profile is for. Empty: as it is, or a sentence about its origin.

    Raises:
        Refused: The name or an override is invalid, or the file is of a style that is not edited.
    """
    name, text = _checked(name, description)
    found = profiles.catalog
    unknown = [problem for problem in asked.unfit(found.schema) if problem.code == "unknown-field"]
    if unknown:
        raise Refused(_line(unknown[0]))
    file = f"{name}{SUFFIX}"
    label = f"{found.label}/{file}"
    before = profiles.content(file)
    if before is None:
        after = profile_text.new(asked, found, text).encode()
    else:
        after = _edited(_parsed(file, before, found), asked, found, text)
    affected = inheritance.affected(found.layers, {name}) - {name}
    problems = profiles.with_file(file, after)
    return Draft(file, label, before, after, problems, tuple(sorted(affected)))


def _checked(name: Any, description: Any) -> tuple[str, str]:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Refused(
            f"invalid profile name {quoted(name)}: use a-z, 0-9 and hyphens, at most 63 "
            "characters, no hyphen at either end"
        )
    if not isinstance(description, str) or len(description) > _LONGEST_DESCRIPTION:
        raise Refused(f"description: expected a text of at most {_LONGEST_DESCRIPTION} characters")
    return name, prose(description).strip()


def _parsed(file: str, content: bytes, found: Catalog) -> ParsedFile:
    parsed = parsed_file.parse(file, content, found.schema, found.label)
    errors = [problem for problem in parsed.problems if problem.severity == "error"]
    if errors:
        raise Refused(f"fix the file first: {_line(errors[0])}")
    if file.removesuffix(SUFFIX) not in found.layers:
        raise Refused(f"{parsed.source.file} is not valid with what it extends: fix that first")
    return parsed


def _edited(parsed: ParsedFile, asked: Asked, found: Catalog, description: str) -> bytes:
    """Return a file's bytes with the tuned values, and everything else as it was."""
    before, layer = parsed.content, parsed.layer
    if isinstance(before, Problem) or layer is None:
        raise TypeError(before)
    changes = _changes(layer.name, asked, found)
    if description and description != layer.description:
        changes["description"] = description
    base = found.profile(layer.name) or Profile(layer.name)
    text = before.decode()
    try:
        for path, value in changes.items():
            text = yaml_edit.set_value(text, path.split("."), value, profile_text.was(path, base))
    except CannotEdit as error:
        raise _by_hand(parsed, str(error)) from None
    after = text.encode()
    again = parsed_file.parse(f"{layer.name}{SUFFIX}", after, found.schema, found.label)
    _check_only(parsed, again, changes)
    return after


def _changes(name: str, asked: Asked, found: Catalog) -> dict[str, Any]:
    """Return the fields that a profile has to set, so that it has the values that were tuned."""
    own, base = found.profile(name), found.profile(asked.profile)
    values = own.values if own else {}
    wanted = {**(base.values if base else {}), **asked.flat(found.schema)}
    return {
        path: wanted[path]
        for path in found.schema.fields
        if path in wanted and (path not in values or _differ(values[path], wanted[path]))
    }


def _differ(one: Any, other: Any) -> bool:
    """Return whether two values differ; `true` is not 1."""
    return isinstance(one, bool) != isinstance(other, bool) or bool(one != other)


def _check_only(before: ParsedFile, after: ParsedFile, changes: Mapping[str, Any]) -> None:
    """Raise unless exactly the wanted values have changed.

    Args:
        before: The file as it is.
        after: The file as it would be.
        changes: The values by dotted path, `description` too.
    """
    if after.source.problems:
        raise _by_hand(before, "it could not be read after the change")
    expected = copy.deepcopy(dict(before.source.data))
    for path, value in changes.items():
        *sections, name = path.split(".")
        section = expected
        for key in sections:
            section = section.setdefault(key, {})
        section[name] = value
    # As text: `true` is not 1.
    if json.dumps(expected, sort_keys=True) != json.dumps(after.source.data, sort_keys=True):
        raise _by_hand(before, "more than the tuned values would change")


def _by_hand(parsed: ParsedFile, reason: str) -> Refused:
    return Refused(f"{parsed.source.file} is not edited by this page: {reason}; edit it by hand")


def _line(problem: Problem) -> str:
    return str(problem).replace("\n  ", "; ")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
