"""Settings + the parts of a session -> settings that work there, and why others do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from timing_profiles.call.changes import DETECTOR, ENDPOINTING
from timing_profiles.call.parts import Part
from timing_profiles.problems import Problem, quoted
from timing_profiles.profile import DEFAULT
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns import rules
from timing_profiles.turns.fields import DETECTION, Values

APPLICATION = "application"
"""The origin of a value that the application has set."""

# A request of an untrusted layer is kept where the way of ending turns changes.
_LAYERS = frozenset({"room", "dispatch", "participant"})


@dataclass(frozen=True, slots=True)
class Instead:
    """A value that acts in the place of a setting.

    Attributes:
        reason: Why the setting does not act.
        value: The value that acts; None with `is_known` false where nothing does.
        is_known: Whether a value acts, and which.
        origin: Where that value comes from; empty for the setting's own origin.
        is_of_profile: Whether it is still the profile's, as far as the part can take it.
        is_conflict: Whether it is a problem also where the setting is the one of `default`.
        is_partial: Whether the setting acts, but not in every part of an adapter.
    """

    reason: str
    value: Any = None
    is_known: bool = True
    origin: str = ""
    is_of_profile: bool = False
    is_conflict: bool = False
    is_partial: bool = False


def fitted(
    settings: Settings,
    application: Mapping[str, Any],
    default: Values,
    *,
    can_end_turns: bool,
) -> dict[str, Instead]:
    """Find the settings that do not work beside the application's own, and the values that do.

    Args:
        settings: The settings.
        application: The fields that the application sets, with their values.
        default: The values of the profile `default`.
        can_end_turns: Whether the speech-to-text can end turns as the settings want it.

    Returns:
        The values that act instead, by the dotted path of the setting.
    """
    instead: dict[str, Instead] = {}
    if settings.values[DETECTION] == "stt" and DETECTION not in application and not can_end_turns:
        instead.update(_way_of_default(settings, default))
    values = applied(settings.values, instead)
    for path, value, reason in _out_of_the_way(values, application, default):
        origin = DEFAULT if value == default[path] else APPLICATION
        text = f"{reason}; {quoted(value)} acts"
        instead[path] = Instead(text, value, origin=origin, is_conflict=True)
    return instead


def applied(values: Values, instead: Mapping[str, Instead]) -> Values:
    """Return values with the replacements of some."""
    return {**values, **{path: found.value for path, found in instead.items() if found.is_known}}


def corrected(settings: Settings, instead: Mapping[str, Instead]) -> Settings:
    """Return settings as they act: their values, where they come from, and what does not act.

    Args:
        settings: The requested settings.
        instead: The values that act instead, by the dotted path of the setting.
    """
    if not instead:
        return settings
    origins = {path: one.origin for path, one in instead.items() if one.is_known and one.origin}
    stays = {path for path, one in instead.items() if one.is_of_profile or one.is_partial}
    return replace(
        settings,
        values=applied(settings.values, instead),
        origins={**settings.origins, **origins},
        changed=tuple(p for p in settings.changed if p not in instead or p in stays),
        problems=(*settings.problems, *_problems(settings, instead)),
    )


def with_left_out(settings: Settings, parts: Iterable[Part]) -> Settings:
    """Add the application's own arguments that parts do not take, each once."""
    left_out = (problem for part in parts for problem in part.problems)
    return replace(settings, problems=tuple(dict.fromkeys((*settings.problems, *left_out))))


def _problems(settings: Settings, instead: Mapping[str, Instead]) -> Iterator[Problem]:
    for path, value in settings.values.items():
        found = instead.get(path)
        if found is None or (found.is_known and found.value == value and not found.is_partial):
            continue
        if path not in settings.changed and not found.is_conflict:
            continue
        message = f"{quoted(value)} is not applied: {found.reason}"
        yield Problem("not-applied", message, path, settings.origins[path])


def _way_of_default(settings: Settings, default: Values) -> Iterator[tuple[str, Instead]]:
    """Yield the way in which `default` ends turns, with its delays."""
    detection = default[DETECTION] if default[DETECTION] != "stt" else DETECTOR
    reason = "this speech-to-text does not end turns"
    yield DETECTION, Instead(f"{reason}; {quoted(detection)} acts", detection, origin=DEFAULT)
    for path, value in settings.values.items():
        requested = settings.origins[path] in _LAYERS
        if path.startswith(f"{ENDPOINTING}.") and not requested and value != default[path]:
            reason = f"it is for a speech-to-text that ends turns; {quoted(default[path])} acts"
            yield path, Instead(reason, default[path], origin=DEFAULT)


def _out_of_the_way(
    values: Values, application: Mapping[str, Any], default: Values
) -> Iterator[tuple[str, Any, str]]:
    """Yield a value for each setting that breaks a rule together with the application's."""
    if application.keys().isdisjoint(values):
        return
    merged = {**values, **application}
    for problem in list(rules.broken(merged)):
        ours = [path for path in problem.fields if path not in application]
        theirs = [path for path in problem.fields if path in application]
        if not theirs:
            continue
        for path, value in _candidates(ours, [merged[path] for path in theirs], default):
            healed = {**merged, path: value}
            if problem.fields not in [still.fields for still in rules.broken(healed)]:
                merged = healed
                names = " and ".join(path.rpartition(".")[2] for path in theirs)
                yield path, value, f"{problem.message}; the application sets {names}"
                break


def _candidates(
    paths: list[str], application: list[Any], default: Values
) -> Iterator[tuple[str, Any]]:
    """Yield values to try: those of `default`, the application's own numbers, another detection."""
    for path in paths:
        yield path, default[path]
    for path in paths:
        if path == DETECTION:
            yield path, "vad"
        else:
            yield from ((path, value) for value in application if isinstance(value, int | float))
