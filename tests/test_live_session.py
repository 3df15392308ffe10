"""A running call: what its caller asks for, and over it what steps of the conversation borrow."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, publish
from tests.session import Session
from timing_profiles.call.follow_metadata import RAPID
from timing_profiles.rehearsal.virtual_time import run

MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
MIN_SPEECH = "vad.min_speech_duration"
ENDPOINTING = "stt.nova.endpointing_ms"
PREEMPTIVE = "turn_handling.preemptive_generation.enabled"
BOUNDARY = "turn_handling.interruption.backchannel_boundary"

Delays = tuple[float, float]

DEFAULT: Delays = (0.3, 2.5)
BRISK: Delays = (0.3, 0.8)
PATIENT: Delays = (1.5, 4.0)
DICTATION: Delays = (3.0, 4.0)
ELDERLY: Delays = (1.0, 4.0)

MORE = {
    "narrow": "turn_handling: {endpointing: {max_delay: 1.0}}\noverrides: {allow: ['*']}",
    "slow": "turn_handling: {endpointing: {min_delay: 2.0}}\nvad: {min_speech_duration: 0.1}",
    "all": (
        "turn_handling: {interruption: {mode: adaptive, backchannel_boundary: null}}\n"
        "session: {aec_warmup_duration: null, user_away_timeout: 99}"
    ),
}


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter profiles, and a few that do not go well with each other."""
    publish(tmp_path, monkeypatch, MORE)


def delays(running: Running) -> Delays:
    """Return the active delays."""
    return running.in_force(MIN_DELAY), running.in_force(MAX_DELAY)


async def ask(running: Running, metadata: str) -> None:
    """The caller asks for something else."""
    running.room.change_metadata(metadata)
    await asyncio.sleep(RAPID + 0.01)


def test_step_borrows_and_restores() -> None:
    """The profile's values, for as long as the block runs; all else stays the caller's."""

    async def story() -> list[Any]:
        running = Running('{"profile": "brisk", "endpointing_ms": 300}').follow()
        seen: list[Any] = [(delays(running), running.in_force(PREEMPTIVE))]
        async with running.timing.borrow("dictation"):
            seen.append((delays(running), running.in_force(PREEMPTIVE)))
            seen.append((running.in_force(ENDPOINTING), running.timing.profile))
        seen.append((delays(running), running.in_force(PREEMPTIVE)))
        return [*seen, running.in_force(ENDPOINTING)]

    assert run(story()) == [
        (BRISK, True),
        (DICTATION, False),
        (300, "brisk"),
        (BRISK, True),
        300,
    ]


def test_lent_settings_are_reported_as_they_act(caplog: pytest.LogCaptureFixture) -> None:
    """With the place of their values, but for one that the application sets."""
    caplog.set_level("INFO", logger="timing_profiles")

    async def story() -> list[Any]:
        running = Running('{"profile": "brisk"}', session={"preemptive_generation": True}).follow()

        def reported() -> list[Any]:
            settings = running.timing.settings
            paths = (MIN_DELAY, MAX_DELAY, PREEMPTIVE)
            return [(settings.values[p], settings.origins[p].partition(":")[0]) for p in paths]

        async with running.started():
            running.job.started = running.session
            seen: list[Any] = [reported()]
            running.session.update_options(endpointing_opts={"max_delay": 7.0})
            async with running.timing.borrow("dictation"):
                seen += [reported(), [problem.path for problem in running.timing.problems]]
            return [*seen, reported(), running.timing.profile]

    dictation, brisk = "profiles/dictation.yaml", "profiles/brisk.yaml"
    assert run(story()) == [
        [(0.3, brisk), (0.8, brisk), (True, "application")],
        [(3.0, dictation), (4.0, dictation), (True, "application")],
        [PREEMPTIVE],
        [(0.3, brisk), (7.0, "application"), (True, "application")],
        "brisk",
    ]
    # What the application has changed is a correction, what the step borrows is none.
    (line,) = [line for line in caplog.messages if line.startswith("call ")]
    assert line.startswith("call corrected with profile brisk, ")
    assert line.endswith(": nothing differs from default")


def test_speech_to_text_is_lent_and_given_back_in_silence() -> None:
    """No words are lost, neither when the step begins nor when it ends."""

    async def story() -> list[int]:
        running = Running().follow()
        seen = []

        async def spoken() -> None:
            running.session.becomes("speaking")
            await asyncio.sleep(3)
            seen.append(running.in_force(ENDPOINTING))
            running.session.transcribes(is_final=True)
            running.session.becomes("listening")
            await asyncio.sleep(3)
            seen.append(running.in_force(ENDPOINTING))

        running.session.becomes("speaking")
        async with running.timing.borrow("patient"):
            await spoken()
            running.session.becomes("speaking")
        await spoken()
        return seen

    assert run(story()) == [25, 400, 400, 25]


@pytest.mark.parametrize(
    ("metadata", "changes", "expected"),
    [
        pytest.param('{"endpointing_ms": 4000}', (), 5.0, id="as the call began"),
        pytest.param("", ('{"endpointing_ms": 4000}',), 5.0, id="as it is now"),
        pytest.param(
            '{"endpointing_ms": 4000}', ('{"endpointing_ms": 25}',), 1.0, id="and shorter"
        ),
    ],
)
def test_silence_is_counted_by_the_speech_to_text_that_listens(
    metadata: str, changes: tuple[str, ...], expected: float
) -> None:
    """Its last words come after its own endpointing; only then may it get another connection."""

    async def story() -> float:
        running = Running(metadata).follow()
        for change in changes:
            await ask(running, change)
            await asyncio.sleep(30)
        running.session.becomes("speaking")
        await ask(running, '{"endpointing_ms": 600}')
        running.session.transcribes(is_final=True)
        running.session.becomes("listening")
        loop = asyncio.get_running_loop()
        began = loop.time()
        while running.in_force(ENDPOINTING) != 600:  # noqa: ASYNC110 - a part tells of no change
            await asyncio.sleep(0.05)
        return loop.time() - began

    assert run(story()) == pytest.approx(expected, abs=0.1)


def test_steps_within_steps() -> None:
    """The innermost is on top; each restores the values before it."""

    async def story() -> list[Delays]:
        running = Running().follow()
        seen = []
        async with running.timing.borrow("elderly"):
            seen.append(delays(running))
            async with running.timing.borrow("dictation"):
                seen.append(delays(running))
                async with running.timing.borrow("dictation"):
                    seen.append(delays(running))
                seen.append(delays(running))
            seen.append(delays(running))
        return [*seen, delays(running)]

    assert run(story()) == [ELDERLY, DICTATION, DICTATION, DICTATION, ELDERLY, DEFAULT]


def test_steps_that_end_in_another_order() -> None:
    """Each takes back its own, also where two borrow the same."""

    async def story() -> list[Delays]:
        running = Running().follow()
        steps = [running.timing.borrow(name) for name in ("dictation", "elderly", "dictation")]
        for step in steps:
            await step.__aenter__()
        seen = [delays(running)]
        for step in steps:
            await step.__aexit__(None, None, None)
            seen.append(delays(running))
        return seen

    assert run(story()) == [DICTATION, DICTATION, DICTATION, DEFAULT]


def test_exception_restores_the_settings() -> None:
    """And the exception reaches the application."""

    async def story() -> Delays:
        running = Running('{"profile": "brisk"}').follow()
        with pytest.raises(ValueError, match="no address"):
            async with running.timing.borrow("dictation"):
                raise ValueError("no address")
        return delays(running)

    assert run(story()) == BRISK


def test_cancelled_step_restores_the_settings() -> None:
    """As when the caller interrupts it."""

    async def story() -> list[Delays]:
        running = Running('{"profile": "brisk"}').follow()

        async def step() -> None:
            async with running.timing.borrow("dictation"):
                await asyncio.sleep(60)

        task = asyncio.create_task(step())
        await asyncio.sleep(1)
        seen = [delays(running)]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return [*seen, delays(running)]

    assert run(story()) == [DICTATION, BRISK]


def test_caller_may_change_the_request_meanwhile() -> None:
    """The step keeps its borrowed values; after it, the caller's new request is active."""

    async def story() -> list[Any]:
        running = Running('{"profile": "brisk"}').follow()
        async with running.timing.borrow("dictation"):
            await ask(running, '{"profile": "patient", "false_interruption_timeout": 5.0}')
            path = "turn_handling.interruption.false_interruption_timeout"
            seen: list[Any] = [delays(running), running.in_force(path), running.timing.profile]
        return [*seen, delays(running)]

    assert run(story()) == [DICTATION, 5.0, "patient", PATIENT]


def test_invalid_request_meanwhile_has_no_effect() -> None:
    """Neither in the step, nor after it."""

    async def story() -> list[Delays]:
        running = Running('{"profile": "brisk"}').follow()
        async with running.timing.borrow("dictation"):
            await ask(running, '{"profile": "nobody"}')
            seen = [delays(running)]
        return [*seen, delays(running)]

    assert run(story()) == [DICTATION, BRISK]


def test_borrowed_value_in_conflict_with_the_call_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At least 2.0 s, over a caller who waits 1.0 s at most: logged once; the step continues."""

    async def story() -> list[Any]:
        running = Running('{"profile": "narrow"}').follow()
        async with running.timing.borrow("slow"):
            seen: list[Any] = [delays(running)]
            async with running.timing.borrow("dictation"):
                seen.append(delays(running))
            await ask(running, "{}")
            seen += [delays(running), running.in_force(MIN_SPEECH)]
        return [*seen, delays(running)]

    assert run(story()) == [(0.3, 1.0), DICTATION, (2.0, 2.5), 0.1, DEFAULT]
    warning = (
        "borrowed profile left out: slow does not fit this call: min_delay 2.0 is more than"
        " max_delay 1.0 (s); the step continues without it"
    )
    assert caplog.messages.count(warning) == 1


def test_field_of_the_next_call_is_not_lent() -> None:
    """The other fields of the profile are, and the caller's request has no problem of it."""

    async def story() -> list[Any]:
        running = Running().follow()
        before = running.in_force(BOUNDARY)
        async with running.timing.borrow("all"):
            seen = [running.in_force(BOUNDARY) == before]
            seen.append(running.in_force("session.user_away_timeout"))
        seen.append(running.in_force("session.user_away_timeout"))
        return [*seen, running.timing.problems]

    assert run(story()) == [True, 99, 15.0, ()]


def test_unknown_profile_raises() -> None:
    """The error names the existing ones; nothing changes."""

    async def story() -> Delays:
        running = Running('{"profile": "brisk"}').follow()
        with pytest.raises(LookupError) as error:
            async with running.timing.borrow("dictatoin"):
                pass
        assert str(error.value) == (
            'unknown profile "dictatoin"; available: all, brisk, courier, default, dictation,'
            " elderly, flux-conversation, narrow, noisy-line, open, patient, phone-menu, slow"
        )
        return delays(running)

    assert run(story()) == BRISK


def test_session_without_follow_cannot_borrow() -> None:
    """The error names the remedy."""

    async def story() -> None:
        async with Running().timing.borrow("dictation"):
            pass

    with pytest.raises(RuntimeError) as error:
        run(story())
    assert str(error.value) == ("there is nothing to borrow for: call timing.follow(session) first")


async def test_a_step_may_outlive_its_session(caplog: pytest.LogCaptureFixture) -> None:
    """The caller hangs up in the middle of it."""
    async with contextlib.AsyncExitStack() as step:
        async with Running().follow().started() as running:
            await step.enter_async_context(running.timing.borrow("patient"))
        caplog.clear()
    assert caplog.messages == []
    assert running.in_force(MIN_DELAY) == 1.5


def test_refused_field_keeps_its_value() -> None:
    """In a request for the same profile; the other fields of the request count."""

    async def story() -> list[Any]:
        running = Running('{"min_endpointing_delay": 1.0, "max_endpointing_delay": 3.0}').follow()
        await ask(running, '{"min_endpointing_delay": 99, "max_endpointing_delay": 5.0}')
        settings = running.timing.settings
        problems = [problem.code for problem in settings.problems]
        seen = [delays(running), settings.origins[MIN_DELAY], problems, settings.changed]
        await ask(running, "{}")
        return [*seen, delays(running)]

    assert run(story()) == [
        (1.0, 5.0),
        "participant",
        ["override-range"],
        (MIN_DELAY, MAX_DELAY),
        DEFAULT,
    ]


def test_refused_field_with_another_profile_has_that_profiles_value() -> None:
    """The caller has requested it, and of the old one nothing is left."""

    async def story() -> Delays:
        running = Running('{"min_endpointing_delay": 1.0}').follow()
        await ask(running, '{"profile": "patient", "min_endpointing_delay": 99}')
        return delays(running)

    assert run(story()) == PATIENT


def test_field_that_breaks_a_rule_is_not_kept() -> None:
    """A delay of 2.0 s would not fit under a maximum of 1.0 s."""

    async def story() -> Delays:
        running = Running('{"min_endpointing_delay": 2.0}').follow()
        await ask(running, '{"min_endpointing_delay": 99, "max_endpointing_delay": 1.0}')
        return delays(running)

    assert run(story()) == (0.3, 1.0)


def test_options_changed_by_the_application_are_restored() -> None:
    """Its own delays hold before and after a step, the borrowed ones inside, also if nested."""

    async def story() -> list[Delays]:
        running = Running('{"profile": "patient"}').follow()
        running.session.update_options(endpointing_opts={"min_delay": 3.0, "max_delay": 8.0})
        seen = []
        async with running.timing.borrow("dictation"):
            seen.append(delays(running))
            async with running.timing.borrow("elderly"):
                seen.append(delays(running))
            seen.append(delays(running))
        return [*seen, delays(running)]

    assert run(story()) == [(3.0, 4.0), ELDERLY, (3.0, 4.0), (3.0, 8.0)]


def test_options_changed_by_the_application_in_a_step_end_with_the_step() -> None:
    """The step restores the values before it."""

    async def story() -> list[Delays]:
        running = Running('{"profile": "patient"}').follow()
        async with running.timing.borrow("dictation"):
            running.session.update_options(endpointing_opts={"max_delay": 9.0})
            seen = [delays(running)]
        return [*seen, delays(running)]

    assert run(story()) == [(3.0, 9.0), PATIENT]


def test_later_request_replaces_options_changed_by_the_application() -> None:
    """Field by field: fields that the request does not change stay the application's."""

    async def story() -> list[Delays]:
        running = Running('{"profile": "patient"}').follow()
        running.session.update_options(endpointing_opts={"min_delay": 3.0, "max_delay": 8.0})
        await ask(running, '{"profile": "patient", "endpointing_ms": 300}')
        seen = [delays(running)]
        await ask(running, '{"profile": "patient", "min_endpointing_delay": 1.0}')
        return [*seen, delays(running)]

    assert run(story()) == [(3.0, 8.0), (1.0, 8.0)]


def test_turn_detection_of_the_application_is_given_back() -> None:
    """A step that ends turns another way gives back the mode that `update_options` has set."""

    async def story() -> list[Any]:
        running = Running().follow()
        running.session.update_options(turn_detection="vad")
        async with running.timing.borrow("flux-conversation"):
            seen = [running.session.turn_detection]
        return [*seen, running.session.turn_detection]

    assert run(story()) == ["stt", "vad"]


def test_a_step_borrows_before_the_session_is_followed() -> None:
    """As in the first agent's `on_enter`: for the session that was started in the job."""

    async def story() -> list[Delays]:
        running = Running('{"profile": "brisk"}')
        running.job.started = running.session
        async with running.timing.borrow("dictation"):
            seen = [delays(running)]
            running.follow()
            await ask(running, '{"profile": "patient"}')
            seen.append(delays(running))
        return [*seen, delays(running)]

    assert run(story()) == [DICTATION, DICTATION, PATIENT]


async def test_a_session_that_starts_again_is_followed_again() -> None:
    """With the requests made meanwhile, and with its steps."""
    running = Running().follow()
    async with running.started():
        pass
    running.room.change_metadata('{"profile": "patient"}')
    await asyncio.sleep(RAPID + 0.05)
    assert (delays(running), running.timing.profile) == (DEFAULT, "default")
    async with running.started():
        assert (delays(running), running.timing.profile) == (PATIENT, "patient")
        async with running.timing.borrow("dictation"):
            assert delays(running) == DICTATION
        running.room.change_metadata('{"profile": "brisk"}')
        await asyncio.sleep(RAPID + 0.05)
        assert delays(running) == BRISK


async def test_borrow_from_a_closed_session_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is applied until the session starts again."""
    running = Running().follow()
    async with running.started():
        pass
    caplog.clear()
    async with running.timing.borrow("dictation"):
        assert delays(running) == DEFAULT
    (line,) = caplog.messages
    assert line == (
        "borrowed profile waits: the followed session has closed; dictation is active once it"
        " starts again; call timing.follow(session) for another session"
    )


def test_another_session_of_the_job_is_followed(caplog: pytest.LogCaptureFixture) -> None:
    """It replaces the one before it, and a line is logged where that one still runs."""

    async def story() -> list[Delays]:
        running = Running('{"profile": "brisk"}').follow()
        first = running.session
        running.session = Session(**running.timing.session_kwargs())
        running.follow()
        await ask(running, '{"profile": "patient"}')
        seen = [delays(running)]
        async with running.timing.borrow("dictation"):
            seen.append(delays(running))
        running.session = first
        return [*seen, delays(running)]

    assert run(story()) == [PATIENT, DICTATION, BRISK]
    (line,) = caplog.messages
    assert line == (
        "following another session: timing.follow got a second one while the first runs; the first"
        " keeps its settings and follows no metadata"
    )


async def test_a_new_session_after_the_first_has_closed(caplog: pytest.LogCaptureFixture) -> None:
    """Made from `session_kwargs` again; that it is followed needs no warning."""
    running = Running().follow()
    async with running.started():
        pass
    caplog.clear()
    running.session = Session(**running.timing.session_kwargs())
    running.follow()
    running.room.change_metadata('{"profile": "patient"}')
    await asyncio.sleep(RAPID + 0.05)
    assert delays(running) == PATIENT
    assert caplog.messages == []


def test_second_session_has_its_own_options() -> None:
    """The application's options of the first session are the profile's again in the second."""

    async def story() -> list[float]:
        own = {"turn_handling": {"endpointing": {"min_delay": 0.7}}}
        running = Running(session=own).follow()
        await ask(running, '{"profile": "patient"}')
        seen = [running.in_force(MIN_DELAY)]
        running.session = Session(**running.timing.session_kwargs())
        running.follow()
        await ask(running, '{"profile": "elderly"}')
        return [*seen, running.in_force(MIN_DELAY)]

    assert run(story()) == [0.7, 1.0]


def test_former_arguments_of_the_session_win() -> None:
    """They reach the session, and a later request of the caller leaves them as they are."""

    async def story() -> list[Any]:
        own = {"min_endpointing_delay": 0.7, "turn_detection": "vad", "turn_handling": None}
        running = Running('{"profile": "patient"}', session=own).follow()
        seen: list[Any] = [delays(running), running.session.turn_detection]
        await ask(running, '{"profile": "elderly"}')
        return [*seen, delays(running), running.session.turn_detection]

    assert run(story()) == [(0.7, 4.0), "vad", (0.7, 4.0), "vad"]


def test_argument_that_the_engine_refuses_does_not_end_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is left out with a problem, in the room too, for as long as that engine listens."""

    async def story() -> list[Any]:
        running = Running('{"profile": "flux-conversation"}')
        listener = running.timing.stt(punctuate=True)
        running.session = Session(**running.timing.session_kwargs(stt=listener))
        codes: list[Any] = [running.timing.problems[0].code]
        async with running.started():
            running.follow()
            for profile in ("flux-conversation", "patient", "flux-conversation"):
                await ask(running, f'{{"profile": "{profile}"}}')
                await asyncio.sleep(10)  # the caller is silent
                codes.append(running.room.local_participant.attributes.get("timing.problems"))
        return codes

    assert run(story()) == ["not-applied", "not-applied", None, "not-applied"]
    lines = {line for line in caplog.messages if "left out" in line}
    assert lines == {
        (
            "left out (not-applied): application: stt.punctuate: is not applied: STTv2 has no such"
            " argument"
        )
    }
