"""Calls from the page of `timing-profiles tune`, by mouse, keyboard and microphone."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from livekit import api

from tests.e2e.tune.browser import Page
from tests.e2e.tune.conftest import Stack, tune

MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"


@dataclass(frozen=True, slots=True)
class Motion:
    """What moves on the page while a sentence is played and answered.

    Attributes:
        changes: of the drawn turns, in a second.
        frames: that were requested, in a second.
        fades: the durations of the transitions of a button.
    """

    changes: float
    frames: float
    fades: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A call that was answered twice and goes on; a test leaves it as it was.

    Attributes:
        page: of the call.
        turns: first to `patient`, then to `brisk`, which cut in.
        motion: during the first one.
        announced: each text for a screen reader, in order.
        seen: what the browser complained about.
    """

    page: Page
    turns: Sequence[dict[str, Any]]
    motion: Motion
    announced: Sequence[str]
    seen: Sequence[str]


@dataclass(frozen=True, slots=True)
class FirstTurn:
    """The first turn of a call, on a page with less motion.

    Attributes:
        address: of the page.
        turn: to `patient`.
        motion: during it.
        seen: what the browser complained about.
    """

    address: str
    turn: dict[str, Any]
    motion: Motion
    seen: Sequence[str]


@pytest.fixture(scope="module")
async def at_ipv6(stack: Stack) -> FirstTurn:
    """A call of one turn, for all tests that only look at it."""
    async with tune(stack.worker.services, stack.worker.profiles, ["--host", "::1"]) as served:
        page = await stack.browser.open(served.address)
        motion = await moves(page)
        (turn,) = await page.turns(1)
        seen = await page.do("seen")
        await page.close()
    return FirstTurn(served.address, turn, motion, seen)


@pytest.fixture(scope="class")
async def conversation(stack: Stack) -> AsyncGenerator[Conversation]:
    """One call, for all tests of a class."""
    page = await stack.browser.open(stack.tune.address, reduced_motion="no-preference")
    announced = "document.getElementById('announced').textContent"
    await collect(page, "announced", "#announced", announced)
    motion = await moves(page)
    await page.until("tuner.talk.turns[0].others")
    # To draw each frame of the second turn, too, would show nothing more.
    await page.do("emulateMedia", {"reducedMotion": "reduce"})
    await play(page, "brisk", "number", 2)
    await page.until("tuner.talk.turns[1].others")
    await page.do("emulateMedia", {"reducedMotion": "no-preference"})
    yield Conversation(
        page,
        await page.turns(2),
        motion,
        await page.value("collected.announced"),
        await page.do("seen"),
    )
    await page.close()


async def collect(page: Page, name: str, place: str, value: str) -> None:
    """Collect the values of an expression at each change within an element, as `collected`."""
    await page.value(
        f"""{{
          window.collected ??= {{}};
          const values = collected[{name!r}] = [];
          const every = {{ attributes: true, childList: true, subtree: true }};
          const place = document.querySelector({place!r});
          new MutationObserver(() => values.push({value})).observe(place, every);
        }}"""
    )


async def play(page: Page, profile: str, sentence: str, count: int = 1) -> dict[str, Any]:
    """Play a sentence to a profile; return its turn."""
    await page.play(profile, sentence)
    return (await page.turns(count))[count - 1]


async def moves(page: Page) -> Motion:
    """Play the first sentence of a call, and count what moves."""
    await collect(page, "drawn", "#turns", "performance.now()")
    frames = await page.value("counted.frames")
    await play(page, "patient", "order")
    seconds = await page.value("tuner.talk.turns[0].end - tuner.talk.turns[0].started")
    frames = await page.value("counted.frames") - frames
    drawn = await page.value("collected.drawn.length")
    fades = await page.value("getComputedStyle(document.getElementById('play')).transitionDuration")
    return Motion(drawn / seconds, frames / seconds, fades)


async def rest(page: Page, *names: str) -> None:
    """Check that the page does nothing of a kind for three seconds."""
    before = {name: await page.value(f"counted.{name}") for name in names}
    await asyncio.sleep(3)
    assert {name: await page.value(f"counted.{name}") for name in names} == before


class TestCallThatGoesOn:
    """Tests that only look at one call, which ends with them: it takes a tenth of a core."""

    async def test_sentence_is_answered_beside_its_prediction(
        self, stack: Stack, conversation: Conversation
    ) -> None:
        """Played with patient: one turn with a pause, what was published, the other profiles."""
        turn = conversation.turns[0]
        assert (turn["profile"], turn["tuned"], turn["cutIn"], turn["parts"]) == (
            *("patient", False, False),
            2,
        )
        assert turn["predictions"], "no prediction was published"
        assert turn["vad"], "no speech was published"
        assert turn["predicted"] in {1.59, 4.09}
        others = [each["profile"] for each in turn["others"]]
        assert sorted(others) == sorted(path.stem for path in stack.worker.profiles.glob("*.yaml"))
        assert conversation.seen == []

    async def test_screen_reader_gets_each_result(self, conversation: Conversation) -> None:
        """The time to each answer, beside the prediction, or that the agent cut in."""
        page, (first, second) = conversation.page, conversation.turns
        assert second["cutIn"], second
        assert await page.do("getAttribute", "#announced", "aria-live") == "polite"
        # Emptied in between, so that the same result is announced again.
        results = [text for text in conversation.announced if text]
        assert re.fullmatch(
            r"answered after \d\.\d s, decision predicted after [14]\.[0-9] s", results[0]
        )
        assert results[0].startswith(str(first["verdict"]))
        assert results[-1] == second["verdict"]
        assert re.fullmatch(r"cut in after \d\.\d s, you had not finished", results[-1])
        assert conversation.announced.count("") == 1
        pictures = await page.value(
            "[...document.querySelectorAll('#turns svg')].map((each) => each.ariaLabel)"
        )
        assert [label.partition(";")[0] for label in pictures] == [
            f"Turn 2: {second['verdict']}",
            f"Turn 1: {first['verdict']}",
        ]
        frames = sorted(await page.value("tuner.talk.frames"))
        assert frames[len(frames) // 2] < 4  # milliseconds of script

    async def test_axe_finds_no_violation_in_a_call(self, conversation: Conversation) -> None:
        """A turn with the other profiles' answers, a problem, and YAML; light and dark."""
        page = conversation.page
        found = {}
        for value, shown in ((9, "#wrong li"), (0.5, "#yaml .plain")):
            await page.move(MIN_DELAY, value)
            await page.until(f"document.querySelector({shown!r})")
            for scheme in ("light", "dark"):
                await page.do("emulateMedia", {"colorScheme": scheme, "reducedMotion": "reduce"})
                found[shown, scheme] = await page.do("axe")
        assert found == {key: [] for key in found}
        assert len(found) == 4
        await page.do("emulateMedia", {"colorScheme": None, "reducedMotion": "no-preference"})
        await page.click("#reset")
        await page.until("!document.querySelector('.dial.moved')")

    async def test_nothing_runs_between_turns(self, conversation: Conversation) -> None:
        """LiveKit's client has timers while it is connected; this page has none."""
        await rest(conversation.page, "frames", "requests")

    async def test_less_motion_draws_twice_a_second(
        self, at_ipv6: FirstTurn, conversation: Conversation
    ) -> None:
        """Where people want less motion, no frame is requested and nothing fades."""
        reduced, whole = at_ipv6.motion, conversation.motion
        assert reduced.changes < 4  # two a second, and the result after the turn
        assert reduced.frames == 0
        assert set(reduced.fades.split(", ")) == {"0s"}
        assert whole.changes > 5
        assert whole.frames > 5


async def test_page_at_an_ipv6_address_is_answered(at_ipv6: FirstTurn) -> None:
    """The browser finds nothing wrong, and hears the answer."""
    assert at_ipv6.address.startswith("http://[::1]:")
    assert str(at_ipv6.turn["verdict"]).startswith("answered after")
    assert at_ipv6.seen == []


async def test_microphone_and_keyboard_make_a_call(stack: Stack) -> None:
    """Choose, talk, move a slider, end: the focus is always visible, and never lost.

    A turn from the microphone is drawn with its pause, and answered. Before and after the call
    nothing runs.
    """
    page = await stack.browser.open(
        stack.tune.address, permissions=["microphone"], reduced_motion="no-preference"
    )
    await rest(page, "timers", "frames", "requests")
    await page.tab("input[name=profile]")
    await page.press("Home", "ArrowDown")
    chosen = await page.value("document.activeElement.value")
    assert await page.text("#now-name") == chosen
    await page.tab("#begin")
    await page.press("Enter")
    await page.focused("#end")
    # The recording runs while the call is set up: the first turn may be the rest of one.
    whole = "tuner.talk.turns.some((turn) => turn.closed && turn.parts.length === 2)"
    await page.until(whole, seconds=90)
    turn = next(each for each in await page.turns(1) if each["parts"] == 2)
    assert str(turn["verdict"]).startswith(("answered after", "cut in after"))
    await page.focused("#end")
    await page.tab(f'[data-path="{MIN_DELAY}"] input[type=range]')
    before = await page.value(f'tuner.page.profile.values["{MIN_DELAY}"]')
    await page.press("ArrowRight")
    await page.until(f'tuner.page.preview.values["{MIN_DELAY}"] === {before + 0.1:.1f}')
    await page.focused(f'[data-path="{MIN_DELAY}"] input[type=range]')
    await page.tab("#reset", "Shift+Tab")
    await page.press("Enter")
    await page.focused("#settings-title")
    await page.tab("#end", "Shift+Tab")
    await page.press("Enter")
    await page.focused("#begin")
    assert await page.value("tuner.talk.state") == "idle"
    await asyncio.sleep(1)  # until the connection is closed
    await rest(page, "timers", "frames", "requests")
    await page.close()


async def test_moved_slider_acts_in_the_next_turn(stack: Stack) -> None:
    """Moved between two turns of a call, min_delay holds the second decision back."""
    page = await stack.browser.open(stack.tune.address)
    first = await play(page, "brisk", "order")
    await page.move(MAX_DELAY, 4)
    await page.move(MIN_DELAY, 4)
    await page.until("tuner.page.preview.wait.seconds[0] === 4.09")
    await page.click("#play")
    second = (await page.turns(2))[1]
    assert (first["tuned"], second["tuned"]) == (False, True)
    assert first["decided"] is not None
    assert second["decided"] is not None
    assert float(first["decided"]) < 3.9 < float(second["decided"])
    await page.close()


async def test_setting_of_the_next_call_offers_one(stack: Stack) -> None:
    """A setting without effect offers none; in the new call, nothing is left to offer."""
    page = await stack.browser.open(stack.tune.address)
    await page.talks()
    await page.value("document.querySelector('.settings details').open = true")
    await page.move("turn_handling.interruption.backchannel_boundary", 1)
    await page.until("document.querySelector('#doubts li')")
    assert not await page.do("isVisible", "#next-call")
    await page.move("session.aec_warmup_duration", 1)
    await page.until("!document.getElementById('next-call').hidden")
    message = "Takes effect in the next call: session.aec_warmup_duration."
    assert await page.text("#next-call-what") == message
    room = await page.value("tuner.talk.room")
    await page.click("#again")
    await page.until(f"tuner.talk.state === 'talking' && tuner.talk.room !== {room!r}", 90)
    assert not await page.do("isVisible", "#next-call")
    assert await page.value("document.activeElement.id") == "end"
    await page.close()


async def test_blind_comparison_by_keyboard_is_revealed_after_the_choice(stack: Stack) -> None:
    """Two calls with one sentence; the focus stays at the buttons, and the choice shows the names.

    Nothing else can be begun until it has ended.
    """
    page = await stack.browser.open(stack.tune.address)
    await page.tab("#compare-sentence")
    await page.press("ArrowDown", "ArrowDown")
    await page.tab("#blind")
    await page.press("Space")
    await page.tab("#compare-begin")
    await page.press("Enter")
    assert await page.text("#compare-begin") == "Stop"
    await page.until("!document.getElementById('vote').hidden", 120)
    assert await page.text("#compared") == ""
    await page.focused("#compare-begin")
    await page.tab("#vote button[value=second]")
    await page.press("Enter")
    await page.focused("#compare-begin")
    revealed = await page.text("#compare-status")
    names = await page.value(
        "[...document.querySelectorAll('#compared h3')].map((each) => each.textContent)"
    )
    assert sorted(names) == ["brisk", "patient"]
    expected = f"You preferred {names[1]}. First was {names[0]}, second {names[1]}."
    assert revealed.startswith(expected)
    assert await page.value("document.getElementById('play').ariaDisabled") is None
    await page.close()


async def test_keyboard_stops_a_comparison(stack: Stack) -> None:
    """The button that began it ends it, also in the middle of a turn: no second call is made."""
    page = await stack.browser.open(stack.tune.address)
    await page.tab("#compare-begin")
    await page.press("Enter")
    await page.until("tuner.talk.turns.length === 1", 90)
    await page.press("Enter")
    await page.until("!tuner.page.compare.isRunning")
    await page.focused("#compare-begin")
    assert await page.text("#compare-status") == "Stopped."
    assert await page.value("tuner.talk.state") == "idle"
    await page.close()


async def test_hidden_tab_finishes_a_comparison(stack: Stack) -> None:
    """Without frames, and with timers of a second, as a browser has for a hidden tab."""
    page = await stack.browser.open(stack.tune.address)
    # Playwright keeps each page visible: this is what the page has while it is not.
    await page.value(
        """{
          const own = window.setInterval;
          window.requestAnimationFrame = () => 0;
          window.setInterval = (call, after) => own(call, Math.max(1000, after));
        }"""
    )
    await page.do("selectOption", "#compare-sentence", "order")
    await page.click("#compare-begin")
    await page.until("document.querySelectorAll('#compared .turn').length === 2", 120)
    await page.until("!tuner.page.compare.isRunning", 60)
    assert "patient answered after " in await page.text("#compare-status")
    await page.close()


async def test_reload_ends_the_call_and_keeps_the_settings(stack: Stack) -> None:
    """The page shows that, has the profile and the slider as before, and can call again."""
    page = await stack.browser.open(stack.tune.address)
    await page.choose("brisk")
    await page.move(MIN_DELAY, 0.5)
    await page.talks()
    await page.do("reload")
    await page.ready()
    assert await page.trouble("call") == (
        "The page was loaded again during a call, which has ended. Your settings are still here."
    )
    assert await page.text("#now-name") == "brisk, tuned"
    await page.close()


async def test_second_tab_ends_the_call_of_the_first(stack: Stack) -> None:
    """Two calls at one microphone would hear each other: the first shows why it ended."""
    page = await stack.browser.open(stack.tune.address)
    other = Page(stack.browser, await page.do("beside", {"address": stack.tune.address}))
    await other.ready()
    await page.talks()
    await other.click("#compare-begin")  # as any other call
    assert await page.trouble("call") == (
        "Another tab of this page has begun a call, so this one has ended: two agents would "
        "answer each other."
    )
    assert await page.value("tuner.talk.state") == "idle"
    await page.close()


async def test_agent_that_leaves_is_named(stack: Stack) -> None:
    """The page no longer shows that it listens, offers no sentence, and can call again."""
    page = await stack.browser.open(stack.tune.address)
    await page.talks()
    room = await page.value("tuner.talk.room")
    connection = stack.worker.connection
    async with api.LiveKitAPI(connection.url, connection.api_key, connection.api_secret) as livekit:
        agent = api.RoomParticipantIdentity(
            room=room, identity=await page.value("tuner.talk._call.agent")
        )
        await livekit.room.remove_participant(agent)
    assert await page.trouble("agent") == (
        "The agent has left the call. Its worker's log says why; begin again once it runs."
    )
    await page.until("document.getElementById('play').ariaDisabled === 'true'")
    assert await page.text("#status") == "Waiting for the agent…"
    await page.click("#end")
    await page.talks()
    assert await page.value("document.getElementById('troubles').innerText") == ""
    await page.close()


async def test_stopped_server_is_named_and_comes_back(stack: Stack) -> None:
    """A call continues without it; after a restart, the page needs its new address."""
    async with tune(stack.worker.services, stack.worker.profiles) as served:
        page = await stack.browser.open(served.address)
        await page.talks()
    assert (await page.trouble("server")).startswith("The server of this page has stopped.")
    port = served.address.partition("127.0.0.1:")[2].partition("/")[0]
    async with tune(stack.worker.services, stack.worker.profiles, ["--port", port]) as again:
        await page.until(
            "document.querySelector('[data-kind=server]').innerText.includes('printed last')", 60
        )
        await page.do("goto", again.address)
        await page.ready()
        await page.close()
