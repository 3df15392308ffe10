"""The same turns through `rehearse`, beside what the agent decided live."""

import itertools
import math
import statistics
import wave
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lab import markdown
from lab.fidelity.heard import Sound
from lab.fidelity.live import LiveCall, LiveTurn, Row
from sandbox import speech
from sandbox.caller.sound import SAMPLE_RATE
from timing_profiles.rehearsal import recording, rehearse, sweep
from timing_profiles.rehearsal.outcome import Outcome, Played
from timing_profiles.rehearsal.rehearse import Conditions

WITHIN = 0.050
"""Seconds by which a decision may miss."""

SHARE = 0.95
"""The share of decisions that must not miss."""

_LEAD = SAMPLE_RATE  # samples of silence before the first turn
_ANSWERED = 7 * SAMPLE_RATE  # samples after a turn, longer than any wait
_LATER = 3 * SAMPLE_RATE  # samples after the answer: who went on sooner would not have finished

PHASES = tuple(round(0.11 * at, 2) for at in range(8))
"""Seconds by which the frames of a rehearsal are moved against the sound.

Live, they lie anywhere. Frames are 0.05 s and windows of the VAD 0.032 s, and how the two lie to
each other comes again after 0.8 s: steps of 0.11 s are steps of 0.01 in the one and 0.014 in the
other.
"""

_HEAD = (
    *("row", "decisions", "within 0.050 s", "of phase 0", "phases agree", "largest difference"),
    *("median", "turns cut live", "rehearsed", "in both", "spoiled", "held"),
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
        phases: Those of rehearsals, one for each phase; the first one is what `rehearse` prints.
    """

    live: Decision
    phases: tuple[Decision, ...]

    @property
    def nearest(self) -> Decision:
        """The decision of the phase that is nearest to the live one."""
        same = [one for one in self.phases if one.is_cut == self.live.is_cut]
        return min(same or self.phases, key=lambda one: abs(one.at - self.live.at))

    @property
    def difference(self) -> float:
        """The seconds to the nearest phase; more than 0 where live is later."""
        return self.live.at - self.nearest.at

    @property
    def agrees(self) -> bool:
        """Whether a rehearsal decides the same, at some phase."""
        return _agree(self.live, self.nearest)

    @property
    def agrees_with_first(self) -> bool:
        """Whether the one that `rehearse` prints does."""
        return _agree(self.live, self.phases[0])

    @property
    def pairs(self) -> list[bool]:
        """Whether each two phases agree with each other."""
        return [_agree(*pair) for pair in itertools.combinations(self.phases, 2)]


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
    return [ComparedCall(call, tuple(_compared(call, folder))) for call in calls]


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
    pairs = [agree for turn in turns for agree in turn.pairs]
    cut = [(turn.live.is_cut, turn.nearest.is_cut) for turn in turns]
    return (
        name,
        str(len(turns)),
        str(sum(turn.agrees for turn in turns)),
        str(sum(turn.agrees_with_first for turn in turns)),
        f"{sum(pairs) / len(pairs):.0%}" if pairs else "",
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
    starts = _write(file, [turn.sound for turn in call.turns])
    labelled = rehearse.label(file, Conditions())
    if isinstance(labelled, str) or len(labelled.played) != len(starts):
        raise ValueError(f"{file.name}: {labelled if isinstance(labelled, str) else 'other turns'}")
    return [
        _turn(turn, played, start, call.row)
        for turn, played, start in zip(call.turns, labelled.played, starts, strict=True)
    ]


def _outcome(played: Played, row: Row) -> Outcome:
    found = sweep.judge_all(played, [row.values])[0]
    if isinstance(found, str):
        raise ValueError(f"{row.asks_for}: {found}")  # noqa: TRY004 - not a type: a mode with words
    return found


def _turn(live: LiveTurn, played: Played, start: float, row: Row) -> Compared:
    """Rehearse a turn at each phase.

    Args:
        live: The turn, live.
        played: The turn in the recording.
        start: The second of the recording at which its sound begins.
        row: What it was called with.
    """
    phases = [_decision(_outcome(_later(played, phase), row), played, start) for phase in PHASES]
    is_cut = live.decided < played.turn.speech.end - start
    return Compared(Decision(live.decided, is_cut, live.probability), tuple(phases))


def _later(played: Played, lead: float) -> Played:
    """Return a turn with more silence before it."""
    silence = bytes(round(lead * recording.SAMPLE_RATE) * recording.SAMPLE_BYTES)
    return replace(played, start=played.start - lead, samples=silence + played.samples)


def _decision(outcome: Outcome, played: Played, start: float) -> Decision:
    """Return the first decision of an outcome."""
    if outcome.cuts:
        first = outcome.cuts[0]
        return Decision(first.at - start, is_cut=True, probability=first.probability)
    if outcome.wait is None:
        return Decision(math.inf, is_cut=False, probability=None)
    at = played.turn.speech.end + outcome.wait
    seen = [one.probability for one in outcome.predictions if one.at <= at]
    return Decision(at - start, is_cut=False, probability=seen[-1] if seen else None)


def _write(file: Path, sounds: Sequence[Sound]) -> list[float]:
    """Write turns as a recording in which each is answered; return the second of each."""
    answer = np.frombuffer(
        speech.synthesize("Thank you. What else?", voice=speech.AGENT, sample_rate=SAMPLE_RATE),
        dtype=np.int16,
    )
    caller, other = [_silence(_LEAD)], [_silence(_LEAD)]
    starts: list[float] = []
    for sound in sounds:
        starts.append(sum(map(len, caller)) / SAMPLE_RATE)
        caller += [sound, _silence(_ANSWERED + len(answer) + _LATER)]
        other += [_silence(len(sound) + _ANSWERED), answer, _silence(_LATER)]
    frames = np.stack([np.concatenate(caller), np.concatenate(other)], axis=1)
    with wave.open(str(file), "wb") as stream:
        stream.setparams((2, 2, SAMPLE_RATE, 0, "NONE", ""))
        stream.writeframes(frames.tobytes())
    return starts


def _silence(samples: int) -> Sound:
    return np.zeros(samples, dtype=np.int16)
