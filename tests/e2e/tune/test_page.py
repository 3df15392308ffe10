"""The page of `timing-profiles tune` in a real browser, with the real server and a real worker."""

import pytest
from livekit import api

from sandbox.polling import eventually
from tests.e2e.tune.browser import Page
from tests.e2e.tune.conftest import Stack, tune

MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
DIAL = f'[data-path="{MIN_DELAY}"]'

pytestmark = pytest.mark.long


async def played(page: Page, count: int = 1) -> dict[str, object]:
    """Play the sentence that is chosen, and return its turn."""
    await page.click("#play")
    return (await page.turns(count))[count - 1]


async def why_of(page: Page, value: float, condition: str) -> str:
    """Move min_delay, wait for what the page makes of it, and return the reason beside the dial."""
    await page.move(MIN_DELAY, value)
    await page.until(condition)
    return await page.text(f"{DIAL} .why")


async def test_page_shows_profiles_and_settings_without_a_call(stack: Stack) -> None:
    """Each profile with its wait and its text, each important setting with what callers notice."""
    page = await stack.browser.open(stack.tune.address)
    profiles = await page.text("#profiles")
    assert "brisk\n0.39 to 0.89 s\nCallers in a hurry with short questions." in profiles
    assert "patient\n1.59 to 4.09 s\nCallers who pause to think" in profiles
    dial = await page.text(DIAL)
    assert "Too low, the agent talks into pauses; too high, every answer comes late." in dial
    assert "0 to 10 s" in dial
    assert await page.do("seen") == []
    await page.close()


async def test_sentence_is_answered_beside_its_prediction(stack: Stack) -> None:
    """Played with patient: one turn with a pause, what the agent published, the other profiles."""
    page = await stack.browser.open(stack.tune.address)
    await page.choose("patient")
    turn = await played(page)
    assert (turn["profile"], turn["tuned"], turn["cutIn"], turn["parts"]) == (
        *("patient", False, False),
        2,
    )
    assert turn["predictions"], "no prediction was published"
    assert turn["vad"], "no speech was published"
    assert turn["predicted"] in {1.59, 4.09}
    announced = await page.text("#announced")
    assert announced.startswith("answered after ")
    assert "decision predicted after " in announced
    await page.until("tuner.talk.turns[0].others")
    names = await page.value("tuner.talk.turns[0].others.map((each) => each.profile)")
    assert sorted(names) == sorted(path.stem for path in stack.worker.profiles.glob("*.yaml"))
    assert await page.do("seen") == []
    await page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_violation(stack: Stack, scheme: str) -> None:
    """Contrast, names, roles and order: before a call, with a message, and with YAML."""
    page = await stack.browser.open(stack.tune.address, colorScheme=scheme)
    await page.value(
        "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
    )
    await page.move(MIN_DELAY, 0.5)
    await page.value("tuner.page.trouble('call', 'The call has ended.')")
    await page.until("document.querySelector('.dial.moved')")
    assert await page.do("axe") == []
    await page.close()


@pytest.mark.parametrize("width", [320, 1280, 3840])
async def test_page_is_not_wider_than_the_screen(stack: Stack, width: int) -> None:
    """From a small phone to 4K, nothing scrolls sideways."""
    viewport = {"width": width, "height": 800}
    page = await stack.browser.open(stack.tune.address, viewport=viewport)
    assert await page.value("document.scrollingElement.scrollWidth") <= width
    # The chosen profile is in sight, also where the list is a row or longer than the screen.
    for name in ("phone-menu", "brisk"):
        await page.value(f"tuner.page.choose({name!r})")
        box = await page.value(
            "document.querySelector('.card:has(:checked)').getBoundingClientRect().toJSON()"
        )
        assert 0 <= box["left"] < box["right"] <= width
        assert 0 < box["top"] < box["bottom"] <= 800
    await page.close()


async def test_chosen_profile_stays_in_sight_when_the_window_is_resized(stack: Stack) -> None:
    """The column becomes a row, a column again, and a column of a low window."""
    page = await stack.browser.open(stack.tune.address, viewport={"width": 1280, "height": 800})
    await page.choose("phone-menu")
    for width, height in ((320, 800), (1280, 800), (1280, 620)):
        await page.do("setViewportSize", {"width": width, "height": height})
        await page.until(
            f"""(() => {{
              const card = document.querySelector(".card:has(:checked)").getBoundingClientRect();
              const {{ left, right, top, bottom }} = card;
              return innerWidth === {width} && innerHeight === {height}
                && 0 <= left && right <= innerWidth && 0 < top && bottom <= innerHeight;
            }})()""",
            5,
        )
    await page.close()


async def test_microphone_is_heard_and_answered(stack: Stack) -> None:
    """A turn from the microphone is drawn with its pause, and answered."""
    page = await stack.browser.open(stack.tune.address, permissions=["microphone"])
    await page.click("#begin")
    # The recording runs while the call is set up: the first turn may be the rest of one.
    whole = "tuner.talk.turns.some((turn) => turn.closed && turn.parts.length === 2)"
    await page.until(whole, seconds=90)
    turn = next(each for each in await page.turns(1) if each["parts"] == 2)
    assert str(turn["verdict"]).startswith(("answered after", "cut in after"))
    await page.close()


async def test_call_that_is_ended_before_the_microphone_is_allowed_stays_ended(
    stack: Stack,
) -> None:
    """The page shows that the browser asks; a later permission opens no microphone and no call."""
    page = await stack.browser.open(stack.tune.address, permissions=["microphone"])
    await page.value(
        """{
          const own = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            window.stream = await own(wanted);
            await new Promise((allow) => { window.allow = allow; });
            return stream;
          };
        }"""
    )
    await page.click("#begin")
    await page.until("Boolean(window.allow)")
    asked = "Your browser asks whether this page may use the microphone: allow it."
    assert await page.text("#status") == asked
    await page.click("#end")
    await page.until("tuner.talk.state === 'idle'")
    await page.value("allow(); null")
    await page.until("stream.getTracks()[0].readyState === 'ended'")
    state = "[tuner.talk.state, tuner.talk.room, document.getElementById('troubles').innerText]"
    assert await page.value(state) == ["idle", "", ""]
    assert await page.do("seen") == []
    await page.close()


async def test_refused_microphone_message_names_alternatives(stack: Stack) -> None:
    """No call is made; the recorded sentences are named."""
    page = await stack.browser.open(stack.tune.address)
    await page.click("#begin")
    assert await page.trouble("microphone") == (
        "The microphone was refused. Allow it in the browser's address bar and begin again, or "
        "play a recorded sentence: that needs no microphone."
    )
    assert await page.value("tuner.talk.room") == ""
    await page.close()


async def test_moved_slider_acts_in_the_next_turn(stack: Stack) -> None:
    """Moved between two turns of a call, min_delay holds the second decision back."""
    page = await stack.browser.open(stack.tune.address)
    await page.choose("dictation")
    await page.do("selectOption", "#sentence", "order")
    first = await played(page)
    await page.move(MAX_DELAY, 6)
    await page.move(MIN_DELAY, 6)
    await page.until("tuner.page.preview.wait.seconds[0] === 6.09")
    second = await played(page, 2)
    assert (first["tuned"], second["tuned"]) == (False, True)
    assert first["decided"] is not None
    assert second["decided"] is not None
    assert float(str(first["decided"])) < 5.9 < float(str(second["decided"]))
    await page.close()


async def test_setting_of_the_next_call_offers_one(stack: Stack) -> None:
    """A setting without effect offers none; in the new call, nothing is left to offer."""
    page = await stack.browser.open(stack.tune.address)
    await page.choose("brisk")
    await page.do("selectOption", "#sentence", "order")
    await played(page)
    await page.value("document.querySelector('.settings details').open = true")
    await page.move("turn_handling.interruption.backchannel_boundary", 1)
    await page.until("document.querySelector('#doubts li')")
    assert not await page.do("isVisible", "#next-call")
    await page.move("session.aec_warmup_duration", 1)
    await page.until("!document.getElementById('next-call').hidden")
    told = "Takes effect in the next call: session.aec_warmup_duration."
    assert await page.text("#next-call-what") == told
    room = await page.value("tuner.talk.room")
    await page.click("#again")
    await page.until(f"tuner.talk.state === 'talking' && tuner.talk.room !== {room!r}", 90)
    assert not await page.do("isVisible", "#next-call")
    assert await page.value("document.activeElement.id") == "end"
    await page.close()


async def test_bad_combination_is_named_and_not_sent(stack: Stack) -> None:
    """Above max_delay, min_delay is refused before it is sent; undone, all is well."""
    page = await stack.browser.open(stack.tune.address)
    await page.choose("patient")
    why = await why_of(page, 9, "document.querySelector('#wrong li')")
    assert "min_delay 9 is more than max_delay 4.0 (s)" in await page.text("#wrong")
    assert why == "Not sent: min_delay 9 is more than max_delay 4.0 (s)"
    await page.click("#reset")
    await page.until("document.querySelector('#wrong-box').hidden")
    assert await page.text(f"{DIAL} .why") == ""
    await page.close()


async def test_slider_moved_to_where_it_has_no_effect_can_be_moved_back(stack: Stack) -> None:
    """The page shows why it has no effect, and keeps its control."""
    page = await stack.browser.open(stack.tune.address)
    await page.choose("brisk")
    is_dead = f"document.querySelector({DIAL!r}).classList.contains('dead')"
    assert await why_of(page, 0.1, is_dead) == (
        "it is shorter than vad.min_silence_duration or the 0.3 s that the turn detector takes"
    )
    assert await page.do("isVisible", f"{DIAL} input[type=range]")
    await page.close()


async def test_typed_number_is_taken_or_refused_with_the_reason(stack: Stack) -> None:
    """Taken also between two steps of the slider; out of bounds, the setting shows the bound."""
    page = await stack.browser.open(stack.tune.address)
    await page.choose("brisk")
    await page.move(MIN_DELAY, 0.35)
    await page.until("tuner.page.preview?.wait.seconds[0] === 0.44")
    why = await why_of(page, 11, "document.querySelector('#wrong li')")
    assert why == "Not sent: 11 is more than the maximum of 10 (s)"
    await page.close()


async def test_blind_comparison_is_revealed_after_the_choice(stack: Stack) -> None:
    """Two calls with one sentence; the profile of each is shown after the choice."""
    page = await stack.browser.open(stack.tune.address)
    await page.do("selectOption", "#compare-sentence", "order")
    await page.do("check", "#blind")
    await page.click("#compare-begin")
    await page.until("!document.getElementById('vote').hidden", 120)
    assert await page.text("#compared") == ""
    await page.click("#vote button[value=second]")
    told = await page.text("#compare-status")
    names = await page.value(
        "[...document.querySelectorAll('#compared h3')].map((each) => each.textContent)"
    )
    assert sorted(names) == ["brisk", "patient"]
    assert told.startswith(f"You preferred {names[1]}. First was {names[0]}, second {names[1]}.")
    await page.close()


async def test_written_profile_keeps_its_comments(stack: Stack) -> None:
    """Only the value differs; the page then shows the profile as it was written."""
    file = stack.worker.profiles / "elderly.yaml"
    before = file.read_text(encoding="utf-8")
    page = await stack.browser.open(stack.tune.address)
    await page.choose("elderly")
    await page.move(MIN_DELAY, 2.5)
    await page.do("fill", "#keep-name", "elderly")
    await page.until("document.querySelector('#yaml .added')")
    await page.click("#write")
    after = await eventually(lambda: file.read_text(encoding="utf-8") != before, 20, "written")
    assert after
    lines = zip(before.splitlines(), file.read_text(encoding="utf-8").splitlines(), strict=True)
    changed = [pair for pair in lines if pair[0] != pair[1]]
    assert [(old.replace("min_delay: 1.0", "min_delay: 2.5"), new) for old, new in changed] == [
        (new, new) for _, new in changed
    ]
    assert len(changed) == 1
    await page.until("tuner.page.profile.wait.seconds[0] === 2.59")
    await page.close()


async def test_broken_file_is_named_until_repaired(stack: Stack) -> None:
    """The page shows the place, keeps the last valid set, and removes the message."""
    file = stack.worker.profiles / "courier.yaml"
    valid = file.read_text(encoding="utf-8")
    page = await stack.browser.open(stack.tune.address)
    try:
        file.write_text(valid.replace("0.4 #", "400 #"), encoding="utf-8")
        text = await page.trouble("set")
    finally:
        file.write_text(valid, encoding="utf-8")
    assert text.startswith("The profile files have an error; the last valid set is used")
    assert "profiles/courier.yaml:7: turn_handling.endpointing.min_delay: 400 is more" in text
    assert "0.49 to 1.37 s" in await page.text("#profiles")
    await page.until("!document.querySelector('[data-kind=set]')")
    await page.close()


async def test_reload_ends_the_call_and_keeps_the_settings(stack: Stack) -> None:
    """The page shows that, has the profile and the slider as before, and can call again."""
    page = await stack.browser.open(stack.tune.address)
    await page.choose("brisk")
    await page.move(MIN_DELAY, 0.5)
    await page.click("#play")
    await page.until("tuner.talk.state === 'talking'", 90)
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
    await page.click("#play")
    await page.until("tuner.talk.state === 'talking'", 90)
    await other.click("#compare-begin")  # as any other call
    assert await page.trouble("call") == (
        "Another tab of this page has begun a call, so this one has ended: two agents would "
        "answer each other."
    )
    assert await page.value("tuner.talk.state") == "idle"
    await page.close()


async def test_agent_that_never_comes_is_named(stack: Stack) -> None:
    """After ten seconds the page shows what to check; the call can be ended."""
    async with tune(stack.worker, ["--agent", "nobody"]) as served:
        page = await stack.browser.open(served.address)
        await page.click("#play")
        text = await page.trouble("silent", 60)
        assert text == (
            "No agent named nobody has come within 10 s. Is a worker running whose agent has this "
            "name? --agent names another one. The call goes on waiting."
        )
        await page.click("#end")
        await page.until("tuner.talk.state === 'idle'")
        await page.close()


async def test_agent_that_leaves_is_named(stack: Stack) -> None:
    """The page no longer shows that it listens, offers no sentence, and can call again."""
    page = await stack.browser.open(stack.tune.address)
    await page.click("#play")
    await page.until("tuner.talk.state === 'talking'", 90)
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
    await page.click("#play")
    await page.until("tuner.talk.state === 'talking'", 90)
    assert await page.value("document.getElementById('troubles').innerText") == ""
    await page.close()


async def test_stopped_server_is_named_and_comes_back(stack: Stack) -> None:
    """A call continues without it; after a restart, the page needs its new address."""
    async with tune(stack.worker) as served:
        page = await stack.browser.open(served.address)
        await page.click("#play")
        await page.until("tuner.talk.state === 'talking'", 90)
    assert (await page.trouble("server")).startswith("The server of this page has stopped.")
    port = served.address.partition("127.0.0.1:")[2].partition("/")[0]
    async with tune(stack.worker, ["--port", port]) as again:
        await page.until(
            "document.querySelector('[data-kind=server]').innerText.includes('printed last')", 60
        )
        await page.do("goto", again.address)
        await page.ready()
        await page.close()


async def test_page_at_an_ipv6_address_is_answered(stack: Stack) -> None:
    """The browser finds nothing wrong, and hears the answer."""
    async with tune(stack.worker, ["--host", "::1"]) as served:
        assert served.address.startswith("http://[::1]:")
        page = await stack.browser.open(served.address)
        await page.choose("brisk")
        await page.do("selectOption", "#sentence", "order")
        turn = await played(page)
        assert str(turn["verdict"]).startswith("answered after")
        assert await page.do("seen") == []
        await page.close()
