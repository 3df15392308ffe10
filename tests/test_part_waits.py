"""How long a caller waits beside AssemblyAI and realtime models, which an application brings."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import ROOT, CommandLine
from timing_profiles.catalog import catalog
from timing_profiles.turns import part_waits
from timing_profiles.turns.wait import Wait

ASSEMBLYAI = ("assemblyai",)
MODEL = ("realtime model",)
VAD = {"turn_handling.turn_detection": "vad", "turn_handling.endpointing.min_delay": 0.5}
STT = {"turn_handling.turn_detection": "stt", "turn_handling.endpointing.min_delay": 0.2}
MIN, MAX = "stt.assemblyai.min_turn_silence", "stt.assemblyai.max_turn_silence"
KIND, SILENCE = "realtime.turn_detection", "realtime.silence_duration_ms"


def waits(changes: dict[str, Any]) -> dict[str, Wait]:
    """The waits of `default` with some fields changed."""
    default = catalog.load(ROOT / "profiles").profile("default")
    assert default
    return part_waits.effective({**default.values, **changes})


@pytest.mark.parametrize(
    ("changes", "seconds", "formula"),
    [
        ({**VAD, MIN: 400, MAX: 1200}, (0.59, 1.2), "max(0.09 + max(0.5, 0.256), {})"),
        ({**VAD, MIN: 800, MAX: 400}, (0.59, 0.59), "max(0.09 + max(0.5, 0.256), {})"),
        ({**VAD, MIN: 900}, (0.9, None), "max(0.09 + max(0.5, 0.256), {})"),
        ({MAX: 900}, (0.39, 2.59), "max(0.09 + max((0.3 to 2.5), 0.256, 0.3), {})"),
        ({**STT, MIN: 400, MAX: 1200}, (0.6, 1.4), "{} + 0.2"),
        ({**STT, "stt.assemblyai.vad_threshold": 0.5}, (0.2, None), "{} + 0.2"),
    ],
)
def test_assemblyai_ends_a_turn_between_its_two_silences(
    changes: dict[str, Any], seconds: Any, formula: str
) -> None:
    """As nova's `endpointing_ms`, and then as early or as late as it is sure."""
    found = waits(changes)["assemblyai"]
    longest = changes.get(MAX)
    least = min(changes.get(MIN, 0), longest or 10_000) / 1000
    until = "or later" if longest is None else f"to {longest / 1000:g}"
    expected = formula.format(f"assemblyai ({least:g} {until})")
    assert found == Wait(seconds, expected, ASSEMBLYAI)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({KIND: "server_vad", SILENCE: 800}, Wait((0.8, 0.8), "0.8 + realtime model", MODEL)),
        ({KIND: "semantic_vad"}, Wait((0.0, 4.0), "realtime model (at most 4)", MODEL)),
        (
            {KIND: "semantic_vad", "realtime.eagerness": "low"},
            Wait((0.0, 8.0), "realtime model (at most 8)", MODEL),
        ),
        (
            {KIND: "server_vad"},
            Wait(
                (0.0, None), f"unknown: {SILENCE} auto: the plugin or the model decides it", MODEL
            ),
        ),
        (
            {"turn_handling.turn_detection": "realtime_llm"},
            Wait((0.0, None), f"unknown: {KIND} auto: the plugin decides what ends a turn", MODEL),
        ),
    ],
)
def test_realtime_model_ends_turns_by_its_own_settings(
    changes: dict[str, Any], expected: Wait
) -> None:
    """What the plugin or the model decides is unknown, with the reason."""
    assert waits(changes) == {"realtime model": expected}


@pytest.mark.parametrize(
    "changes", [{}, {"realtime.speed": 1.2}, {"turn_handling.turn_detection": "manual", MIN: 100}]
)
def test_profile_without_settings_for_other_parts_has_no_other_wait(
    changes: dict[str, Any],
) -> None:
    """Nor one whose turns the application ends."""
    assert waits(changes) == {}


def test_show_has_the_waits_of_other_parts(starters: Path, run: CommandLine) -> None:
    """Beside that of Deepgram: as JSON and in words."""
    text = "{stt: {assemblyai: {min_turn_silence: 400}}, realtime: {turn_detection: semantic_vad}}"
    (starters / "other.yaml").write_text(text)
    shown = json.loads(run("show", "other", "--format", "json").out)
    formula = "max(0.09 + max((0.3 to 2.5), 0.256, 0.3), assemblyai (0.4 or later))"
    assert shown["wait"]["unknown"] == ["deepgram"]
    assert shown["wait_with"] == {
        "assemblyai": {"seconds": [0.4, None], "formula": formula, "unknown": ["assemblyai"]},
        "realtime model": {
            "seconds": [0.0, 4.0],
            "formula": "realtime model (at most 4)",
            "unknown": ["realtime model"],
        },
    }
    lines = run("show", "other").out.splitlines()
    assert f"with AssemblyAI: from 0.4 s = {formula}" in lines
    assert "with a realtime model: 0 to 4 s = realtime model (at most 4)" in lines
    (starters / "other.yaml").write_text("{realtime: {silence_duration_ms: 900}}")
    unknown = f"unknown: {KIND} auto: the plugin decides what ends a turn"
    assert f"with a realtime model: {unknown}" in run("show", "other").out.splitlines()
