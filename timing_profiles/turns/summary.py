"""Summarise in sentences what a caller notices of a merged profile.

Sources: calls on livekit-agents 1.8.9 with livekit-plugins-deepgram 1.8.9, read and measured.
"""

from __future__ import annotations

from collections.abc import Iterator

from timing_profiles.turns import dead_settings, wait
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FLUX_EOT,
    FLUX_EOT_TIMEOUT,
    INTERRUPTION,
    MAX_DELAY,
    MIN_DELAY,
    MODE,
    NOVA_ENDPOINTING,
    PREEMPTIVE,
    Values,
    number,
)


def sentences(values: Values) -> list[str]:
    """Return what a caller notices, the most important first."""
    return [
        *_answers(values),
        *_interrupted(values),
        *_after_a_noise(values),
        *_cuts_in(values),
        *_speaks(values),
    ]


def _answers(values: Values) -> Iterator[str]:
    waits = wait.effective(values)
    shortest, longest = waits.seconds
    detection = values[DETECTION]
    if detection == "manual":
        yield "answers only when the application commits the turn"
    elif longest is None:
        yield f"answers after {shortest:g} s or later: nothing bounds the wait"
    elif values[ENGINE] == "flux" and detection == "stt":
        yield _flux_answer(values, waits)
    elif detection == "turn_detector" and shortest != longest:
        yield (
            f"answers after {shortest:g} s when the sentence sounds finished,"
            f" after {longest:g} s when more seems to come"
        )
    else:
        yield f"answers after {str(waits).removesuffix(' s')} s of silence"
    if values[MODE] == "dynamic" and detection != "manual":
        low, high = values[MIN_DELAY], values[MAX_DELAY]
        yield f"learns from pauses: in later turns the delay of {low:g} s may grow to {high:g} s"


def _flux_answer(values: Values, waits: wait.Wait) -> str:
    delay = f", and {waits.seconds[0]:g} s more" if waits.seconds[0] else ""
    return (
        f"answers when Flux is {number(values, FLUX_EOT):.0%} sure that the caller is done,"
        f" after {number(values, FLUX_EOT_TIMEOUT) / 1000:g} s of silence at the latest{delay}"
    )


def _interrupted(values: Values) -> Iterator[str]:
    if not _setting(values, "enabled"):
        yield "cannot be interrupted"
        if _setting(values, "discard_audio_if_uninterruptible"):
            yield "what is said while it speaks or thinks is lost"
        else:
            yield "what is said while it speaks is answered only if it runs past the agent's end"
        return
    words = _setting(values, "min_words")
    duration = f"{_setting(values, 'min_duration'):g} s of speech"
    if values[DETECTION] == "manual":
        yield "is interrupted by the application alone"
    elif words:
        yield f"stops for {duration} with {words} {'word' if words == 1 else 'words'} in it"
    elif values[ENGINE] == "nova" and values[NOVA_ENDPOINTING]:
        yield (
            f"stops for {duration}, or as soon as a word is final"
            f" ({values[NOVA_ENDPOINTING]} ms after it)"
        )
    else:
        yield f"stops for {duration}"


def _after_a_noise(values: Values) -> Iterator[str]:
    if not _setting(values, "enabled") or values[DETECTION] == "manual":
        return
    timeout = _setting(values, "false_interruption_timeout")
    if timeout is None or not _setting(values, "resume_false_interruption"):
        yield "after a sound without words it stays silent until the caller speaks"
    else:
        yield f"after a sound without words it goes on, {timeout:g} s later"


def _cuts_in(values: Values) -> Iterator[str]:
    if values[ENGINE] == "flux":
        return
    words = values["turn_handling.user_turn_limit.max_words"]
    duration = values["turn_handling.user_turn_limit.max_duration"]
    limits = [f"{words} words"] if words else []
    limits += [f"{duration:g} s"] if duration else []
    if limits:
        yield f"cuts in on a caller who has talked for {' or '.join(limits)}"


def _speaks(values: Values) -> Iterator[str]:
    if values["tts.speed"] is not None:
        yield f"speaks at {values['tts.speed']:g} times its usual speed"
    if dead_settings.works_ahead(values):
        early = "the LLM and the voice begin" if values[f"{PREEMPTIVE}.preemptive_tts"] else ""
        yield f"{early or 'the LLM begins'} while the agent still waits"


def _setting(values: Values, name: str) -> float | None:
    found: float | None = values[f"{INTERRUPTION}.{name}"]
    return found
