"""Read untrusted metadata as requests, in the order of the layers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Literal

from timing_profiles.problems import Problem, ProfilesError, quoted
from timing_profiles.turns.fields import (
    ASSEMBLYAI_MAX_SILENCE,
    ASSEMBLYAI_MIN_SILENCE,
    FLUX_EAGER,
    FLUX_EOT,
    FLUX_EOT_TIMEOUT,
    FORMER_NAMES,
    REALTIME_EAGERNESS,
    REALTIME_PADDING,
    REALTIME_SILENCE,
    TRANSCRIPTION_TIMEOUT,
)

MAX_BYTES = 64 * 1024
"""The longest metadata that is read. LiveKit's server itself takes eight times that."""

MAX_DEPTH = 32
"""The deepest nesting of metadata that is read, the application's own data included."""

PROFILE_ATTRIBUTE = "timing.profile"
"""The participant attribute that names a profile: SIP headers can only become attributes."""

Origin = Literal["application", "room", "dispatch", "participant"]

KEY_VARIABLE = "TIMING_METADATA_KEY"
"""The environment variable that names the key of an object that holds a whole request."""

DEFAULT_KEY = "timing"
"""That key where the environment names none."""

_PROFILE = "profile"
_OVERRIDES = "overrides"

_SNAKE_NAMES: Mapping[str, str] = {
    **FORMER_NAMES,
    "eot_threshold": FLUX_EOT,
    "eager_eot_threshold": FLUX_EAGER,
    "eot_timeout_ms": FLUX_EOT_TIMEOUT,
    "min_end_of_turn_silence_when_confident": ASSEMBLYAI_MIN_SILENCE,
    "min_turn_silence": ASSEMBLYAI_MIN_SILENCE,
    "max_turn_silence": ASSEMBLYAI_MAX_SILENCE,
    "end_of_turn_confidence_threshold": "stt.assemblyai.end_of_turn_confidence_threshold",
    "interruption_delay": "stt.assemblyai.interruption_delay",
    "silence_duration_ms": REALTIME_SILENCE,
    "prefix_padding_ms": REALTIME_PADDING,
    "eagerness": REALTIME_EAGERNESS,
    "user_away_timeout": "session.user_away_timeout",
    "aec_warmup_duration": "session.aec_warmup_duration",
    "min_consecutive_speech_delay": "session.min_consecutive_speech_delay",
    "transcription_timeout": TRANSCRIPTION_TIMEOUT,
    "session_close_transcript_timeout": "session.session_close_transcript_timeout",
}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return "".join((first, *(word.capitalize() for word in others)))


FLAT_NAMES: Mapping[str, str] = MappingProxyType(
    {spelling: path for name, path in _SNAKE_NAMES.items() for spelling in (_camel(name), name)}
)
"""Names at the top level of metadata, which clients send already, and their fields.

They are former keyword arguments of `AgentSession`, and the keywords of Flux, of AssemblyAI, of
realtime models and of the session, in camelCase, too. Of two names of a field the later one here
wins: the newer name, and snake_case.
"""

_JSON_SPACE = " \t\n\r"
_STRING = re.compile(rb'"[^"]*"?')
_NOT_NESTING = bytes(set(range(256)) - set(b'"[]{}'))
_DEEPER = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """The request of one layer of metadata.

    Attributes:
        origin: The layer.
        profile: The profile that it names; None where it names none.
        flat: Values by dotted path, from flat names.
        overrides: Values nested as in a profile file; they win over `flat`.
        problems: Why it cannot be read.
    """

    origin: Origin
    profile: str | None = None
    flat: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        """Compare what is requested as JSON, where `true` is not `1`."""
        return isinstance(other, Request) and self._as_json() == other._as_json()

    def _as_json(self) -> tuple[str, ...]:
        values = (self.origin, self.profile, self.flat, self.overrides)
        return (*(json.dumps(value, sort_keys=True) for value in values), repr(self.problems))


def metadata_key() -> str:
    """Return the key of an object that holds a whole request; `timing` for an invalid variable."""
    named = os.environ.get(KEY_VARIABLE) or DEFAULT_KEY
    return DEFAULT_KEY if _invalid_key(named) else named


def metadata_key_problems() -> Iterator[Problem]:
    """Yield what is wrong with `TIMING_METADATA_KEY`."""
    named = os.environ.get(KEY_VARIABLE) or DEFAULT_KEY
    invalid = _invalid_key(named)
    if invalid:
        yield Problem("environment", f"{quoted(named)} {invalid}", KEY_VARIABLE)


def check_metadata_key() -> None:
    """Check `TIMING_METADATA_KEY` where no worker does so.

    Raises:
        ProfilesError: It is invalid.
    """
    problems = tuple(metadata_key_problems())
    if problems:
        raise ProfilesError(problems)


def _invalid_key(key: str) -> str:
    """Return why a key cannot hold a request; an empty text where it can."""
    if key in {_PROFILE, _OVERRIDES, *FLAT_NAMES}:
        return "is a key of a request; name a key that only holds requests"
    return "begins or ends with a space" if key != key.strip() else ""


class _Refused(ValueError):
    """Metadata that is not read; the text is the reason."""


def layers(
    profile: str | None = None,
    room: Any = None,
    dispatch: Any = None,
    attributes: Mapping[str, str] | None = None,
    metadata: Any = None,
) -> list[Request]:
    """Read the layers of a call, in their order: a later one wins.

    Args:
        profile: The application's profile for callers who request none.
        room: The room's metadata.
        dispatch: The metadata of the dispatch (the job).
        attributes: The participant's attributes.
        metadata: The participant's metadata.
    """
    return [
        Request("application", profile),
        read(room, "room"),
        read(dispatch, "dispatch"),
        Request("participant", (attributes or {}).get(PROFILE_ATTRIBUTE) or None),
        read(metadata, "participant"),
    ]


def read(text: Any, origin: Origin) -> Request:
    """Parse the request in metadata. Never raises.

    Where the key that `metadata_key` returns has an object, only that is read: an application whose
    own keys are called as ours keeps its requests there.

    Args:
        text: The metadata. What is not text (a mock of the console), or does not begin with `{`,
            belongs to the application and requests nothing.
        origin: The layer of the metadata.
    """
    if not isinstance(text, str) or not text.lstrip(_JSON_SPACE).startswith("{"):
        return Request(origin)
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_BYTES:
        return _unread(origin, "metadata-too-large", f"is longer than {MAX_BYTES} bytes")
    try:
        _check_depth(encoded)
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        nested = data.get(metadata_key())
        return _request(origin, nested if isinstance(nested, dict) else data)
    except _Refused as error:
        return _unread(origin, "metadata-invalid", str(error))
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}"
        return _unread(origin, "metadata-invalid", message)
    except (ValueError, RecursionError):
        return _unread(origin, "metadata-invalid", "is not JSON: a number is too long")


def _check_depth(encoded: bytes) -> None:
    """Refuse deep nesting, before json.loads recurses."""
    if encoded.count(b"{") + encoded.count(b"[") <= MAX_DEPTH:
        return
    # Without escapes, each remaining quote begins or ends a string.
    unescaped = encoded.replace(rb"\\", b"").replace(rb"\"", b"")
    brackets = _STRING.sub(b"", unescaped.translate(None, _NOT_NESTING))
    if max(accumulate(map(_DEEPER.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise _Refused(f"is nested deeper than {MAX_DEPTH}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Refused("gives a key twice")
    return found


def _no_constant(name: str) -> None:
    raise _Refused(f"is not JSON: {name} is not a JSON number")


def _request(origin: Origin, data: Mapping[str, Any]) -> Request:
    flat = {path: data[name] for name, path in FLAT_NAMES.items() if name in data}
    # What is not a string is the application's own, such as a user's profile: it is not logged.
    profile = data.get(_PROFILE)
    profile = profile if isinstance(profile, str) and profile else None
    overrides = data.get(_OVERRIDES)
    if overrides is None or isinstance(overrides, dict):
        return Request(origin, profile, flat, overrides or {})
    message = f"{quoted(overrides)} is not a mapping of fields"
    problem = Problem("override-type", message, _OVERRIDES, origin)
    return Request(origin, profile, flat, problems=(problem,))


def _unread(origin: Origin, code: str, message: str) -> Request:
    return Request(origin, problems=(Problem(code, message, "metadata", origin),))
