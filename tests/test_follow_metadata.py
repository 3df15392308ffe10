"""A room's events -> the session of its call, what the room is told, and what the log says."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc

from sandbox.fixtures import Happened
from tests.room import Somebody
from tests.running import Running, publish
from timing_profiles.call.follow_metadata import LOGGED_WITHIN, MOST_LOGGED, RAPID
from timing_profiles.rehearsal.virtual_time import run

MIN_DELAY = "turn_handling.endpointing.min_delay"
ENDPOINTING = "stt.nova.endpointing_ms"
PROBLEMS = "timing.problems"

PATIENT = '{"profile": "patient"}'
BRISK = '{"profile": "brisk"}'
BROKEN = '{"profile": "brisk"'


@pytest.fixture(autouse=True)
def revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Published starter profiles."""
    return publish(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the library says, from INFO up."""
    caplog.set_level(logging.INFO, "timing_profiles")
    return caplog


async def rest() -> None:
    """Let the last change of metadata be taken in."""
    await asyncio.sleep(RAPID + 0.01)


async def followed(metadata: str, *later: str, **more: Any) -> Running:
    """Follow a call that begins with metadata, and change that time after time."""
    return await changed(Running(metadata, **more).follow(), *later)


async def changed(running: Running, *metadata: str) -> Running:
    """Change the metadata time after time."""
    for text in metadata:
        running.room.change_metadata(text)
        await rest()
    return running


def test_a_change_reaches_the_session_the_room_and_the_log(
    revision: str, log: pytest.LogCaptureFixture
) -> None:
    """The value in force, the attributes, the log's context, one line, and `timing.settings`."""
    running = run(followed(BRISK, '{"profile": "patient", "endpointing_ms": 300}'))
    attributes = {"timing.profile": "patient", "timing.revision": revision}
    assert (running.in_force(MIN_DELAY), running.in_force(ENDPOINTING)) == (1.5, 300)
    assert running.room.local_participant.attributes == attributes
    assert running.job.log_context_fields == {
        "timing_profile": "patient",
        "timing_revision": revision,
    }
    assert (running.timing.profile, running.timing.settings.values[MIN_DELAY]) == ("patient", 1.5)
    (line,) = log.messages
    assert line == (
        f"call continues with profile patient, revision {revision}: stt.nova.endpointing_ms 300"
        " (participant); turn_handling.endpointing.min_delay 1.5 (profiles/patient.yaml:12);"
        " turn_handling.endpointing.max_delay 4.0 (profiles/patient.yaml:13)"
    )


def test_metadata_written_while_the_session_was_made_counts() -> None:
    """Between the wait for the caller and `follow`, no handler listens to the room."""

    async def story() -> Running:
        running = Running(BRISK)
        running.room.change_metadata(PATIENT)
        return await changed(running.follow())

    running = run(story())
    assert (running.in_force(MIN_DELAY), running.timing.profile) == (1.5, "patient")


def test_follow_without_a_request_has_no_effect_and_no_log_line(
    log: pytest.LogCaptureFixture,
) -> None:
    """Neither for a valid request, nor for one with problems from the start."""
    for metadata in ("", BRISK, BROKEN, '{"endpointing_ms": "x", "profile": "patient"}'):
        running = run(followed(metadata))
        assert running.room.local_participant.announced == []
    assert log.messages == []


def test_the_attribute_names_a_profile_below_the_metadata() -> None:
    """It can come, change and go while the call runs."""

    async def story() -> list[str]:
        running = Running().follow()
        seen = []
        for name, value in (("timing.profile", "patient"), ("other", "x"), ("timing.profile", "")):
            running.room.change_attribute(name, value)
            await rest()
            seen.append(running.timing.profile)
        running.room.change_metadata(BRISK)
        running.room.change_attribute("timing.profile", "patient")
        await rest()
        return [*seen, running.timing.profile]

    assert run(story()) == ["patient", "patient", "default", "brisk"]


@pytest.mark.parametrize(
    ("metadata", "code", "line"),
    [
        pytest.param(
            BROKEN,
            "metadata-invalid",
            "left out (metadata-invalid): participant: metadata: is not JSON: Expecting ','"
            " delimiter at character 20",
            id="broken",
        ),
        pytest.param(
            json.dumps({"profile": "patient", "notes": "x" * 65 * 1024}),
            "metadata-too-large",
            "left out (metadata-too-large): participant: metadata: is longer than 65536 bytes",
            id="too large",
        ),
        pytest.param(
            '{"profile": "pateint"}',
            "profile-unknown",
            'left out (profile-unknown): participant: profile: unknown profile "pateint";'
            " available: brisk, courier, default, dictation, elderly, flux-conversation,"
            " noisy-line, open, patient, phone-menu; hint: did you mean patient?",
            id="unknown",
        ),
        pytest.param(
            '{"profile": "brisk", "min_endpointing_delay": 0.5, "overrides": {"stt": {"nova":'
            ' {"model": "nova-2"}}}}',
            "override-forbidden",
            "left out (override-forbidden): participant: stt.nova.model: not overridable; allowed:"
            " stt.nova.endpointing_ms, stt.nova.utterance_end_ms, stt.flux.eot_threshold,"
            " stt.flux.eager_eot_threshold, stt.flux.eot_timeout_ms, stt.assemblyai, and 19 more",
            id="forbidden",
        ),
        pytest.param(
            '{"profile": "brisk", "min_endpointing_delay": 0.5, "max_endpointing_delay": 31}',
            "override-range",
            "left out (override-range): participant: turn_handling.endpointing.max_delay: 31 is"
            " more than the maximum of 30 (s)",
            id="out of range",
        ),
    ],
)
def test_invalid_request_keeps_active_settings_and_is_reported_once(
    metadata: str, code: str, line: str, log: pytest.LogCaptureFixture
) -> None:
    """However often it comes; the code is in the room as long as the request stands."""
    good = '{"profile": "brisk", "min_endpointing_delay": 0.5}'

    async def story() -> tuple[Any, ...]:
        running = await followed(good, metadata)
        attributes = running.room.local_participant.attributes
        values = (
            running.in_force(MIN_DELAY),
            running.in_force("turn_handling.endpointing.max_delay"),
        )
        await changed(running, metadata, metadata)
        again = running.room.local_participant.attributes
        await changed(running, good)
        return values, attributes[PROBLEMS], again[PROBLEMS], running

    values, first, again, running = run(story())
    assert (values, first, again) == ((0.5, 0.8), code, code)
    assert PROBLEMS not in running.room.local_participant.attributes
    assert log.messages == [line]


def test_problem_that_is_corrected_at_once_leaves_no_attribute() -> None:
    """Also where the attribute is still on its way when the next change comes."""

    async def story() -> dict[str, str]:
        running = Running(BRISK).follow()
        running.room.change_metadata(BROKEN)
        await asyncio.sleep(RAPID)
        running.room.change_metadata(PATIENT)
        await asyncio.sleep(1)
        return running.room.local_participant.attributes

    assert PROBLEMS not in run(story())


def test_foreign_metadata_is_ignored(log: pytest.LogCaptureFixture) -> None:
    """The application's own data, text that is not JSON, and no metadata at all."""
    running = run(followed("", '{"user": 7}', "hello", "[1, 2]", ""))
    assert running.room.local_participant.announced == []
    assert log.messages == []


def test_other_participants_are_not_followed() -> None:
    """Neither the metadata nor the attributes of a guest."""

    async def story() -> Running:
        running = Running(BRISK).follow()
        guest = Somebody("guest")
        running.room.change_metadata(PATIENT, guest)
        running.room.emit("participant_attributes_changed", {"timing.profile": "patient"}, guest)
        running.room.emit("participant_connected", Somebody("other", PATIENT))
        await rest()
        return running

    running = run(story())
    assert running.room.local_participant.announced == []
    assert running.timing.profile == "brisk"


def test_returning_caller_is_followed_again() -> None:
    """After a lost connection, LiveKit has another participant of the same identity."""

    async def story() -> list[str]:
        running = Running(BRISK).follow()
        running.room.caller = Somebody("caller", PATIENT)
        running.room.emit("participant_connected", running.room.caller)
        await rest()
        seen = [running.timing.profile]
        running.room.change_metadata('{"profile": "courier"}')
        await rest()
        return [*seen, running.timing.profile]

    assert run(story()) == ["patient", "courier"]


def test_active_settings_are_announced_after_a_reconnect() -> None:
    """LiveKit loses attributes that are set during a reconnect."""

    async def story() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        running = Running(BRISK).follow()
        room = running.room
        room.connection_state = rtc.ConnectionState.CONN_RECONNECTING
        room.change_metadata(PATIENT)
        await rest()
        before = list(room.local_participant.announced)
        room.connection_state = rtc.ConnectionState.CONN_CONNECTED
        room.emit("connection_state_changed", room.connection_state)
        await rest()
        return before, room.local_participant.announced

    before, after = run(story())
    assert before == []
    assert [attributes["timing.profile"] for attributes in after] == ["patient"]


def test_caller_who_returned_before_follow_is_followed() -> None:
    """The connection was lost while the application made its session."""

    async def story() -> list[str]:
        running = Running(BRISK)
        running.room.caller = Somebody("caller", PATIENT)
        seen = [running.follow().timing.profile]
        running.room.change_metadata('{"profile": "courier"}')
        await rest()
        return [*seen, running.timing.profile]

    assert run(story()) == ["patient", "courier"]


def test_last_of_800_changes_within_a_second_is_active(
    log: pytest.LogCaptureFixture,
) -> None:
    """One of them is resolved, told, announced and logged."""

    async def story() -> Running:
        running = Running(BRISK).follow()
        for number in range(1, 801):
            metadata = {"profile": "patient", "endpointing_ms": 100 + number}
            running.room.change_metadata(json.dumps(metadata))
            await asyncio.sleep(0.001)
        await rest()
        return running

    running = run(story())
    assert running.in_force(ENDPOINTING) == 900
    assert len(running.room.local_participant.announced) == 1
    assert len(log.messages) == 1


@pytest.mark.parametrize("each_second", [8, 20])
def test_fault_73_metadata_that_changes_all_the_time_is_followed(
    each_second: int, happened: Happened
) -> None:
    """A field of the application goes on moving; the profile counts within a second."""

    async def story() -> Running:
        running = Running(BRISK).follow()
        for number in range(each_second + 1):
            running.room.change_metadata(json.dumps({"profile": "patient", "level": number}))
            await asyncio.sleep(1 / each_second)
        return running

    assert run(story()).timing.profile == "patient"
    happened("active 1 s after the first of the changes, while they go on")


def test_changes_that_come_one_by_one_make_one_connection_for_the_last() -> None:
    """Each is accepted, but speech-to-text changes only after a pause in the changes."""

    async def story() -> list[int]:
        running = Running(BRISK).follow()
        seen = [running.in_force(ENDPOINTING)]
        for number in range(8):
            running.room.change_metadata(json.dumps({"endpointing_ms": 300 + number}))
            for _ in range(30):
                await asyncio.sleep(0.02)
                if running.in_force(ENDPOINTING) != seen[-1]:
                    seen.append(running.in_force(ENDPOINTING))
        await asyncio.sleep(5)
        return [*seen, running.in_force(ENDPOINTING)]

    assert run(story()) == [25, 300, 307]


def test_change_for_the_next_call_is_announced_until_withdrawn(
    log: pytest.LogCaptureFixture,
) -> None:
    """`next-call`: the session keeps its value, and the settings have the problem."""
    path = "turn_handling.interruption.backchannel_boundary"
    metadata = '{"overrides": {"turn_handling": {"interruption": {"backchannel_boundary": null}}}}'

    async def story() -> tuple[list[Any], Running]:
        running = await followed("", metadata)
        codes = [running.room.local_participant.attributes.get(PROBLEMS)]
        held = running.timing.settings.values[path], running.timing.settings.origins[path]
        await changed(running, metadata[:-1] + ', "min_endpointing_delay": 1.0}')
        codes.append(running.room.local_participant.attributes.get(PROBLEMS))
        await changed(running, "{}")
        codes.append(running.room.local_participant.attributes.get(PROBLEMS))
        return [held, *codes], running

    (held, *codes), running = run(story())
    assert held[0] == running.in_force(path) == [1.0, 1.0]
    assert held[1].startswith("profiles/default.yaml:")
    assert codes == ["next-call", "next-call", None]
    problem = (
        f"left out (next-call): participant: {path}: cannot change in a running call; it takes"
        " effect on the next one"
    )
    assert log.messages.count(problem) == 1


def test_a_caller_who_changes_all_the_time_does_not_fill_the_log(
    log: pytest.LogCaptureFixture,
) -> None:
    """Everything is applied; ten changes of a minute are logged, and that others are not."""

    async def story() -> Running:
        running = await followed("", *[BRISK, PATIENT] * 10)
        assert (running.timing.profile, running.in_force(MIN_DELAY)) == ("patient", 1.5)
        await asyncio.sleep(LOGGED_WITHIN)
        return await changed(running, BRISK)

    run(story())
    heads = [line.partition(",")[0].removeprefix("call continues with ") for line in log.messages]
    assert heads == [
        *["profile brisk", "profile patient"] * (MOST_LOGGED // 2),
        "changes not logged: more than 10 within 60 s; all of them are applied",
        "profile brisk",
    ]


def test_unreadable_room_metadata_does_not_affect_its_caller() -> None:
    """The room's problem stays; the caller's requests count all the same."""
    running = run(followed("", PATIENT, room_metadata="{"))
    assert (running.timing.profile, running.in_force(MIN_DELAY)) == ("patient", 1.5)
    assert running.room.local_participant.attributes[PROBLEMS] == "metadata-invalid"


def test_console_has_no_caller_to_follow(log: pytest.LogCaptureFixture) -> None:
    """Its room is a mock: nothing is listened to, and nothing announced; tools work."""

    async def story() -> tuple[Running, list[Any]]:
        running = Running(fake=True).follow()
        running.room.change_metadata(PATIENT)
        await rest()
        seen = [running.in_force(MIN_DELAY)]
        more_time: Any = running.timing.tools()[0]
        seen.append(await more_time())
        return running, [*seen, running.in_force(MIN_DELAY)]

    running, seen = run(story())
    assert seen == [0.3, "Done. Say so in a few words.", 1.5]
    assert running.room.local_participant.announced == []
    assert [line[:37] for line in log.messages] == ["call continues with profile patient, "]


def test_a_session_is_followed_once() -> None:
    """A second `follow` is the same as one."""

    async def story() -> Running:
        return await changed(Running().follow().follow(), PATIENT)

    running = run(story())
    assert len(running.room.local_participant.announced) == 1


def test_room_that_refuses_attributes_does_not_end_the_call(log: pytest.LogCaptureFixture) -> None:
    """The agent may have lost its connection or the right; the change counts all the same."""

    class Gone(Somebody):
        async def set_attributes(self, attributes: dict[str, str]) -> None:
            raise RuntimeError(f"engine is closed: {len(attributes)}")

    async def story() -> Running:
        running = Running(BRISK).follow()
        running.room.local_participant = Gone("agent")
        return await changed(running, PATIENT)

    running = run(story())
    assert running.in_force(MIN_DELAY) == 1.5
    assert log.messages[-1] == "agent attributes not set: engine is closed: 3; call continues"
