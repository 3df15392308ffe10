"""Settings that do nothing beside others: conversations in which they could have, and did not.

Each claim is a row of `timing_profiles.turns.dead_settings`: whatever the setting, the same is seen
while the row's condition holds, and another thing once it does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.e2e.fields import looks, scenes
from tests.e2e.fields.claims import Claim
from tests.e2e.fields.conversation import Scene
from tests.e2e.fields.effects import (
    ADAPTIVE,
    DYNAMIC,
    EARLY_WORDS,
    FLUX,
    GOING_ON,
    LATE_WORDS,
    LIMIT,
    NOISE,
    ON_AND_ON,
    ONE_TURN,
    OVER,
    OVER_THE_START,
    STT,
    UNHEARD,
    UNLIKELY,
    VAD,
    YES,
    acts,
)
from tests.e2e.fields.looks import Look
from tests.e2e.fields.rehearsal import Sets
from timing_profiles.turns.fields import (
    ALPHA,
    DETECTION,
    ENGINE,
    FLUX_EAGER,
    FLUX_EOT,
    FLUX_EOT_TIMEOUT,
    INTERRUPTION,
    MAX_DELAY,
    MIN_DELAY,
    MODE,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
    PREEMPTIVE,
    TRANSCRIPTION_TIMEOUT,
    VAD_SILENCE,
)

NOVA: Final = {ENGINE: "nova"}
DETECTOR: Final = {DETECTION: "turn_detector"}
REALTIME: Final = {DETECTION: "realtime_llm"}  # without a realtime model: as vad
MANUAL: Final = {DETECTION: "manual"}

LONG_TURN: Final = scenes.saying(scenes.SENTENCE, 4.2)
COMMITTED: Final = scenes.committing(2.0)
ADDED: Final = scenes.adding(scenes.QUESTION, 1.0, thinks=1.5)
IN_ONE_PAUSE: Final = scenes.saying("I would like to book [0.9] a table for two.", 2.0)
IN_TWO_PAUSES: Final = scenes.saying(
    "I would like to book a table [0.7] for two people [0.7] by the window.", 0.5
)
CONNECTED: Final = scenes.being_silent(0.1)

_LAG: Final = 0.05
_SENT: Final = 0.03

WITHOUT_CLAIM: Final = {
    "smart-format-off": "both are sent, and what they change is Deepgram's",
    "assemblyai-ends-the-turn-before": "both are sent; `test_assemblyai` shows what they change",
    "realtime-semantic-vad": "`test_realtime_stand_in` shows that it is not even sent",
    "realtime-server-vad": "`test_realtime_stand_in` shows that it is not even sent",
}
"""Rows without a claim, and why."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Settings that do nothing for a reason.

    Attributes:
        row: The name of the row in the table of dead settings.
        fields: What does nothing.
        idling: Settings for which the reason holds.
        acting: Settings for which it does not.
        claim: What is seen of both.
    """

    row: str
    fields: Sequence[str]
    idling: Sequence[Sets]
    acting: Sequence[Sets]
    claim: Claim


def _idle(
    row: str,
    scene: Scene,
    look: Look,
    changed: Sequence[Sets],
    *,
    while_: Sequence[Sets],
    idle: Any,
    otherwise: Sets | None = None,
    acting: Sequence[Any] = (),
    within: float = 0.15,
) -> Idle:
    """What `changed` does not change while something holds, and changes otherwise, if ever."""
    idling = [{**condition, **sets} for condition in while_ for sets in changed]
    acts = [] if otherwise is None else [{**otherwise, **sets} for sets in changed]
    expected = [*((sets, idle) for sets in idling), *zip(acts, acting, strict=True)]
    fields = sorted({field for sets in changed for field in sets})
    return Idle(row, fields, idling, acts, Claim(row, scene, look, expected, within))


def _values(field: str, values: Sequence[Any]) -> list[Sets]:
    return [{field: value} for value in values]


IDLE: Final = (
    _idle(
        "never-read",
        ONE_TURN,
        looks.delay,
        [
            {"vad.prefix_padding_duration": 0.0, "turn_detector.backchannel_threshold": 0.0},
            {"vad.prefix_padding_duration": 2.0, "turn_detector.backchannel_threshold": 1.0},
        ],
        while_=[{**DETECTOR, UNLIKELY: 0.0, MIN_DELAY: 0.6}],
        idle=0.6,
    ),
    _idle(
        "engine-flux",
        CONNECTED,
        looks.wire("model", "language", "endpointing", "utterance_end_ms", "filler_words"),
        [
            {},
            {
                "stt.nova.model": "nova-2-phonecall",
                "stt.nova.language": "en",
                NOVA_ENDPOINTING: 77,
                NOVA_UTTERANCE_END: 1100,
                "stt.nova.no_delay": False,
                "stt.nova.smart_format": True,
                "stt.nova.filler_words": False,
            },
        ],
        while_=[FLUX],
        idle="model=flux-general-en",
        otherwise=NOVA,
        acting=[
            "model=nova-3&language=en-US&endpointing=25&filler_words=true",
            (
                "model=nova-2-phonecall&language=en&endpointing=77&utterance_end_ms=1100"
                "&filler_words=false"
            ),
        ],
    ),
    _idle(
        "engine-nova",
        CONNECTED,
        looks.wire("model", "eot_threshold", "eager_eot_threshold", "eot_timeout_ms"),
        [
            {},
            {
                "stt.flux.model": "flux-general-multi",
                FLUX_EOT: 0.8,
                FLUX_EAGER: 0.5,
                FLUX_EOT_TIMEOUT: 4000,
                "stt.flux.language_hint": ["en"],
            },
        ],
        while_=[NOVA],
        idle="model=nova-3",
        otherwise=FLUX,
        acting=[
            "model=flux-general-en",
            "model=flux-general-multi&eot_threshold=0.8&eager_eot_threshold=0.5&eot_timeout_ms=4000",
        ],
    ),
    _idle(
        "flux-model-without-hints",
        CONNECTED,
        looks.wire("model", "language_hint"),
        _values("stt.flux.language_hint", ["auto", ["es"]]),
        while_=[{**FLUX, "stt.flux.model": "flux-general-en"}],
        idle="model=flux-general-en",
        otherwise={**FLUX, "stt.flux.model": "flux-general-multi"},
        acting=[
            "model=flux-general-multi",
            "model=flux-general-multi&language_hint=es",
        ],
    ),
    _idle(
        "eager-without-preemptive",
        ONE_TURN,
        looks.thought,
        _values(FLUX_EAGER, [None, 0.4]),
        while_=[{**FLUX, FLUX_EOT: 0.9, **VAD, MIN_DELAY: 1.0, f"{PREEMPTIVE}.enabled": False}],
        idle=_LAG + 1.0,
        otherwise={**FLUX, FLUX_EOT: 0.9, **VAD, MIN_DELAY: 1.0},
        acting=[0.5 + _SENT, 0.12 + _SENT],
    ),
    _idle(
        "flux-answers-each-final",
        ON_AND_ON,
        looks.cut_in,
        _values(f"{LIMIT}.max_words", [None, 5]),
        while_=[{**FLUX, **STT, MIN_DELAY: 0.0}],
        idle=0.4,
        otherwise={**VAD, MIN_DELAY: 0.4},
        acting=[0.6, -4.3],
        within=0.3,
    ),
    _idle(
        "utterance-end-ends-no-turn",
        LONG_TURN,
        looks.over,
        _values(NOVA_UTTERANCE_END, [None, 1000]),
        while_=[
            {**detection, UNLIKELY: 0.0, NOVA_ENDPOINTING: 1700, MIN_DELAY: 2.0}
            for detection in (VAD, DETECTOR)
        ],
        idle=_LAG + 2.0,
        otherwise={**STT, NOVA_ENDPOINTING: 1700, MIN_DELAY: 2.0},
        acting=[1.7 + _SENT + 2.0, 1.0 + _SENT + 2.0],
    ),
    _idle(
        "detector-not-in-use",
        ONE_TURN,
        looks.delay,
        _values(UNLIKELY, [0.0, 1.0]),
        while_=[
            {**detection, MIN_DELAY: 0.6, MAX_DELAY: 1.4} for detection in (VAD, STT, REALTIME)
        ],
        idle=0.6,
        otherwise={**DETECTOR, MIN_DELAY: 0.6, MAX_DELAY: 1.4},
        acting=[0.6, 1.4],
    ),
    _idle(
        "max-delay-not-in-use",
        ONE_TURN,
        looks.delay,
        _values(MAX_DELAY, [0.7, 1.4]),
        while_=[{**detection, UNLIKELY: 1.0, MIN_DELAY: 0.6} for detection in (VAD, STT, REALTIME)],
        idle=0.6,
        otherwise={**DETECTOR, UNLIKELY: 1.0, MIN_DELAY: 0.6},
        acting=[0.7, 1.4],
    ),
    _idle(
        "max-delay-not-in-use",
        COMMITTED,
        looks.delay,
        _values(MAX_DELAY, [0.7, 1.4]),
        while_=[{**MANUAL, MIN_DELAY: 0.6}],
        idle=0.6,
    ),
    _idle(
        "min-delay-under-silence",
        ONE_TURN,
        looks.delay,
        _values(MIN_DELAY, [0.3, 0.75]),
        while_=[{**detection, VAD_SILENCE: 0.8} for detection in (VAD, REALTIME)],
        idle=0.8,
        otherwise={**VAD, VAD_SILENCE: 0.25},
        acting=[0.3, 0.75],
    ),
    _idle(
        "min-delay-under-detector",
        ONE_TURN,
        looks.delay,
        _values(MIN_DELAY, [0.3, 0.75]),
        while_=[{**DETECTOR, UNLIKELY: 0.0, VAD_SILENCE: 0.8}],
        idle=0.8,
        otherwise={**DETECTOR, UNLIKELY: 0.0, VAD_SILENCE: 0.25},
        acting=[0.34, 0.75],
    ),
    _idle(
        "min-delay-under-detector",
        ONE_TURN,
        looks.delay,
        _values(MIN_DELAY, [0.0, 0.25]),
        while_=[{**DETECTOR, UNLIKELY: 0.0}],
        idle=0.34,
    ),
    _idle(
        "min-delay-under-words",
        ONE_TURN,
        looks.over,
        _values(MIN_DELAY, [0.3, 0.7]),
        while_=[
            {**detection, UNLIKELY: 0.0, NOVA_ENDPOINTING: 1000} for detection in (VAD, DETECTOR)
        ],
        idle=1.0 + _SENT,
        otherwise={**VAD, NOVA_ENDPOINTING: 25},
        acting=[_LAG + 0.3, _LAG + 0.7],
    ),
    _idle(
        "alpha-in-mode-fixed",
        GOING_ON,
        looks.learned,
        _values(ALPHA, [0.1, 0.9]),
        while_=[{**DYNAMIC, MODE: "fixed"}],
        idle=0.0,
        otherwise=DYNAMIC,
        acting=[0.9, 0.1],
    ),
    _idle(
        "interruption-off",
        OVER,
        looks.gave_way,
        [
            {},
            {
                f"{INTERRUPTION}.mode": "adaptive",
                f"{INTERRUPTION}.min_duration": 1.5,
                f"{INTERRUPTION}.min_words": 3,
                f"{INTERRUPTION}.resume_false_interruption": False,
                f"{INTERRUPTION}.false_interruption_timeout": None,
                f"{INTERRUPTION}.backchannel_boundary": None,
            },
        ],
        while_=[{**LATE_WORDS, f"{INTERRUPTION}.enabled": False}],
        idle=False,
        otherwise=LATE_WORDS,
        acting=[True, False],
    ),
    _idle(
        "interruption-manual",
        OVER,
        looks.gave_way,
        [
            {},
            {
                f"{INTERRUPTION}.mode": "adaptive",
                f"{INTERRUPTION}.min_duration": 1.5,
                f"{INTERRUPTION}.min_words": 3,
                f"{INTERRUPTION}.backchannel_boundary": None,
            },
        ],
        while_=[{**LATE_WORDS, **MANUAL}],
        idle=False,
        otherwise=LATE_WORDS,
        acting=[True, False],
    ),
    _idle(
        "no-audio-to-discard",
        YES,
        looks.was_heard,
        _values(f"{INTERRUPTION}.discard_audio_if_uninterruptible", [True, False]),
        while_=[VAD],
        idle=True,
        otherwise={**VAD, f"{INTERRUPTION}.enabled": False},
        acting=[False, True],
    ),
    _idle(
        "interruption-mode-vad",
        OVER_THE_START,
        looks.gave_way,
        _values(f"{INTERRUPTION}.backchannel_boundary", [[1.0, 1.0], None]),
        while_=[LATE_WORDS],
        idle=True,
        otherwise=ADAPTIVE,
        acting=[True, False],
    ),
    _idle(
        "resume-off",
        NOISE,
        looks.went_on,
        _values(f"{INTERRUPTION}.false_interruption_timeout", [0.5, 1.5]),
        while_=[{**VAD, f"{INTERRUPTION}.resume_false_interruption": False}],
        idle=None,
        otherwise=VAD,
        acting=[0.5, 1.5],
    ),
    _idle(
        "no-false-interruption-timeout",
        NOISE,
        looks.went_on,
        _values(f"{INTERRUPTION}.resume_false_interruption", [True, False]),
        while_=[{**VAD, f"{INTERRUPTION}.false_interruption_timeout": None}],
        idle=None,
        otherwise={**VAD, f"{INTERRUPTION}.false_interruption_timeout": 0.5},
        acting=[0.5, None],
    ),
    _idle(
        "preemptive-off",
        ONE_TURN,
        looks.thought,
        [
            {},
            {
                f"{PREEMPTIVE}.preemptive_tts": True,
                f"{PREEMPTIVE}.max_speech_duration": 0.5,
                f"{PREEMPTIVE}.max_retries": 0,
            },
        ],
        while_=[{**EARLY_WORDS, f"{PREEMPTIVE}.enabled": False}],
        idle=_LAG + 1.0,
        otherwise=EARLY_WORDS,
        acting=[0.4 + _SENT, _LAG + 1.0],
    ),
    _idle(
        "preemptive-nova-at-once",
        ONE_TURN,
        looks.thought,
        _values(f"{PREEMPTIVE}.enabled", [True, False]),
        while_=[{**STT, NOVA_ENDPOINTING: 400, MIN_DELAY: 0.0}],
        idle=0.4 + _SENT,
        otherwise=EARLY_WORDS,
        acting=[0.4 + _SENT, _LAG + 1.0],
    ),
    _idle(
        "preemptive-flux-at-once",
        ONE_TURN,
        looks.thought,
        _values(f"{PREEMPTIVE}.enabled", [True, False]),
        while_=[{**FLUX, **STT, FLUX_EOT: 0.9, MIN_DELAY: 0.0}],
        idle=0.5 + _SENT,
        otherwise={**FLUX, **STT, FLUX_EOT: 0.9, FLUX_EAGER: 0.4, MIN_DELAY: 0.0},
        acting=[0.12 + _SENT, 0.5 + _SENT],
    ),
    _idle(
        "preemptive-after-words",
        ONE_TURN,
        looks.thought,
        _values(f"{PREEMPTIVE}.enabled", [True, False]),
        while_=[
            {**detection, UNLIKELY: 0.0, NOVA_ENDPOINTING: 1400, MIN_DELAY: 1.0, MAX_DELAY: 1.0}
            for detection in (VAD, DETECTOR)
        ],
        idle=1.4 + _SENT,
        otherwise=EARLY_WORDS,
        acting=[0.4 + _SENT, _LAG + 1.0],
    ),
    _idle(
        "transcription-timeout-after-deepgram",
        UNHEARD,
        looks.missed_words,
        _values(TRANSCRIPTION_TIMEOUT, [0.6, 1.5]),
        while_=[{**STT, NOVA_ENDPOINTING: 25}],
        idle=None,
        otherwise={**STT, NOVA_ENDPOINTING: 400},
        acting=[0.6, 1.5],
    ),
)

# These act beside others that seem to leave them nothing to do.
NOT_IDLE: Final = (
    # The application ends the turn, and the delay runs all the same.
    acts(MIN_DELAY, COMMITTED, looks.delay, (0.5, 0.5), (1.4, 1.4), beside=MANUAL),
    # Only the application interrupts, but a reply that is being thought of is held and dropped.
    acts(
        f"{INTERRUPTION}.resume_false_interruption",
        ADDED,
        looks.spoke,
        (True, False),
        (False, True),
        beside=MANUAL,
    ),
    # Words are final when Flux's turn is over, which may be a pause in the agent's.
    acts(
        f"{LIMIT}.max_words",
        IN_TWO_PAUSES,
        looks.butted_in,
        (4, True),
        (None, False),
        beside={**FLUX, **VAD, MIN_DELAY: 2.0},
    ),
    # Deepgram has ended the turn, and the caller goes on before the delay is over.
    acts(
        f"{PREEMPTIVE}.enabled",
        IN_ONE_PAUSE,
        looks.thought,
        (True, 0.3 + _SENT),
        (False, 1.7),  # the delay begins with Deepgram's end of speech or with the VAD's
        beside={**STT, NOVA_ENDPOINTING: 300, MIN_DELAY: 1.5},
        within=0.25,
    ),
    # Every sound is long enough, but the agent stops that much later.
    acts(
        f"{INTERRUPTION}.min_duration",
        OVER,
        looks.talked_on,
        (0.1, 0.1),
        (0.7, 0.7),
        beside={**LATE_WORDS, VAD_SILENCE: 0.8},
        within=0.25,
    ),
    # The caller may interrupt, but not the SDK's own way of cutting in.
    acts(
        f"{INTERRUPTION}.discard_audio_if_uninterruptible",
        ON_AND_ON,
        looks.words_heard,
        (True, 15),
        (False, 20),
        beside={**VAD, MIN_DELAY: 1.0, f"{LIMIT}.max_words": 5},
        within=2.0,
    ),
)
