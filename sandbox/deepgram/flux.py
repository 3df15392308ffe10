"""Audio in, Flux's messages out: no network, and no clock but the audio's own.

https://developers.deepgram.com/docs/flux/state
https://developers.deepgram.com/docs/flux/close-stream
"""

import math
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Final

from sandbox.deepgram.flux_options import MULTILINGUAL, FluxOptions
from sandbox.deepgram.hearing import Hearing, in_frames, in_seconds
from sandbox.deepgram.query import RefusedError
from sandbox.deepgram.record import Body, NotUnderstoodError, Vocabulary
from sandbox.deepgram.words import STOP, capitalized, spans, word

TYPICAL_SILENCE: Final = 0.26
"""Seconds after which Flux is typically 0.7 sure that a turn is over (Deepgram's quickstart)."""

_UPDATE: Final = 24  # frames of 10 ms from one message to the next, at most; real Flux has as many
_DOUBT: Final = 0.25  # the remaining factor of the confidence while the last word implies more


def confidence(silence: float) -> float:
    """Return the confidence that a turn is over after some seconds of silence.

    0.4 after 0.12 s, 0.5 after 0.15, 0.7 after 0.26, 0.8 after 0.35, 0.9 after 0.5; never 1.0:
    as a threshold, that is Deepgram's way to leave the end of turns to the client.
    """
    return round(1.0 - math.pow(0.3, silence / TYPICAL_SILENCE), 4)


class _State(Enum):
    """Deepgram's states of a turn."""

    INITIAL = auto()
    TURN_ONGOING = auto()
    AWAITING_END = auto()


class Flux:
    """One `/v2/listen` stream.

    It finds sound by its energy and places words in it (see `words`). Real Flux judges by the words
    whether a turn is over. Here it is a matter of the silence alone, `confidence`, unless the last
    word ends with a comma: then more is to come, the confidence stays below every threshold, and
    `eot_timeout_ms` ends the turn.

    Undocumented details are decided as the plugin needs them: a turn resumes after 50 ms of new
    sound, with a new word, because the plugin's reply to the eager end of a turn is only thrown
    away when the words change. A turn that ends by its time-out has no eager end before it.
    """

    def __init__(
        self, query: Mapping[str, list[str]], vocabulary: Vocabulary, request_id: str
    ) -> None:
        """Start at second 0 of the audio.

        Raises:
            RefusedError: Deepgram would not serve the query.
        """
        self._options = FluxOptions.from_query(query)
        self._vocabulary = vocabulary
        self._request_id = request_id
        self._sequence_id = 0
        self._hearing = Hearing(self._options.sample_rate)
        self._now = 0
        self._last_sound: int | None = None
        self._last_turn_info = 0
        self._words_said = 0
        # The turn: its words up to the last eager end, and the sound since then.
        self._state = _State.INITIAL
        self._turn_index = 0
        self._turn_start = 0
        self._settled: list[Body] = []
        self._sound: list[int] = []

    @property
    def seconds(self) -> float:
        """Return the duration of the audio that was received, in seconds."""
        return in_seconds(self._now)

    @property
    def last_sound(self) -> float | None:
        """Return the end of the last sound, in seconds of audio."""
        return None if self._last_sound is None else in_seconds(self._last_sound)

    def connected(self) -> Body:
        """Return the first message of a connection."""
        return self._message("Connected", request_id=self._request_id)

    def hear(self, audio: bytes) -> Iterator[Body]:
        """Yield the messages that the next piece of audio causes."""
        for loud in self._hearing.frames(audio):
            self._now += 1
            yield from self._on_sound() if loud else self._on_silence()
            if self._now - self._last_turn_info >= _UPDATE:
                yield self._turn_info("Update")

    def obey(self, message: Body) -> Iterator[Body]:
        """Yield the answer to a message.

        Raises:
            NotUnderstoodError: The message is unknown.
        """
        match message.get("type"):
            case "Configure":
                yield self._configure(message)
            case "ForceEndTurn":
                yield from self._force_end()
            case "CloseStream":
                yield from self._close()
            case _:
                yield self._message(
                    "Error",
                    code="UNPARSABLE_CLIENT_MESSAGE",
                    description="Text message received from client did not match any of the"
                    " formats we expect.",
                )
                raise NotUnderstoodError

    def _on_sound(self) -> Iterator[Body]:
        self._sound.append(self._now)
        self._last_sound = self._now
        if self._state is _State.TURN_ONGOING or not spans(self._sound, self._vocabulary):
            return
        event = "StartOfTurn" if self._state is _State.INITIAL else "TurnResumed"
        self._state = _State.TURN_ONGOING
        yield self._turn_info(event)

    def _on_silence(self) -> Iterator[Body]:
        if self._state is not _State.TURN_ONGOING and self._silence >= STOP:
            self._sound.clear()  # it was a click
        if self._state is _State.INITIAL:
            return
        sure = self._confidence()
        eager = self._options.eager_eot_threshold
        if self._state is _State.TURN_ONGOING and eager is not None and sure >= eager:
            yield self._eager_end()
        if sure >= self._options.eot_threshold:
            yield self._end("model")
        elif self._silence >= in_frames(self._options.eot_timeout_ms / 1000):
            yield self._end("timeout")

    @property
    def _silence(self) -> int:
        return self._now - (self._last_sound or 0)

    def _confidence(self) -> float:
        if self._state is _State.INITIAL:
            return 0.0
        sure = confidence(in_seconds(self._silence))
        words = self._words()
        more_to_come = bool(words) and words[-1]["word"].endswith(",")
        return round(sure * _DOUBT, 4) if more_to_come else sure

    def _eager_end(self) -> Body:
        self._settled = self._words()
        self._sound.clear()
        self._state = _State.AWAITING_END
        return self._turn_info("EagerEndOfTurn")

    def _end(self, trigger: str) -> Body:
        self._state = _State.AWAITING_END
        end = self._turn_info("EndOfTurn", trigger=trigger)
        self._words_said += len(end["words"])
        self._settled = []
        self._sound.clear()
        self._turn_index += 1
        self._turn_start = self._now
        self._state = _State.INITIAL
        return end

    def _force_end(self) -> Iterator[Body]:
        """End the turn, if there is one."""
        if self._state is not _State.INITIAL:
            yield self._end("manual")

    def _close(self) -> Iterator[Body]:
        """The turn is not ended: its last words come as an Update."""
        if self._now > self._last_turn_info:
            yield self._turn_info("Update")

    def _configure(self, message: Body) -> Body:
        try:
            self._options = self._options.configured(message)
        except RefusedError:
            return self._message("ConfigureFailure", request_id=self._request_id)
        options = self._options
        thresholds = {
            "eot_threshold": options.eot_threshold,
            "eager_eot_threshold": options.eager_eot_threshold,
            "eot_timeout_ms": options.eot_timeout_ms,
        }
        return self._message(
            "ConfigureSuccess",
            request_id=self._request_id,
            thresholds={name: value for name, value in thresholds.items() if value is not None},
            keyterms=list(options.keyterms),
            language_hints=list(options.language_hints),
        )

    def _turn_info(self, event: str, **more: str) -> Body:
        self._last_turn_info = self._now
        words = self._words()
        _punctuate(words, ends=self._state is _State.AWAITING_END)
        return self._message(
            "TurnInfo",
            request_id=self._request_id,
            event=event,
            turn_index=self._turn_index,
            audio_window_start=in_seconds(self._turn_start),
            audio_window_end=self.seconds,
            transcript=" ".join(each["word"] for each in words),
            words=words,
            end_of_turn_confidence=self._confidence(),
            **more,
            **self._languages(words),
        )

    def _languages(self, words: list[Body]) -> Body:
        if self._options.model != MULTILINGUAL:
            return {}
        hints = self._options.language_hints
        detected = {"languages": ["en"] if words else []}
        return detected | ({"languages_hinted": list(hints)} if hints else {})

    def _words(self) -> list[Body]:
        first = self._words_said + len(self._settled)
        recent = enumerate(spans(self._sound, self._vocabulary), start=first)
        return [*self._settled, *(word(number, span, self._vocabulary) for number, span in recent)]

    def _message(self, type_: str, **fields: object) -> Body:
        body = {"type": type_, **fields, "sequence_id": self._sequence_id}
        self._sequence_id += 1
        return body


def _punctuate(words: list[Body], *, ends: bool) -> None:
    """Write the words as a sentence; those that are settled stay as they are."""
    if words:
        words[0] = words[0] | {"word": capitalized(words[0]["word"])}
    if words and ends and not words[-1]["word"].endswith((",", ".")):
        words[-1] = words[-1] | {"word": words[-1]["word"] + "."}
