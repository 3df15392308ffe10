"""The same turns through `rehearse`, beside what the agent decided live."""

import json
import math
import statistics
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab import markdown
from lab.fidelity.calls import NotMeasuredError
from lab.fidelity.heard import Sound
from lab.fidelity.live import LiveCall, LiveTurn
from lab.fidelity.rows import Row
from sandbox import speech
from sandbox.caller.sound import SAMPLE_RATE
from sandbox.deepgram.record import Body
from timing_profiles.rehearsal import outcome, recording, rehearse, sweep
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.outcome import Outcome, Played
from timing_profiles.rehearsal.rehearse import Conditions

WITHIN = 0.050
"""Seconds by which a decision may miss."""

SHARE = 0.95
"""The share of decisions that must not miss."""

_LEAD = SAMPLE_RATE  # samples of silence before the first turn
_ANSWERED = 7 * SAMPLE_RATE  # samples after a turn, longer than any wait
_LATER = 3 * SAMPLE_RATE  # samples after the answer: who went on sooner would not have finished

_PERIOD = round(0.8 * SAMPLE_RATE)
"""Samples after which frames (0.05 s) and windows of the VAD (0.032 s) lie to each other again."""

_BORDER = 0.2  # seconds by which a word may begin before its turn

_HEAD = (
    *("row", "decisions", "within 0.050 s", "of phase 0", "largest difference", "median"),
    *("turns cut live", "rehearsed", "in both", "spoiled", "held"),
)


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on a turn.

    Attributes:
        at: Seconds from the first sample of the turn.
        is_cut: Whether it comes before the last one.
        probability: That of the turn detector before it; None where it was not asked.
    """

    at: float
    is_cut: bool
    probability: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A turn, live and rehearsed.

    Attributes:
        live: The agent's decision.
        rehearsed: That of a rehearsal whose frames lie as they did in the call.
        first: That of the phase which `rehearse` prints.
    """

    live: Decision
    rehearsed: Decision
    first: Decision

    @property
    def difference(self) -> float:
        """The seconds between the two; more than 0 where live is later."""
        return self.live.at - self.rehearsed.at

    @property
    def agrees(self) -> bool:
        """Whether the rehearsal decides the same."""
        return _agree(self.live, self.rehearsed)

    @property
    def agrees_with_first(self) -> bool:
        """Whether the one that `rehearse` prints does."""
        return _agree(self.live, self.first)


@dataclass(frozen=True, slots=True)
class ComparedCall:
    """The turns of a row, live and rehearsed."""

    call: LiveCall
    turns: tuple[Compared, ...]

    @property
    def row(self) -> Row:
        """The row."""
        return self.call.row


def compare(calls: Sequence[LiveCall], folder: Path) -> list[ComparedCall]:
    """Rehearse the turns of calls.

    Args:
        calls: The calls.
        folder: For recordings.
    """
    compared = []
    for call in calls:
        try:
            turns = tuple(_compared(call, folder))
        except NotMeasuredError as error:
            call.error, turns = str(error), ()
        compared.append(ComparedCall(call, turns))
    return compared


def share(compared: Sequence[ComparedCall]) -> float:
    """Return the share of decisions that agree; 0 without any."""
    agree = [turn.agrees for call in compared for turn in call.turns]
    return sum(agree) / len(agree) if agree else 0.0


def text(compared: Sequence[ComparedCall]) -> str:
    """Return rows as a table, with their sum in the last one."""
    rows = [(one.row.name, [one], one.call.error) for one in compared]
    verdict = "yes" if holds(compared) else "MISSED"
    return markdown.table(_HEAD, (_cells(*row) for row in [*rows, ("all", compared, verdict)]))


def holds(compared: Sequence[ComparedCall]) -> bool:
    """Return whether every row was measured, and enough decisions agree."""
    return share(compared) >= SHARE and not any(one.call.error for one in compared)


def _cells(name: str, compared: Sequence[ComparedCall], held: str) -> tuple[str, ...]:
    turns = [turn for one in compared for turn in one.turns]
    differences = [turn.difference for turn in turns] or [0.0]
    cut = [(turn.live.is_cut, turn.rehearsed.is_cut) for turn in turns]
    return (
        name,
        str(len(turns)),
        str(sum(turn.agrees for turn in turns)),
        str(sum(turn.agrees_with_first for turn in turns)),
        f"{max(differences, key=abs):+.3f}",
        f"{statistics.median(differences):+.3f}",
        str(sum(live for live, _ in cut)),
        str(sum(rehearsed for _, rehearsed in cut)),
        str(sum(live and rehearsed for live, rehearsed in cut)),
        str(sum(len(one.call.spoiled) for one in compared)),
        held,
    )


def _agree(one: Decision, other: Decision) -> bool:
    return one.is_cut == other.is_cut and abs(one.at - other.at) <= WITHIN


def _compared(call: LiveCall, folder: Path) -> list[Compared]:
    if not call.turns:
        return []
    file = folder / f"{call.row.asks_for}.wav"
    starts = _write(file, call.turns)
    words: dict[Path, Path] = {}
    if outcome.unknown(call.row.values, call.stt_delay):
        words[file] = file.with_suffix(".json")
        words[file].write_text(json.dumps([*_words(call, starts)]), encoding="utf-8")
    labelled = rehearse.label(file, Conditions(words=words))
    if isinstance(labelled, str) or len(labelled.played) != len(starts):
        raise NotMeasuredError(
            f"{file.name}: {labelled if isinstance(labelled, str) else 'other turns'}"
        )
    return [
        _turn(turn, played, start, call)
        for turn, played, start in zip(call.turns, labelled.played, starts, strict=True)
    ]


def _words(call: LiveCall, starts: Sequence[float]) -> Iterator[Body]:
    """Yield the words, or the messages of Flux, that Deepgram sent about the turns of a recording.

    Args:
        call: The call.
        starts: The second of the recording at which each turn begins.
    """
    for turn, start in zip(call.turns, starts, strict=True):
        first, last = turn.began / SAMPLE_RATE, turn.ended / SAMPLE_RATE
        for body in (message.body for message in call.messages):
            is_flux = body["type"] == "TurnInfo"
            if is_flux or (body["type"] == "Results" and body["is_final"]):
                words = (body if is_flux else body["channel"]["alternatives"][0])["words"]
                moved = [_moved(one, start - first) for one in words]
                if not words or not first - _BORDER < words[0]["start"] < last:
                    continue
                if is_flux:
                    end = body["audio_window_end"] + start - first
                    yield {**body, "audio_window_end": end, "words": moved}
                else:
                    yield from moved


def _moved(word: Body, seconds: float) -> Body:
    return {**word, "start": word["start"] + seconds, "end": word["end"] + seconds}


def _outcome(played: Played, call: LiveCall) -> Outcome:
    found = sweep.judge_all(played, [call.row.values], call.stt_delay)[0]
    if isinstance(found, str):
        raise NotMeasuredError(f"{call.row.name}: {found}")
    return found


def _turn(live: LiveTurn, played: Played, start: float, call: LiveCall) -> Compared:
    """Rehearse a turn.

    Args:
        live: The turn, live.
        played: The turn in the recording.
        start: The second of the recording at which its sound begins.
        call: The call that it is of.
    """
    first, same = (
        _decision(_outcome(one, call), one, start)
        for one in (played, _as_heard(live, played.turn, start))
    )
    is_cut = live.decided < played.turn.speech.end - start
    return Compared(Decision(live.decided, is_cut, live.probability), same, first)


def _as_heard(live: LiveTurn, turn: Turn, start: float) -> Played:
    """Return a turn with the sound before it, and with frames and windows that lie as in the call.

    They are counted from the first sample that the agent got.
    """
    lead = round(outcome.LEAD * SAMPLE_RATE)
    first = max(0, (live.began - lead) // _PERIOD * _PERIOD)
    sound = recording.resampled(live.heard.tobytes(), SAMPLE_RATE, recording.SAMPLE_RATE)
    whole = Played(turn, start - live.began / SAMPLE_RATE, sound)
    return whole.later(first / SAMPLE_RATE)


def _decision(found: Outcome, played: Played, start: float) -> Decision:
    """Return the first decision of an outcome."""
    if found.cuts:
        first = found.cuts[0]
        return Decision(first.at - start, is_cut=True, probability=first.probability)
    if found.wait is None:
        return Decision(math.inf, is_cut=False, probability=None)
    at = played.turn.speech.end + found.wait
    seen = [one.probability for one in found.predictions if one.at <= at]
    return Decision(at - start, is_cut=False, probability=seen[-1] if seen else None)


def _write(file: Path, turns: Sequence[LiveTurn]) -> list[float]:
    """Write turns as a recording in which each is answered; return the second of each.

    After a turn comes the line as the agent got it: the turn detector hears it.
    """
    answer = np.frombuffer(
        speech.synthesize("Thank you. What else?", voice=speech.AGENT, sample_rate=SAMPLE_RATE),
        dtype=np.int16,
    )
    caller, other = [_silence(_LEAD)], [_silence(_LEAD)]
    starts: list[float] = []
    for turn in turns:
        line = turn.line[:_ANSWERED]
        rest = _silence(_ANSWERED - len(line) + len(answer) + _LATER)
        starts.append(sum(map(len, caller)) / SAMPLE_RATE)
        caller += [turn.sound, line, rest]
        other += [_silence(len(turn.sound) + _ANSWERED), answer, _silence(_LATER)]
    frames = np.stack([np.concatenate(caller), np.concatenate(other)], axis=1)
    with wave.open(str(file), "wb") as stream:
        stream.setparams((2, 2, SAMPLE_RATE, 0, "NONE", ""))
        stream.writeframes(frames.tobytes())
    return starts


def _silence(samples: int) -> Sound:
    return np.zeros(samples, dtype=np.int16)
