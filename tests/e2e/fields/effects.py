"""What each field does, in conversations that differ in nothing else.

The values stand far apart, so that a number may be off by what a busy machine makes of it. How
exact the agent's timers are is measured in `test_waits`.
"""

from typing import Any, Final

from tests.e2e.fields import looks, scenes
from tests.e2e.fields.claims import Claim
from tests.e2e.fields.conversation import Scene
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
    VAD_ACTIVATION,
    VAD_DEACTIVATION,
    VAD_SILENCE,
)

LIMIT: Final = "turn_handling.user_turn_limit"
UNLIKELY: Final = "turn_detector.unlikely_threshold"

VAD: Final = {DETECTION: "vad"}
STT: Final = {DETECTION: "stt"}
FLUX: Final = {ENGINE: "flux"}
DYNAMIC: Final = {**VAD, MODE: "dynamic", MIN_DELAY: 0.5, MAX_DELAY: 3.0}
# Words become final long after the sound, so that they do not stop the agent before the VAD does.
LATE_WORDS: Final = {**VAD, NOVA_ENDPOINTING: 2000}
ADAPTIVE: Final = {**LATE_WORDS, f"{INTERRUPTION}.mode": "adaptive"}
# The words are there before the turn is over, and the LLM may begin with them.
EARLY_WORDS: Final = {**VAD, NOVA_ENDPOINTING: 400, MIN_DELAY: 1.0}

ONE_TURN: Final = scenes.saying(scenes.SENTENCE, 2.0)
UNFINISHED: Final = scenes.saying(scenes.SENTENCE, 2.0, words=("well,",))
GOING_ON: Final = scenes.saying("I would like to book [0.95] a table for two.", 1.6, thinks=3.0)
IN_PIECES: Final = scenes.saying(
    "I would like to book [0.2] a table for two [0.2] by the window.", 1.6
)
ON_AND_ON: Final = scenes.saying(
    "I have been meaning to call you for such a long time because my order never came and nobody"
    " told me anything about it.",
    1.0,
)
SLOW_VOICE: Final = scenes.saying(scenes.SENTENCE, 2.0, thinks=0.1, speaks=0.3)
HUM: Final = scenes.saying("Mmm", 0.5)
YES: Final = scenes.talking_over("Yes.", 1.0, 2.0)
OVER: Final = scenes.talking_over(scenes.QUESTION, 1.0, 0.5)
OVER_THE_START: Final = scenes.talking_over(scenes.QUESTION, 0.3, 0.5)
NOISE: Final = scenes.talking_over(scenes.QUESTION, 1.0, 2.5, deaf=True)
UNHEARD: Final = scenes.saying(scenes.SENTENCE, 2.0, deaf=True)
TWO_MESSAGES: Final = scenes.listening_to("Good morning.", "How are you?")
ONE_MESSAGE: Final = scenes.listening_to("Good morning, how are you?")
SILENCE: Final = scenes.being_silent(2.0)
GOODBYE: Final = scenes.hanging_up()

_LAG: Final = 0.05  # V: how much later the VAD hears the end of the sentence
_SENT: Final = 0.03  # d: the plugin sends 50 ms at a time


def acts(
    field: str,
    scene: Scene,
    look: Look,
    *expected: tuple[Any, Any],
    beside: Sets | None = None,
    within: float = 0.15,
) -> Claim:
    """What is seen with each value of a field, beside other settings."""
    settings = [({**(beside or {}), field: value}, found) for value, found in expected]
    return Claim(field, scene, look, settings, within)


EFFECTS: Final = (
    acts(
        ENGINE,
        ONE_TURN,
        looks.over,
        ("nova", 1.0 + _SENT),
        ("flux", 0.26 + _SENT),
        beside={**STT, NOVA_ENDPOINTING: 1000, MIN_DELAY: 0.0},
    ),
    acts(
        NOVA_ENDPOINTING,
        ONE_TURN,
        looks.over,
        (400, 0.4 + _SENT + 0.3),
        (1000, 1.0 + _SENT + 0.3),
        beside={**STT, MIN_DELAY: 0.3},
    ),
    acts(
        NOVA_UTTERANCE_END,
        ONE_TURN,
        looks.over,
        (1000, 1.0 + _SENT),
        (None, 1.5 + _SENT),
        beside={**STT, NOVA_ENDPOINTING: 1500, MIN_DELAY: 0.0},
    ),
    # The stand-in is 0.4 sure after 0.12 s, 0.5 after 0.15, 0.9 after 0.5.
    acts(
        FLUX_EOT,
        ONE_TURN,
        looks.over,
        (0.5, 0.15 + _SENT),
        (0.9, 0.5 + _SENT),
        beside={**FLUX, **STT, MIN_DELAY: 0.0},
    ),
    acts(
        FLUX_EAGER,
        ONE_TURN,
        looks.thought,
        (0.4, 0.12 + _SENT),
        (None, 0.5 + _SENT),
        beside={**FLUX, FLUX_EOT: 0.9, **VAD, MIN_DELAY: 1.0},
    ),
    acts(
        FLUX_EOT_TIMEOUT,
        UNFINISHED,
        looks.over,
        (700, 0.7 + _SENT),
        (1500, 1.5 + _SENT),
        beside={**FLUX, **STT, MIN_DELAY: 0.0},
    ),
    acts(
        "vad.min_speech_duration",
        HUM,
        looks.noticed,
        (0.05, 0.12),
        (0.4, 0.45),
        beside=VAD,
    ),
    acts(
        VAD_SILENCE,
        ONE_TURN,
        looks.delay,
        (0.55, 0.576),
        (1.0, 1.024),
        beside={**VAD, MIN_DELAY: 0.3},
    ),
    acts(
        VAD_ACTIVATION,
        scenes.whispering(0.5),
        looks.was_speech,
        (0.2, True),
        (0.95, False),
        beside=VAD,
    ),
    acts(
        VAD_DEACTIVATION,
        scenes.fading(1.0),
        looks.fell_silent,
        (0.9, 0.1),
        (0.03, 2.4),
        beside={**VAD, VAD_ACTIVATION: 0.95},
        within=0.5,
    ),
    acts(
        "turn_detector.version",
        ONE_TURN,
        looks.asks_for("/eot"),
        ("v1", True),
        ("v1-mini", False),
    ),
    Claim(
        UNLIKELY,
        ONE_TURN,
        looks.delay,
        # Several times: the detector takes one and the same sentence for done, or not.
        [
            ({UNLIKELY: threshold, MIN_DELAY: 0.6, MAX_DELAY: longest}, expected)
            for longest in (1.4, 1.5, 1.6)
            for threshold, expected in ((0.0, 0.6), (1.0, longest))
        ],
        0.15,
    ),
    acts(
        DETECTION,
        ONE_TURN,
        looks.over,
        ("turn_detector", _LAG + 1.5),
        ("vad", _LAG + 0.7),
        ("realtime_llm", _LAG + 0.7),  # without a realtime model: as vad
        ("stt", 0.4 + _SENT + 0.7),
        ("manual", None),
        beside={UNLIKELY: 1.0, MIN_DELAY: 0.7, MAX_DELAY: 1.5, NOVA_ENDPOINTING: 400},
    ),
    acts(
        MODE,
        GOING_ON,
        looks.learned,
        ("fixed", 0.0),
        ("dynamic", 0.5),
        beside={**DYNAMIC, ALPHA: 0.5},
    ),
    acts(
        ALPHA,
        GOING_ON,
        looks.learned,
        (0.1, 0.9),
        (0.9, 0.1),
        beside=DYNAMIC,
    ),
    acts(MIN_DELAY, ONE_TURN, looks.delay, (0.6, 0.6), (1.4, 1.4), beside=VAD),
    acts(MAX_DELAY, ONE_TURN, looks.delay, (0.7, 0.7), (1.4, 1.4), beside={UNLIKELY: 1.0}),
    acts(
        f"{INTERRUPTION}.enabled",
        OVER,
        looks.gave_way,
        (True, True),
        (False, False),
        beside=LATE_WORDS,
    ),
    acts(
        f"{INTERRUPTION}.mode",
        OVER,
        looks.gave_way,
        ("vad", True),
        ("adaptive", False),  # the gateway takes everything for a backchannel
        beside={**LATE_WORDS, f"{INTERRUPTION}.backchannel_boundary": None},
    ),
    acts(
        f"{INTERRUPTION}.discard_audio_if_uninterruptible",
        YES,
        looks.was_heard,
        (True, False),
        (False, True),
        beside={**VAD, f"{INTERRUPTION}.enabled": False},
    ),
    acts(
        f"{INTERRUPTION}.min_duration",
        OVER,
        looks.talked_on,
        (0.3, 0.3),
        (1.2, 1.2),
        beside=LATE_WORDS,
        within=0.2,
    ),
    acts(
        f"{INTERRUPTION}.min_words",
        YES,
        looks.gave_way,
        (0, True),
        (3, False),
        beside={**VAD, MIN_DELAY: 1.0},
    ),
    acts(
        f"{INTERRUPTION}.resume_false_interruption",
        NOISE,
        looks.went_on,
        (True, 0.5),
        (False, None),
        beside={**VAD, f"{INTERRUPTION}.false_interruption_timeout": 0.5},
    ),
    acts(
        f"{INTERRUPTION}.false_interruption_timeout",
        NOISE,
        looks.went_on,
        (0.5, 0.5),
        (1.5, 1.5),
        beside=VAD,
    ),
    acts(
        f"{INTERRUPTION}.backchannel_boundary",
        OVER_THE_START,
        looks.gave_way,
        ([1.0, 1.0], True),
        (None, False),
        beside=ADAPTIVE,
    ),
    acts(
        f"{PREEMPTIVE}.enabled",
        ONE_TURN,
        looks.thought,
        (True, 0.4 + _SENT),
        (False, _LAG + 1.0),
        beside=EARLY_WORDS,
    ),
    acts(
        f"{PREEMPTIVE}.preemptive_tts",
        SLOW_VOICE,
        looks.voiced,
        (True, 0.4 + _SENT + 0.1),
        (False, _LAG + 1.0),
        beside=EARLY_WORDS,
        within=0.2,
    ),
    acts(
        f"{PREEMPTIVE}.max_speech_duration",
        ONE_TURN,
        looks.thought,
        (10.0, 0.4 + _SENT),
        (0.5, _LAG + 1.0),
        beside=EARLY_WORDS,
    ),
    acts(
        f"{PREEMPTIVE}.max_retries",
        IN_PIECES,
        looks.thoughts,
        (0, 1),
        (1, 2),
        (2, 3),
        beside={**VAD, MIN_DELAY: 1.0},
    ),
    acts(
        f"{LIMIT}.max_words",
        ON_AND_ON,
        looks.cut_in,
        (5, -4.3),
        (12, -2.6),
        beside={**VAD, MIN_DELAY: 1.0},
        within=0.3,
    ),
    acts(
        f"{LIMIT}.max_duration",
        ON_AND_ON,
        looks.cut_in,
        (2.0, -4.3),
        (4.0, -2.6),
        beside={**VAD, MIN_DELAY: 1.0},
        within=0.3,
    ),
    acts("tts.speed", ONE_MESSAGE, looks.words, (0.7, 2.09), (1.5, 0.97)),
    acts(
        "session.user_away_timeout",
        SILENCE,
        looks.went_away,
        (1.0, 1.0),
        (1.6, 1.6),
    ),
    acts(
        "session.aec_warmup_duration",
        OVER,
        looks.first_words,
        (None, 1.35),
        (2.0, 2.0),
        beside={**LATE_WORDS, f"{INTERRUPTION}.min_duration": 0.3},
        within=0.2,
    ),
    acts(
        "session.min_consecutive_speech_delay",
        TWO_MESSAGES,
        looks.pause_between,
        (0.0, 0.0),
        (1.5, 1.5),
    ),
    acts(
        TRANSCRIPTION_TIMEOUT,
        UNHEARD,
        looks.missed_words,
        (0.6, 0.6),
        (1.5, 1.5),
        beside=VAD,
    ),
    acts(
        "session.session_close_transcript_timeout",
        GOODBYE,
        looks.stayed,
        (0.5, 0.5),
        (1.2, 1.2),
    ),
)
