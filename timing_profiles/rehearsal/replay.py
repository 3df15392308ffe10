"""The messages of Deepgram that word times imply, and what word times do not determine.

nova ends speech after `endpointing_ms` of silence; the final words and the end of speech reach the
session some time later. Flux ends turns at its messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from timing_profiles.rehearsal.transcript import FluxEnd, Transcript, Word, runs
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FLUX_EOT,
    FLUX_EOT_TIMEOUT,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
    Values,
    number,
)

STT_DELAY: Final = 0.3
"""Seconds in which final words reach the session; Deepgram: "300 milliseconds or less".

https://developers.deepgram.com/docs/measuring-streaming-latency
"""

LIMITS: Final = (
    "turn_handling.user_turn_limit.max_words",
    "turn_handling.user_turn_limit.max_duration",
)
"""The fields that end a turn by its words."""

# Deepgram finalizes words "every few seconds" of its own accord, which ends no speech.
# https://developers.deepgram.com/docs/understand-endpointing-interim-results
_SEGMENT: Final = 5.0

_EARLY: Final = 0.5  # seconds by which Flux may end a turn before eot_timeout_ms, by word times

Kind = Literal["start", "final", "end"]


@dataclass(frozen=True, slots=True)
class Message:
    """Something that the session hears from Deepgram.

    Attributes:
        at: When, in seconds of the recording.
        kind: The start of speech, final words, or the end of speech.
        words: The words that are final.
        silence: The seconds from the last word to the moment at which Deepgram detects that speech
            has ended, without the time in which its message arrives.
        by: The field that decided when speech has ended.
    """

    at: float
    kind: Kind
    words: tuple[Word, ...] = ()
    silence: float = 0.0
    by: str = ""


def messages(transcript: Transcript, values: Values, delay: float) -> list[Message]:
    """Return Deepgram's messages to a session about a turn, in order.

    Args:
        transcript: The words of the turn.
        values: The settings.
        delay: Seconds in which a message of Deepgram reaches the session.
    """
    if values[ENGINE] == "flux":
        found = (one for end in transcript.flux or () for one in _of_flux(end, delay))
    else:
        silence = values[NOVA_ENDPOINTING] / 1000
        found = (
            one for run in runs(transcript.words, silence) for one in _of_nova(run, silence, delay)
        )
    return sorted(found, key=lambda one: one.at)


def unknown(transcript: Transcript | None, values: Values, *, chained: bool) -> str | None:
    """Return why the words do not determine the end of a turn; None where they do.

    Args:
        transcript: The words of the turn; None without a file.
        values: The settings.
        chained: Whether it matters when each single word is final.
    """
    if transcript is None:
        return "no words of it are given"
    if values[ENGINE] == "flux":
        return _unknown_of_flux(transcript, values)
    endpointing, utterance_end = values[NOVA_ENDPOINTING], values[NOVA_UTTERANCE_END]
    if not endpointing:
        return f"{NOVA_ENDPOINTING} {endpointing}: word times do not tell when words are final"
    ends_turns = values[DETECTION] == "stt"
    if ends_turns and utterance_end and utterance_end < endpointing:
        return (
            f"{NOVA_UTTERANCE_END} {utterance_end}: shorter than {NOVA_ENDPOINTING}, and word times"
            " do not tell when words are final"
        )
    if chained:
        for run in runs(transcript.words, endpointing / 1000):
            seconds = run[-1].end - run[0].start
            if seconds > _SEGMENT:
                return (
                    f"{seconds:.1f} s of words from {run[0].start:.1f} s without a silence of"
                    f" {endpointing} ms: Deepgram makes some of them final earlier, unknown when"
                )
    return None


def _of_nova(run: Sequence[Word], silence: float, delay: float) -> Iterator[Message]:
    ends = run[-1].end + silence + delay
    yield Message(run[0].start + delay, "start")
    yield Message(ends, "final", tuple(run), silence, NOVA_ENDPOINTING)
    yield Message(ends, "end")


def _of_flux(end: FluxEnd, delay: float) -> Iterator[Message]:
    by = FLUX_EOT_TIMEOUT if end.by_timeout else FLUX_EOT
    silence = max(0.0, end.at - end.words[-1].end)
    yield Message(end.words[0].start + delay, "start")
    yield Message(end.at + delay, "final", end.words, silence, by)
    yield Message(end.at + delay, "end")


def _unknown_of_flux(transcript: Transcript, values: Values) -> str | None:
    """Return why ends of turns are not those of a profile: its own numbers would move them."""
    if transcript.flux is None:
        return f"{ENGINE} flux: its words have no messages of Flux, EndOfTurn"
    threshold, timeout = number(values, FLUX_EOT), number(values, FLUX_EOT_TIMEOUT) / 1000
    for end in transcript.flux:
        if end.by_timeout and end.at - end.words[-1].end < timeout - _EARLY:
            return f"{FLUX_EOT_TIMEOUT} {1000 * timeout:g}: Flux gave up earlier at {end.at:.1f} s"
        low, high = end.confidence_before, end.confidence
        if low >= threshold:
            return f"{FLUX_EOT} {threshold:g}: Flux went on with {low:.2f} before {end.at:.1f} s"
        if high is not None and high < threshold and not end.by_timeout:
            return f"{FLUX_EOT} {threshold:g}: Flux ended a turn with {high:.2f} at {end.at:.1f} s"
    return None
