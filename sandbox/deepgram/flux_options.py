"""Options of a `/v2/listen` connection, at first and after each Configure.

https://developers.deepgram.com/docs/flux/configuration
https://developers.deepgram.com/docs/flux/configure
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import Self

from sandbox.deepgram.query import Query, RefusedError
from sandbox.deepgram.record import Body

MULTILINGUAL: Final = "flux-general-multi"

_MODELS: Final = ("flux-general-en", MULTILINGUAL)
_SAMPLE_RATES: Final = ("8000", "16000", "24000", "44100", "48000")
_LANGUAGES: Final = ("en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl")
_THRESHOLDS: Final = {"eot_threshold", "eager_eot_threshold", "eot_timeout_ms"}
_DEFAULT_EOT_THRESHOLD: Final = 0.7
_DEFAULT_EOT_TIMEOUT_MS: Final = 5000


@dataclass(frozen=True, slots=True)
class FluxOptions:
    """They are never changed; Configure makes new ones.

    Attributes:
        model: As in the query.
        sample_rate: Hz.
        eot_threshold: Confidence at which a turn ends.
        eager_eot_threshold: Confidence at which it may have ended; None: no such event is sent.
        eot_timeout_ms: Silence after which it ends, whatever the confidence.
        keyterms: As in the query.
        language_hints: As in the query.
        fields: The query, with the changes that Configure has made since.
    """

    model: str
    sample_rate: int
    eot_threshold: float
    eager_eot_threshold: float | None
    eot_timeout_ms: int
    keyterms: tuple[str, ...]
    language_hints: tuple[str, ...]
    fields: Mapping[str, list[str]]

    @classmethod
    def from_query(cls, fields: Mapping[str, list[str]]) -> Self:
        """Read them.

        Raises:
            RefusedError: Deepgram would not serve it, or this stand-in cannot: it hears raw
                linear16, and no containers.
        """
        query = Query(fields)
        model = query.one_of("model", _MODELS)
        _check_format(query)
        eot_threshold = _eot_threshold(query)
        return cls(
            model=model,
            sample_rate=int(query.one_of("sample_rate", _SAMPLE_RATES)),
            eot_threshold=eot_threshold,
            eager_eot_threshold=_eager_eot_threshold(query, eot_threshold),
            eot_timeout_ms=_eot_timeout_ms(query),
            keyterms=query.all("keyterm"),
            language_hints=_language_hints(query, model),
            fields=fields,
        )

    def configured(self, message: Body) -> Self:
        """Return them after a Configure: unnamed options stay, lists are replaced.

        Raises:
            RefusedError: A value is none that the query could have, or is against another one.
        """
        return self.from_query({**self.fields, **dict(_as_query(message))})


def _check_format(query: Query) -> None:
    query.one_of("encoding", ("linear16",))
    for name in ("mip_opt_out", "numerals", "profanity_filter"):
        query.flag(name)
    if query.has("redact"):
        query.one_of("redact", ("numbers", "aggressive_numbers"))


def _eot_threshold(query: Query) -> float:
    """Older pages end at 0.9, and the time-out at 10000."""
    if not query.has("eot_threshold"):
        return _DEFAULT_EOT_THRESHOLD
    return query.number("eot_threshold", 0.5, 1.0)


def _eager_eot_threshold(query: Query, eot_threshold: float) -> float | None:
    if not query.has("eager_eot_threshold"):
        return None
    eager = query.number("eager_eot_threshold", 0.3, 0.9)
    if eager > eot_threshold:
        raise query.invalid("eager_eot_threshold", f"at most eot_threshold, {eot_threshold}")
    return eager


def _eot_timeout_ms(query: Query) -> int:
    if not query.has("eot_timeout_ms"):
        return _DEFAULT_EOT_TIMEOUT_MS
    return query.whole("eot_timeout_ms", 500, 60000)


def _language_hints(query: Query, model: str) -> tuple[str, ...]:
    """Deepgram answers 400 to hints for another model.

    Its answer to an unlisted language is not documented; here it is refused.
    """
    hints = query.all("language_hint")
    if hints and model != MULTILINGUAL:
        raise query.invalid("language_hint", f"none with model {model}")
    if any(hint.partition("-")[0].lower() not in _LANGUAGES for hint in hints):
        raise query.invalid("language_hint", " or ".join(_LANGUAGES))
    return hints


def _as_query(message: Body) -> Iterator[tuple[str, list[str]]]:
    """Return the fields of a Configure as fields of a query."""
    thresholds = message.get("thresholds", {})
    if not (isinstance(thresholds, dict) and thresholds.keys() <= _THRESHOLDS):
        raise RefusedError("Invalid 'thresholds'. Expected an object of thresholds.")
    for name, value in thresholds.items():
        yield name, [json.dumps(value)]
    if "keyterms" in message:
        yield "keyterm", _texts("keyterms", message["keyterms"])
    if "language_hints" in message:
        yield "language_hint", _texts("language_hints", message["language_hints"])


def _texts(name: str, value: Any) -> list[str]:
    if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise RefusedError(f"Invalid '{name}'. Expected a list of texts.")
    return value
