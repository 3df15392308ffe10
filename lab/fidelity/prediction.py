"""Settings, and the time of network and services -> the predicted time of a turn."""

from dataclasses import dataclass

from lab.fidelity.rows import Row
from lab.fidelity.turn import Turn
from timing_profiles.turns import dead_settings
from timing_profiles.turns.fields import DETECTION, ENGINE, PREEMPTIVE
from timing_profiles.turns.wait import VAD_LAG, words

DEEPGRAM = 0.12
"""Seconds that the stand-in for Deepgram takes to answer.

So much that a row would miss if it were not counted. And as little a multiple of 50 ms as can be:
with `flux` the ends of speech of Flux and of the VAD would come with the same frame of audio, and
the agent counts the delay from the one that it handles last.
"""


@dataclass(frozen=True, slots=True)
class Predicted:
    """Seconds, as in `Turn`."""

    decision: float
    wait: float


def predicted(row: Row, turn: Turn) -> Predicted:
    """Predict a turn from a row's settings, with the measured time of the path and of others."""
    if row.values[DETECTION] == "stt":
        decision = row.delay
        end = row.shortest + (turn.words if _is_flux(row) else DEEPGRAM)
    else:
        decision = max(row.shortest - VAD_LAG, turn.words_late, turn.detector)
        end = VAD_LAG + decision
    return Predicted(decision, turn.path_in + _answer(row, turn, end) + turn.path_out)


def deepgram(row: Row, turn: Turn) -> float:
    """Return Deepgram's own time in a turn, in seconds, beyond the wait of the settings."""
    return turn.words - words(row.values)[0].earliest


def _answer(row: Row, turn: Turn, end: float) -> float:
    """When the agent's answer begins, if the turn ends at `end`."""
    if not dead_settings.works_ahead(row.values):
        return end + turn.llm + turn.tts
    if row.values[f"{PREEMPTIVE}.preemptive_tts"]:
        return max(end, turn.early + turn.llm + turn.tts)
    return max(end, turn.early + turn.llm) + turn.tts


def _is_flux(row: Row) -> bool:
    return bool(row.values[ENGINE] == "flux")
