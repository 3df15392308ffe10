"""Words with times: what a file may contain, and profiles that words decide."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import recorded, words
from tests.markdown import of_sort
from timing_profiles.catalog import catalog
from timing_profiles.rehearsal import given_words, labels, outcome, replay
from timing_profiles.rehearsal.given_words import WordsError
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.outcome import Outcome, Played
from timing_profiles.rehearsal.replay import STT_DELAY
from timing_profiles.rehearsal.speech import speech
from timing_profiles.rehearsal.transcript import FluxEnd, Transcript, Word, said_before
from timing_profiles.turns import wait
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FLUX_EOT,
    MIN_DELAY,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
)

ROOT = Path(__file__).parents[1]
STARTERS = catalog.load(ROOT / "profiles")
PAUSE = "My number is five five five [1.2] zero one two three."
PLAIN = [{"word": "five", "start": 1.0, "end": 1.3}, {"word": "two", "start": 1.4, "end": 1.7}]
SPOKEN = (Word("five", 1.0, 1.3), Word("two", 1.4, 1.7))


def values(**sets: Any) -> Mapping[str, Any]:
    """Return the values of `default`, some of them changed."""
    profile = STARTERS.profile("default")
    assert profile
    return {**profile.values, **sets}


def by_words(endpointing: int, delay: float, **sets: Any) -> Mapping[str, Any]:
    """Return values with which nova ends turns."""
    return values(
        **{DETECTION: "stt", NOVA_ENDPOINTING: endpointing, MIN_DELAY: delay, **sets},
    )


@cache
def call() -> tuple[bytes, Played]:
    """Return a caller's channel, and its turn with a pause of 1.2 s and with its words."""
    caller, other = recorded.sides(PAUSE)
    (turn,) = labels.turns(speech(caller), speech(other))
    found = words.spoken(caller)
    said = tuple(Word(one["word"], one["start"], one["end"]) for one in found)
    return caller, outcome.cut_out(with_words(turn, said), caller)


def with_words(turn: Turn, said: tuple[Word, ...], flux: tuple[FluxEnd, ...] | None = None) -> Turn:
    """Return a turn with its words."""
    transcript = Transcript(said, flux).within(turn.speech)
    return Turn(turn.speech, turn.pauses, turn.next_speech, turn.is_end, transcript)


def judged(settings: Mapping[str, Any], delay: float = STT_DELAY) -> Outcome:
    """Return what a profile does to the turn, by the words."""
    found = outcome.judge_known(call()[1], settings, delay)
    assert isinstance(found, Outcome)
    return found


def read(folder: Path, found: Any, name: str = "call.json") -> given_words.GivenWords:
    """Read a file of words."""
    return given_words.read(words.write(folder / name, found))


def of_caller(found: given_words.GivenWords, *speech: tuple[float, float]) -> tuple[Word, ...]:
    """Return the words of the caller, who speaks then; the other side speaks from 5 to 6 s."""
    stretches = [Interval(*one) for one in speech or [(1, 2)]]
    return found.of_caller("left", 10, stretches, [Interval(5, 6)]).words


def test_each_form_has_the_words_of_the_caller(tmp_path: Path) -> None:
    """Deepgram's response with two channels and with one, a list, an object, and CSV."""
    theirs = {"word": "thanks", "start": 5.2, "end": 5.5}
    rows = "word,start,end\nfive,1.0,1.3\ntwo,1.4,1.7\n"
    for found in (
        words.response(PLAIN, [theirs]),
        words.response([*PLAIN, theirs]),
        [*PLAIN, theirs],
        {"words": PLAIN},
        [{**one, "speaker": "B"} for one in PLAIN] + [{**theirs, "speaker": "A"}],
    ):
        assert of_caller(read(tmp_path, found)) == SPOKEN
    table = tmp_path / "call.csv"
    table.write_text(rows, encoding="utf-8-sig")
    assert of_caller(given_words.read(table)) == SPOKEN
    shown = [{**PLAIN[0], "punctuated_word": "Five,", "confidence": 0.9}]
    assert of_caller(read(tmp_path, shown)) == (Word("Five,", 1.0, 1.3),)


def test_file_on_the_page_is_read(tmp_path: Path) -> None:
    """The caller speaks from 10.5 to 11.2 s."""
    (block,) = of_sort("words")
    given = read(tmp_path, json.loads(block.text))
    said = given.of_caller("left", 20, [Interval(10.5, 11.2)], []).words
    assert [word.text for word in said] == ["my", "number"]


def test_right_channel_has_the_words_of_a_caller_on_the_right(tmp_path: Path) -> None:
    """As the recording."""
    found = read(tmp_path, words.response([], PLAIN))
    assert found.of_caller("right", 10, [Interval(1, 2)], []).words == SPOKEN


def test_messages_of_flux_have_ends_of_turns(tmp_path: Path) -> None:
    """As a list, and as a line for each message."""
    messages = words.of_flux(call()[0])
    ends = [one for one in messages if one.get("event") == "EndOfTurn"]
    lines = tmp_path / "call.jsonl"
    lines.write_text("\n".join(map(json.dumps, messages)), encoding="utf-8")
    for found in (read(tmp_path, messages), given_words.read(lines)):
        assert found.flux
        assert [one.at for one in found.flux] == [one["audio_window_end"] for one in ends]


FORMS = given_words.FORMS


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("five", f'found "five"; {FORMS}'),
        ([], "contains no word"),
        ({"words": [{"word": "a"}]}, "words[0].start: found null; write seconds, as in 12.3"),
        (
            [{**PLAIN[0], "start": "x"}],
            '[0].start: found "x"; write seconds, as in 12.3',
        ),
        ([{**PLAIN[0], "end": 0.5}], "[0].end: found 0.5; it lies before start, 1"),
        ([{**PLAIN[0], "word": " "}], '[0].word: found " "; write a word'),
        (["five"], f'[0]: found "five"; {FORMS}'),
        (
            [PLAIN[1], PLAIN[0]],
            (
                "[1]: found start 1, and [0] from 1.4 to 1.7; write the words of a speaker in order"
                " of time"
            ),
        ),
        (
            [{**PLAIN[0], "end": 3}, PLAIN[1]],
            (
                "[1]: found start 1.4, and [0] from 1 to 3; write the words of a speaker in order"
                " of time"
            ),
        ),
        (
            {"results": {"channels": [{}, {}, {}]}},
            "results.channels: found 3 channels; a recording has one or two",
        ),
        (
            {"results": {"channels": [{}]}},
            "results.channels[0].alternatives: found null; write a list",
        ),
        (
            words.response([{**PLAIN[0], "end": True}]),
            (
                "results.channels[0].alternatives[0].words[0].end: found true; write seconds, as in"
                " 12.3"
            ),
        ),
        (
            [{"type": "TurnInfo", "event": "EndOfTurn", "words": []}],
            "[0].audio_window_end: found null; write seconds",
        ),
    ],
)
def test_wrong_file_is_refused_with_the_place(found: Any, message: str, tmp_path: Path) -> None:
    """What was found, and what is allowed."""
    with pytest.raises(WordsError) as raised:
        read(tmp_path, found)
    colon = "" if message.startswith("contains") else ":"
    assert str(raised.value) == f"call.json{colon} {message}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("call.json", b"{", "call.json: not JSON"),
        ("call.json", b"[" * 100_000, "call.json: not JSON"),
        ("call.json", b"\xff", "call.json cannot be read: not UTF-8"),
        ("call.csv", b"", f'call.csv: line 1: found ""; {FORMS}'),
        ("call.csv", b"word,start,end\na,1\n", "call.csv: line 2: found 2 columns; line 1 has 3"),
        (
            "call.csv",
            b"start,end,word\nnan,1,a\n",
            'call.csv: line 2.start: found "nan"; write seconds, as in 12.3',
        ),
    ],
)
def test_file_that_is_damaged_is_refused(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    """Without a traceback."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WordsError) as raised:
        given_words.read(tmp_path / name)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            [*PLAIN, {"word": "late", "start": 11, "end": 12}],
            "its last word ends at 12.0 s, the recording at 10.0 s",
        ),
        (
            [{"word": "x", "start": at, "end": at + 0.2} for at in (3, 4)],
            "0 of its 2 words lie in the caller's speech",
        ),
        (
            [*PLAIN, *({"word": "x", "start": at, "end": at + 0.2} for at in (3, 4, 7))],
            "2 of its 5 words lie in the caller's speech",
        ),
    ],
)
def test_words_of_another_recording_are_refused(found: Any, message: str, tmp_path: Path) -> None:
    """By their times: too long, or mostly in silence."""
    with pytest.raises(WordsError) as raised:
        of_caller(read(tmp_path, found))
    assert str(raised.value) == f"call.json is of another recording: {message}"


def test_last_words_before_a_pause_are_shown() -> None:
    """Four at most."""
    said = tuple(
        Word(text, at, at + 0.2) for at, text in enumerate(["so", "the", "number", "is", "five"])
    )
    assert said_before(Transcript(said), 4) == "so the number is"
    assert said_before(Transcript(said), 9) == "... the number is five"
    assert said_before(None, 9) == ""


@pytest.mark.parametrize("endpointing", [0.1, 0.4, 1.5])
def test_replay_ends_speech_when_a_stream_does(endpointing: float) -> None:
    """The stand-in for Deepgram hears the sound itself: same ends, within one of its frames."""
    caller, played = call()
    assert played.turn.transcript
    settings = by_words(round(1000 * endpointing), 0.0)
    found = replay.messages(played.turn.transcript, settings, 0.0)
    ends = [one.at for one in found if one.kind == "end"]
    heard = [at for at, one in words.of_nova(caller, endpointing) if one["speech_final"]]
    assert ends == pytest.approx(heard, abs=0.011)


@pytest.mark.parametrize(
    ("endpointing", "stt_delay", "delay", "is_cut", "decides"),
    [
        (300, 0.1, 0.2, True, "endpointing_ms"),
        (300, 0.1, 0.6, True, "min_delay"),
        (300, 0.7, 0.1, True, "deepgram"),
        (300, 0.1, 1.2, False, "min_delay"),
        (1500, 0.3, 0.0, False, "endpointing_ms"),
    ],
)
def test_turn_that_nova_ends_lasts_until_its_words_arrive(
    endpointing: int, stt_delay: float, delay: float, *, is_cut: bool, decides: str
) -> None:
    """The silence, the time of the message, and `min_delay`: a pause of 1.2 s is longer or not."""
    found = judged(by_words(endpointing, delay), stt_delay)
    expected = endpointing / 1000 + stt_delay + delay
    assert (bool(found.cuts), found.decided_by) == (is_cut, decides)
    assert found.wait == pytest.approx(expected, abs=0.03)
    if is_cut:
        (pause,) = call()[1].turn.pauses
        assert found.cuts[0].at == pytest.approx(pause.start + expected, abs=0.03)


def test_turn_whose_delay_a_caller_interrupted_is_ended_by_the_vad() -> None:
    """The session then does not wait for the last words: a transcript is there already."""
    found = judged(by_words(1000, 0.6), 0.1)
    assert (found.cuts, found.decided_by) == ((), "min_delay")
    assert found.wait == pytest.approx(0.6 + wait.VAD_LAG, abs=0.1)


def test_late_words_hold_a_decision_of_the_vad_back() -> None:
    """Where `endpointing_ms` is longer than the delay."""
    found = judged(values(**{DETECTION: "vad", MIN_DELAY: 0.3, NOVA_ENDPOINTING: 1500}), 0.2)
    assert (found.cuts, found.decided_by) == ((), "endpointing_ms")
    assert found.wait == pytest.approx(1.7, abs=0.03)


def test_late_message_holds_a_decision_back_too() -> None:
    """Deepgram's own time decides, and is named."""
    settings = values(**{DETECTION: "vad", MIN_DELAY: 0.3})
    assert outcome.unknown(settings) is None
    message = "stt.nova.endpointing_ms 25: the words may come after the delay"
    assert outcome.unknown(settings, 0.9) == message
    found = judged(settings, 0.9)
    assert found.decided_by == "deepgram"
    assert found.wait == pytest.approx(0.925, abs=0.03)


@pytest.mark.parametrize(
    ("limit", "most", "is_cut"), [("max_words", 3, True), ("max_words", 50, False)]
)
def test_limit_of_a_turn_is_reached_by_its_words(limit: str, most: int, *, is_cut: bool) -> None:
    """The agent cuts in once the words are final: here before the VAD hears the pause."""
    path = f"turn_handling.user_turn_limit.{limit}"
    settings = values(**{DETECTION: "vad", MIN_DELAY: 1.8, path: most})
    found = judged(settings, 0.1)
    assert found == judged(settings, 0.1)
    assert (bool(found.cuts), found.decided_by) == (is_cut, limit if is_cut else "min_delay")
    if is_cut:
        (pause,) = call()[1].turn.pauses
        assert found.cuts[0].pause == 0
        assert found.cuts[0].at == pytest.approx(pause.start + 0.125, abs=0.05)


def test_limit_of_the_duration_is_reached_by_its_words() -> None:
    """When the first words after it are final."""
    path = "turn_handling.user_turn_limit.max_duration"
    found = judged(values(**{DETECTION: "vad", MIN_DELAY: 1.8, path: 1.0}))
    assert found.decided_by == "max_duration"


def test_flux_ends_turns_at_its_messages(tmp_path: Path) -> None:
    """With the numbers that they were recorded with; with others, the reason."""
    caller, played = call()
    settings = values(**{DETECTION: "stt", ENGINE: "flux", MIN_DELAY: 0.0})
    for threshold, is_cut in ((0.7, True), (0.9, True)):
        messages = words.of_flux(caller, eot_threshold=threshold)
        given = read(tmp_path, messages)
        found = judged_with(played, given, {**settings, FLUX_EOT: threshold})
        assert isinstance(found, Outcome)
        ends = [one["audio_window_end"] for one in messages if one.get("event") == "EndOfTurn"]
        assert bool(found.cuts) is is_cut
        assert found.cuts[0].at == pytest.approx(ends[0] + STT_DELAY, abs=0.01)
        assert found.wait == pytest.approx(ends[1] + STT_DELAY - played.turn.speech.end, abs=0.01)
    confident = [one["end_of_turn_confidence"] for one in messages if one.get("event") == "Update"]
    lower = judged_with(played, given, {**settings, FLUX_EOT: 0.1})
    assert max(confident) > 0.1
    assert str(lower).startswith("stt.flux.eot_threshold 0.1: Flux went on with 0.")
    higher = judged_with(played, given, {**settings, FLUX_EOT: 0.95})
    assert str(higher).startswith("stt.flux.eot_threshold 0.95: Flux ended a turn with 0.9")


def judged_with(
    played: Played, given: given_words.GivenWords, settings: Mapping[str, Any]
) -> Outcome | str:
    """Return what a profile does to the turn with the words of a file."""
    turn = played.turn
    transcript = given.of_caller("left", 60, [turn.speech], [])
    turn = with_words(turn, transcript.words, transcript.flux)
    return outcome.judge_known(Played(turn, played.start, played.samples), settings, STT_DELAY)


@pytest.mark.parametrize(
    ("sets", "reason"),
    [
        (
            {DETECTION: "stt", NOVA_ENDPOINTING: 0, NOVA_UTTERANCE_END: 1000},
            "stt.nova.endpointing_ms 0: word times do not tell when words are final",
        ),
        (
            {DETECTION: "stt", NOVA_ENDPOINTING: 1500, NOVA_UTTERANCE_END: 1000},
            (
                "stt.nova.utterance_end_ms 1000: shorter than stt.nova.endpointing_ms, and word"
                " times do not tell when words are final"
            ),
        ),
        (
            {DETECTION: "vad", MIN_DELAY: 0.3, NOVA_ENDPOINTING: 1000},
            (
                "7.5 s of words from 1.0 s without a silence of 1000 ms: Deepgram makes some of"
                " them final earlier, unknown when"
            ),
        ),
        (
            {DETECTION: "stt", ENGINE: "flux"},
            "stt.engine flux: its words have no messages of Flux, EndOfTurn",
        ),
        ({DETECTION: "stt", NOVA_ENDPOINTING: 1000}, None),
    ],
)
def test_decision_that_words_do_not_determine_is_unknown(
    sets: Mapping[str, Any], reason: str | None
) -> None:
    """Never guessed: a long run of words is final earlier than its end."""
    run = tuple(Word("word", 1 + at / 2, 1.5 + at / 2) for at in range(15))
    settings = values(**sets)
    chained = settings[DETECTION] != "stt"
    assert replay.unknown(Transcript(run), settings, chained=chained) == reason


def test_profile_that_needs_no_words_is_judged_without() -> None:
    """The same as in a recording that has none."""
    played = call()[1]
    turn = played.turn
    plain = Played(Turn(turn.speech, turn.pauses, turn.next_speech, turn.is_end), *split(played))
    settings = values(**{DETECTION: "vad", MIN_DELAY: 0.5})
    assert outcome.judge_known(played, settings, STT_DELAY) == outcome.judge(plain, settings)


def split(played: Played) -> tuple[float, bytes]:
    """Return the start and the samples of a turn."""
    return played.start, played.samples
