"""Audio in, Deepgram's messages out: no network, and no clock but the audio's own."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from enum import Enum, auto
from typing import Final

from sandbox.deepgram.hearing import Hearing, in_frames, in_seconds
from sandbox.deepgram.query import ListenOptions
from sandbox.deepgram.record import Body, NotUnderstoodError, Vocabulary
from sandbox.deepgram.words import ONSET, STOP, Span, capitalized, spans, word

# In frames of 10 ms.
_INTERIM: Final = 40  # between two interim results
_SEGMENT: Final = 500  # Deepgram finalizes after about this much, whether a pause comes or not

_MODEL_UUID: Final = "00000000-0000-4000-8000-000000000001"


class _Reason(Enum):
    """The reason why results are sent."""

    INTERIM = auto()
    SEGMENT = auto()
    ENDPOINT = auto()
    FINALIZE = auto()
    FLUSH = auto()

    @property
    def ends_sentence(self) -> bool:
        return self not in (_Reason.INTERIM, _Reason.SEGMENT)


class Transcriber:
    """One `/v1/listen` stream.

    It finds sound by its energy and places words in it (see `words`). When the messages come is
    Deepgram's way, counted in the audio received; the empty results that Deepgram sends all through
    a silence are left out.

    A pause of less than 50 ms is never an end of speech, for any `endpointing`: espeak-ng's
    stops are that long.
    """

    def __init__(self, options: ListenOptions, vocabulary: Vocabulary, request_id: str) -> None:
        self._options = options
        self._vocabulary = vocabulary
        self._request_id = request_id
        self._shown = "punctuated_word" if options.punctuated else "word"
        self._hearing = Hearing(options.sample_rate)
        self._sha256 = hashlib.sha256()
        self._now = 0
        self._last_sound: int | None = None
        self._speaking = False
        self._words_said = 0
        self._sentence_words = 0
        self._last_word_end: int | None = None
        self._last_interim = 0
        # The segment is the audio since the last final result.
        self._segment_start = 0
        self._segment_sound: list[int] = []

    def end_after(self, endpointing: float | None) -> None:
        """Change the silence, in seconds, that ends speech; None is off."""
        self._options = replace(self._options, endpointing=endpointing)

    @property
    def seconds(self) -> float:
        """Return the duration of the audio that was received, in seconds."""
        return in_seconds(self._now)

    @property
    def last_sound(self) -> float | None:
        """Return the end of the last sound, in seconds of audio."""
        return None if self._last_sound is None else in_seconds(self._last_sound)

    def hear(self, audio: bytes) -> Iterator[Body]:
        """Yield the messages that the next piece of audio causes."""
        self._sha256.update(audio)
        for loud in self._hearing.frames(audio):
            self._now += 1
            yield from self._on_sound() if loud else self._on_silence()
            yield from self._on_time()

    def obey(self, message: Body) -> Iterator[Body]:
        """Yield the answer to a message.

        Raises:
            NotUnderstoodError: The message is unknown.
        """
        match message.get("type"):
            case "KeepAlive":
                pass
            case "Finalize":
                yield from self.finalize()
            case "CloseStream":
                yield from self.close()
            case _:
                raise NotUnderstoodError

    def finalize(self) -> Iterator[Body]:
        """Yield the answer to Finalize."""
        yield self._final(_Reason.FINALIZE)

    def close(self) -> Iterator[Body]:
        """Yield the answer to CloseStream: pending results, then the summary."""
        if self._spans():
            yield self._final(_Reason.FLUSH)
        yield {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": self._request_id,
            "sha256": self._sha256.hexdigest(),
            "created": datetime.now(timezone.utc).isoformat(),
            "duration": self.seconds,
            "channels": 1,
        }

    def _on_sound(self) -> Iterator[Body]:
        if not self._segment_sound:
            self._segment_start = self._last_interim = self._now - 1
        self._segment_sound.append(self._now)
        self._last_sound = self._now
        if not self._speaking and len(self._segment_sound) >= ONSET:
            self._speaking = True
            if self._options.vad_events:
                yield {
                    "type": "SpeechStarted",
                    "channel": [0, 1],
                    "timestamp": in_seconds(self._segment_start),
                }

    def _on_silence(self) -> Iterator[Body]:
        silence = self._now - (self._last_sound or 0)
        if self._speaking and self._is_endpoint(silence):
            yield self._final(_Reason.ENDPOINT)
        elif not self._speaking and silence >= STOP:
            self._segment_sound.clear()
        yield from self._on_utterance_gap()

    def _is_endpoint(self, silence: int) -> bool:
        endpointing = self._options.endpointing
        return endpointing is not None and silence >= max(in_frames(endpointing), STOP)

    def _on_utterance_gap(self) -> Iterator[Body]:
        pending = self._spans()
        end = pending[-1][1] if pending else self._last_word_end
        gap = self._options.utterance_end
        if gap is None or end is None or self._now - end < in_frames(gap):
            return
        if pending:
            yield self._final(_Reason.FLUSH)
        self._last_word_end = None
        self._speaking = False
        yield {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": in_seconds(end)}

    def _on_time(self) -> Iterator[Body]:
        if not self._segment_sound:
            return
        if self._now - self._segment_start >= _SEGMENT:
            yield self._final(_Reason.SEGMENT)
        elif self._is_interim_due() and self._spans():
            self._last_interim = self._now
            yield self._results(_Reason.INTERIM)

    def _is_interim_due(self) -> bool:
        return (
            self._options.interim_results
            and self._now - self._last_interim >= _INTERIM
            and self._segment_sound[-1] > self._last_interim
        )

    def _final(self, reason: _Reason) -> Body:
        results = self._results(reason)
        if spans := self._spans():
            self._last_word_end = spans[-1][1]
        self._words_said += len(spans)
        self._sentence_words = 0 if reason.ends_sentence else self._sentence_words + len(spans)
        self._speaking = self._speaking and reason is not _Reason.ENDPOINT
        self._segment_start = self._now
        self._segment_sound.clear()
        return results

    def _results(self, reason: _Reason) -> Body:
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": in_seconds(self._segment_start),
            "duration": in_seconds(self._now - self._segment_start),
            "is_final": reason is not _Reason.INTERIM,
            "speech_final": reason is _Reason.ENDPOINT,
            "from_finalize": reason is _Reason.FINALIZE,
            "channel": {"alternatives": [self._alternative(reason)]},
            "metadata": {
                "request_id": self._request_id,
                "model_info": {"name": self._options.model, "version": "0", "arch": "sandbox"},
                "model_uuid": _MODEL_UUID,
            },
        }

    def _alternative(self, reason: _Reason) -> Body:
        words = [
            word(self._words_said + index, span, self._vocabulary)
            for index, span in enumerate(self._spans())
        ]
        if self._options.punctuated:
            _punctuate(words, starts=not self._sentence_words, ends=reason.ends_sentence)
        return {
            "transcript": " ".join(each[self._shown] for each in words),
            "confidence": 0.99 if words else 0.0,
            "words": words,
        }

    def _spans(self) -> list[Span]:
        """Start and end of each word in the segment."""
        return spans(self._segment_sound, self._vocabulary)


def _punctuate(words: list[Body], *, starts: bool, ends: bool) -> None:
    for each in words:
        each["punctuated_word"] = each["word"]
    if words and starts:
        words[0]["punctuated_word"] = capitalized(words[0]["punctuated_word"])
    if words and ends:
        words[-1]["punctuated_word"] = words[-1]["punctuated_word"].rstrip(".") + "."
