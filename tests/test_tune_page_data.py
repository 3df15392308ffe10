"""What the page gets of a set: fields for its controls, and messages of an agent's session."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from livekit.protocol.agent_pb import agent_session

from timing_profiles.catalog import catalog
from timing_profiles.tuner import fields, messages, preview
from timing_profiles.tuner.asked import Asked
from timing_profiles.tuner.livekit_access import Access

ROOT = Path(__file__).parents[1]


@pytest.fixture
def found(tmp_path: Path) -> catalog.Catalog:
    """The starter profiles."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return catalog.load(tmp_path / "profiles")


def _field(found: catalog.Catalog, path: str) -> dict[str, Any]:
    return next(one for one in fields.described(found) if one["path"] == path)


def test_every_field_has_a_control(found: catalog.Catalog) -> None:
    """In the order of the schema, each with a type, and a default that is in its bounds."""
    described = fields.described(found)
    assert [one["path"] for one in described] == [*found.schema.fields]
    for one in described:
        assert one["type"] in {"boolean", "integer", "number", "string", "array"}, one["path"]
        assert one["title"]
        assert one["description"]
        default = one["default"]
        if isinstance(default, int | float) and not isinstance(default, bool):
            assert one["minimum"] <= default <= one["maximum"], one["path"]
            assert one["step"] > 0
        elif default is None:
            assert one["nullable"], one["path"]
        elif default == "auto":
            assert one["auto"], one["path"]


def test_slider_has_its_texts_bounds_and_permissions(found: catalog.Catalog) -> None:
    """Its text, effect on callers, unit, bounds, default; when it acts, and who may set it."""
    described = _field(found, "turn_handling.endpointing.min_delay")
    description = described.pop("description")
    assert description.startswith("Seconds from the caller's last word")
    assert described == {
        "path": "turn_handling.endpointing.min_delay",
        "title": "Min delay",
        "notice": "Too low, the agent talks into pauses; too high, every answer comes late.",
        "unit": "s",
        "type": "number",
        "minimum": 0,
        "maximum": 10,
        "step": 0.1,
        "choices": None,
        "meanings": {},
        "nullable": False,
        "auto": False,
        "default": 0.3,
        "live": True,
        "acts": "now",
        "allowed": True,
    }


def test_controls_differ_by_the_values_of_a_field(found: catalog.Catalog) -> None:
    """`auto`, `null`, words, a bound that is excluded, and a field of the next call."""
    detector = _field(found, "turn_detector.unlikely_threshold")
    assert (detector["type"], detector["auto"], detector["default"]) == ("number", True, "auto")
    limit = _field(found, "turn_handling.user_turn_limit.max_words")
    assert (limit["type"], limit["nullable"]) == ("integer", True)
    engine = _field(found, "stt.engine")
    assert (engine["choices"], engine["allowed"]) == (["nova", "flux"], False)
    assert {*engine["meanings"]} == {"nova", "flux"}
    assert _field(found, "turn_handling.endpointing.alpha")["minimum"] == 0.01
    warmup = _field(found, "session.aec_warmup_duration")
    assert (warmup["live"], warmup["acts"], warmup["auto"]) == (False, "next-call", True)


def test_preview_separates_live_changes_from_the_next_call(found: catalog.Catalog) -> None:
    """A dead setting and a warning are of the combination."""
    overrides = {
        "session": {"aec_warmup_duration": 1.0},
        "turn_handling": {"endpointing": {"alpha": 0.5}},
    }
    shown = preview.of(Asked("patient", overrides), found)
    assert shown["next_call"] == ["session.aec_warmup_duration"]
    assert "session.aec_warmup_duration" in shown["allowed"]
    assert "session.aec_warmup_duration" not in shown["live"]
    assert "turn_handling.endpointing.alpha" in shown["live"]
    assert "stt.engine" not in shown["allowed"]
    assert "turn_handling.endpointing.alpha" in shown["dead"]
    assert [one["code"] for one in shown["warnings"]] == ["no-effect"]


Event = agent_session.AgentSessionEvent


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            Event(agent_state_changed=Event.AgentStateChanged(new_state=agent_session.AS_THINKING)),
            {"type": "agent_state", "state": "thinking"},
        ),
        (
            Event(user_state_changed=Event.UserStateChanged(new_state=agent_session.US_AWAY)),
            {"type": "user_state", "state": "away"},
        ),
        (
            Event(eot_prediction=Event.EotPrediction(probability=0.4112272, threshold=0.36)),
            {
                "type": "prediction",
                "probability": 0.4112272,
                "threshold": 0.36,
                "delay": 0.0,
                "inference": 0.0,
            },
        ),
        (
            Event(user_input_transcribed=Event.UserInputTranscribed(transcript="a", is_final=True)),
            {"type": "transcript", "text": "a", "final": True},
        ),
        (
            Event(agent_false_interruption=Event.AgentFalseInterruption(resumed=False)),
            {"type": "interruption", "kind": "false-lost"},
        ),
        (
            Event(overlapping_speech=Event.OverlappingSpeech(is_interruption=True)),
            {"type": "interruption", "kind": "overlap"},
        ),
        (Event(error=Event.Error(message="no STT")), {"type": "error", "message": "no STT"}),
        (Event(overlapping_speech=Event.OverlappingSpeech(is_interruption=False)), None),
        (Event(session_usage_updated=Event.SessionUsageUpdated()), None),
    ],
)
def test_events_become_messages(event: Any, expected: dict[str, Any] | None) -> None:
    """With the agent's time and ours; an event that the page does not show is dropped."""
    event.created_at.FromNanoseconds(1_500_000_000_250_000_000)
    message = messages.of(event)
    if expected is None:
        assert message is None
        return
    assert message is not None
    assert message.pop("received") > 1_500_000_000
    assert message.pop("at") == 1_500_000_000.25
    assert message == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://127.0.0.1:7880", ("ws://127.0.0.1:7880", "http://127.0.0.1:7880")),
        ("ws://[::1]:7880", ("ws:", "http:")),
        ("https://user:pass@lk.example/x", ("wss://lk.example", "https://lk.example")),
        (
            "wss://a.livekit.cloud",
            (
                *("wss://a.livekit.cloud", "https://a.livekit.cloud"),
                *("wss://*.livekit.cloud", "https://*.livekit.cloud"),
            ),
        ),
    ],
)
def test_policy_names_the_livekit_server(url: str, expected: tuple[str, ...]) -> None:
    """LiveKit Cloud's regions too; no password, no path, and no IPv6 address, which is invalid."""
    assert Access(url, "key", "secret").origins() == expected
    assert "secret" not in repr(Access(url, "key", "secret"))
