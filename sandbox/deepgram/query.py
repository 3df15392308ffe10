"""Options of a request; refuses the same as Deepgram.

https://developers.deepgram.com/reference/speech-to-text/listen-streaming
https://developers.deepgram.com/reference/speech-to-text/listen-flux
https://developers.deepgram.com/reference/text-to-speech/speak-streaming
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from typing_extensions import Self

_VARIANTS: Final = (
    "general|meeting|phonecall|finance|conversationalai|voicemail|video|medical|drivethru"
    "|automotive|atc|multilingual"
)
_LISTEN_MODEL: Final = re.compile(
    rf"(nova|nova-2|nova-3|enhanced|base)(-({_VARIANTS}))?|whisper(-(tiny|base|small|medium|large))?"
)
_LANGUAGE: Final = re.compile(r"multi|[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_SPEAK_MODEL: Final = re.compile(r"aura(-2)?-[a-z]+-[a-z]{2}")
_SPEAK_MODEL_WITH_SPEED: Final = re.compile(r"aura-2-[a-z]+-(en|es)")
_SPEAK_SAMPLE_RATES: Final = ("8000", "16000", "24000", "32000", "48000")
_DEFAULT_ENDPOINTING_MS: Final = 10
_MINIMUM_UTTERANCE_END_MS: Final = 1000


class RefusedError(Exception):
    """A request that Deepgram does not serve; `status` is the HTTP status of the answer."""

    def __init__(self, message: str, *, status: int = 400, code: str = "Bad Request") -> None:
        """Take `err_msg`, the HTTP status and `err_code`."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code


class Query:
    """The query of a request, read field by field.

    Every reader raises RefusedError when Deepgram does not accept the value.
    """

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        """Expect every field with all its values."""
        self._fields = fields

    def text(self, name: str, default: str | None = None) -> str:
        """Return a field that must be there unless it has a default; of several, the last."""
        values = self._fields.get(name)
        if values:
            return values[-1]
        if default is None:
            raise RefusedError(f"Missing '{name}'.")
        return default

    def matching(self, name: str, pattern: re.Pattern[str], default: str | None = None) -> str:
        """Return a text of a certain form."""
        value = self.text(name, default)
        if not pattern.fullmatch(value):
            raise self.invalid(name, "one that exists")
        return value

    def one_of(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """Return one of a few texts."""
        value = self.text(name, default)
        if value not in allowed:
            raise self.invalid(name, " or ".join(allowed))
        return value

    def flag(self, name: str) -> bool:
        """Return `true` or `false`; absent is false."""
        return self.one_of(name, ("true", "false"), "false") == "true"

    def whole(self, name: str, minimum: int, maximum: float = math.inf) -> int:
        """Return a whole number within bounds, written without a decimal point."""
        value = self.text(name)
        if not (value.isascii() and value.isdigit() and minimum <= int(value) <= maximum):
            limit = "" if maximum == math.inf else f" and at most {maximum}"
            raise self.invalid(name, f"a whole number of at least {minimum}{limit}")
        return int(value)

    def number(self, name: str, minimum: float, maximum: float) -> float:
        """Return a number within bounds."""
        try:
            value = float(self.text(name))
        except ValueError:
            value = math.nan
        if not minimum <= value <= maximum:
            raise self.invalid(name, f"{minimum} to {maximum}")
        return value

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a field that may be repeated."""
        return tuple(self._fields.get(name, ()))

    def has(self, name: str) -> bool:
        """Return whether the field is present."""
        return name in self._fields

    def invalid(self, name: str, expected: str) -> RefusedError:
        """Return the refusal of a field; its first sentence is Deepgram's own."""
        value = self.text(name)
        return RefusedError(f"Invalid '{name}' value of '{value}'. Expected {expected}.")


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """Options of a `/v1/listen` connection. Times in seconds; None is off."""

    model: str
    sample_rate: int
    interim_results: bool
    vad_events: bool
    punctuated: bool
    endpointing: float | None
    utterance_end: float | None

    @classmethod
    def from_query(cls, fields: dict[str, list[str]]) -> Self:
        """Read them.

        Raises:
            RefusedError: Deepgram would not serve it, or this stand-in cannot: it hears one channel
                of linear16.
        """
        query = Query(fields)
        _check_listen_format(query)
        interim_results = query.flag("interim_results")
        return cls(
            model=query.matching("model", _LISTEN_MODEL),
            sample_rate=_sample_rate(query),
            interim_results=interim_results,
            vad_events=query.flag("vad_events"),
            punctuated=any([query.flag("punctuate"), query.flag("smart_format")]),
            endpointing=_endpointing(query),
            utterance_end=_utterance_end(query, interim_results=interim_results),
        )


def _check_listen_format(query: Query) -> None:
    query.one_of("encoding", ("linear16",))
    query.one_of("channels", ("1",), "1")
    query.matching("language", _LANGUAGE, "en")
    for name in ("no_delay", "filler_words", "profanity_filter", "numerals", "mip_opt_out"):
        query.flag(name)


def _sample_rate(query: Query) -> int:
    value = query.whole("sample_rate", 8000)
    if value > 48000 or value % 100:  # noqa: PLR2004 - the numbers stand in the message
        raise query.invalid("sample_rate", "8000 to 48000, in steps of 100")
    return value


def _endpointing(query: Query) -> float | None:
    value = query.text("endpointing", "true")
    if value == "false":
        return None
    if value == "true":
        return _DEFAULT_ENDPOINTING_MS / 1000
    return query.whole("endpointing", 0) / 1000


def _utterance_end(query: Query, *, interim_results: bool) -> float | None:
    if not query.has("utterance_end_ms"):
        return None
    if not interim_results:
        raise query.invalid("utterance_end_ms", "none without interim_results=true")
    return query.whole("utterance_end_ms", _MINIMUM_UTTERANCE_END_MS) / 1000


@dataclass(frozen=True, slots=True)
class SpeakOptions:
    """Options of a `/v1/speak` request."""

    model: str
    sample_rate: int
    speed: float

    @classmethod
    def from_query(cls, fields: dict[str, list[str]]) -> Self:
        """Read them.

        Raises:
            RefusedError: Deepgram would not serve it, or this stand-in cannot: it speaks linear16
                without a container.
        """
        query = Query(fields)
        query.one_of("encoding", ("linear16",), "linear16")
        query.one_of("container", ("none",), "none")
        query.flag("mip_opt_out")
        model = query.matching("model", _SPEAK_MODEL, "aura-asteria-en")
        return cls(
            model=model,
            sample_rate=int(query.one_of("sample_rate", _SPEAK_SAMPLE_RATES, "24000")),
            speed=_speed(query, model),
        )


def _speed(query: Query, model: str) -> float:
    if not query.has("speed"):
        return 1.0
    if not _SPEAK_MODEL_WITH_SPEED.fullmatch(model):
        raise query.invalid("speed", f"none with model {model}")
    return query.number("speed", 0.7, 1.5)
