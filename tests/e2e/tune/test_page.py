"""The page of `timing-profiles tune` in a real browser, with the real server: no agent comes."""

import math
import re
from typing import Literal

import pytest

from sandbox.polling import eventually
from tests.e2e.tune.browser import Page
from tests.e2e.tune.conftest import Served, tune

MIN_DELAY = "turn_handling.endpointing.min_delay"
DIAL = f'[data-path="{MIN_DELAY}"]'
TURN = """{
  const turn = document.createElement("li");
  turn.style.height = "200px";
  document.getElementById("turns").prepend(turn);
}"""


async def why_of(page: Page, value: float, condition: str) -> str:
    """Move min_delay, wait for what the page makes of it, and return the reason beside the dial."""
    await page.move(MIN_DELAY, value)
    await page.until(condition)
    return await page.text(f"{DIAL} .why")


async def test_page_shows_profiles_and_settings_without_a_call(served: Served) -> None:
    """Each profile with its wait and its text, each important setting with what callers notice."""
    page = await served.browser.open(served.tune.address)
    profiles = await page.text("#profiles")
    assert "brisk\n0.39 to 0.89 s\nCallers in a hurry with short questions." in profiles
    assert "patient\n1.59 to 4.09 s\nCallers who pause to think" in profiles
    dial = await page.text(DIAL)
    assert "Too low, the agent talks into pauses; too high, every answer comes late." in dial
    assert "0 to 10 s" in dial
    assert await page.do("seen") == []
    await page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_violation(served: Served, scheme: Literal["light", "dark"]) -> None:
    """Contrast, names, roles and order: before a call, with a message, and with YAML."""
    page = await served.browser.open(served.tune.address, color_scheme=scheme)
    await page.value(
        "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
    )
    await page.move(MIN_DELAY, 0.5)
    await page.value("tuner.page.trouble('call', 'The call has ended.')")
    await page.until("document.querySelector('.dial.moved')")
    assert await page.do("axe") == []
    await page.close()


@pytest.mark.parametrize("width", [320, 1280, 3840])
async def test_page_is_not_wider_than_the_screen(served: Served, width: int) -> None:
    """From a small phone to 4K, nothing scrolls sideways."""
    page = await served.browser.open(served.tune.address, width=width, height=800)
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


async def test_growing_call_keeps_the_focus_in_sight(served: Served) -> None:
    """What is drawn above it moves it down, but not out of sight; scrolled away, it stays away."""
    page = await served.browser.open(served.tune.address, height=1000)
    await page.do("focus", "#keep-name")
    scrolled = "document.querySelector('.middle').scrollTop"
    assert await page.value(scrolled) == 0
    for _ in range(5):
        await page.value(TURN)
        await page.focused("#keep-name")
    assert await page.value(scrolled) > 0
    await page.value(f"{scrolled} = 0")
    await page.value(TURN)
    await page.drawn()
    assert await page.value(scrolled) == 0
    await page.close()


async def test_growing_call_keeps_a_focus_in_sight_that_was_cut_off(served: Served) -> None:
    """Browsers scroll by whole pixels: a part of one may be missing."""
    page = await served.browser.open(served.tune.address, height=1000)
    bottom = await page.value("document.getElementById('keep-name').getBoundingClientRect().bottom")
    height = math.ceil(bottom) - 1
    await page.do("setViewportSize", {"width": 1280, "height": height})
    await page.until(f"innerHeight === {height}")
    await page.value("document.getElementById('keep-name').focus({ preventScroll: true })")
    await page.value(TURN)
    await page.focused("#keep-name")
    await page.close()


async def test_chosen_profile_stays_in_sight_when_the_window_is_resized(served: Served) -> None:
    """The column becomes a row, a column again, and a column of a low window."""
    page = await served.browser.open(served.tune.address, height=800)
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


async def test_call_that_is_ended_before_the_microphone_is_allowed_stays_ended(
    served: Served,
) -> None:
    """The page shows that the browser asks; a later permission opens no microphone and no call."""
    page = await served.browser.open(served.tune.address, permissions=["microphone"])
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


async def test_refused_microphone_message_names_alternatives(served: Served) -> None:
    """No call is made; the recorded sentences are named."""
    page = await served.browser.open(served.tune.address)
    await page.click("#begin")
    assert await page.trouble("microphone") == (
        "The microphone was refused. Allow it in the browser's address bar and begin again, or "
        "play a recorded sentence: that needs no microphone."
    )
    assert await page.value("tuner.talk.room") == ""
    await page.close()


async def test_bad_combination_is_named_and_not_sent(served: Served) -> None:
    """Above max_delay, min_delay is refused before it is sent; undone, all is well."""
    page = await served.browser.open(served.tune.address)
    await page.choose("patient")
    why = await why_of(page, 9, "document.querySelector('#wrong li')")
    assert "min_delay 9 is more than max_delay 4.0 (s)" in await page.text("#wrong")
    assert why == "Not sent: min_delay 9 is more than max_delay 4.0 (s)"
    await page.click("#reset")
    await page.until("document.querySelector('#wrong-box').hidden")
    assert await page.text(f"{DIAL} .why") == ""
    await page.close()


async def test_slider_moved_to_where_it_has_no_effect_can_be_moved_back(served: Served) -> None:
    """The page shows why it has no effect, and keeps its control."""
    page = await served.browser.open(served.tune.address)
    await page.choose("brisk")
    is_dead = f"document.querySelector({DIAL!r}).classList.contains('dead')"
    assert await why_of(page, 0.1, is_dead) == (
        "it is shorter than vad.min_silence_duration or the 0.3 s that the turn detector takes"
    )
    assert await page.do("isVisible", f"{DIAL} input[type=range]")
    await page.close()


async def test_typed_number_is_taken_or_refused_with_the_reason(served: Served) -> None:
    """Taken also between two steps of the slider; out of bounds, the setting shows the bound."""
    page = await served.browser.open(served.tune.address)
    await page.choose("brisk")
    await page.move(MIN_DELAY, 0.35)
    await page.until("tuner.page.preview?.wait.seconds[0] === 0.44")
    why = await why_of(page, 11, "document.querySelector('#wrong li')")
    assert why == "Not sent: 11 is more than the maximum of 10 (s)"
    await page.close()


async def test_written_profile_keeps_its_comments(served: Served) -> None:
    """Only the value differs; the page then shows the profile as it was written."""
    file = served.profiles / "elderly.yaml"
    before = file.read_text(encoding="utf-8")
    page = await served.browser.open(served.tune.address)
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


async def test_broken_file_is_named_until_repaired(served: Served) -> None:
    """The page shows the place, keeps the last valid set, and removes the message."""
    file = served.profiles / "courier.yaml"
    valid = file.read_text(encoding="utf-8")
    page = await served.browser.open(served.tune.address)
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


async def test_agent_that_never_comes_is_named(served: Served) -> None:
    """After ten seconds the page shows what to check; the call can be ended."""
    async with tune(served.services, served.profiles, ["--agent", "nobody"]) as asking:
        page = await served.browser.open(asking.address)
        await page.click("#play")
        text = await page.trouble("silent", 60)
        assert text == (
            "No agent named nobody has come within 10 s. Is a worker running whose agent has this "
            "name? --agent names another one. The call goes on waiting."
        )
        await page.click("#end")
        await page.until("tuner.talk.state === 'idle'")
        await page.close()


async def test_keyboard_writes_a_profile(served: Served) -> None:
    """Name it and write it; the message stays, and so does the focus."""
    file = served.profiles / "by-keyboard.yaml"
    page = await served.browser.open(served.tune.address)
    await page.move(MIN_DELAY, 0.7)
    await page.until("document.getElementById('write').ariaDisabled !== 'true'")
    await page.tab("#keep-name", "Shift+Tab")
    await page.press("Control+a", *"by-keyboard")
    await page.until("document.querySelector('#keep-what').textContent.includes('by-keyboard')")
    await page.tab("#write")
    await page.press("Enter")
    await eventually(file.exists, 20, "written")
    message = "Written to profiles/by-keyboard.yaml: the next call has it."
    await page.until(f"document.getElementById('keep-what').textContent === {message!r}")
    await page.until("tuner.page.name === 'by-keyboard' && tuner.page.preview")
    await page.focused("#write")
    assert await page.text("#keep-what") == message
    file.unlink()
    await page.close()


async def test_page_is_usable_before_livekit_client_is_loaded(served: Served) -> None:
    """No module waits for another one, and of the data only the set and a preview are needed."""
    page = await served.browser.open(served.tune.address)
    await page.until(f"{_LOADED}.some(({{ name }}) => name.includes('/vendor/'))")
    loaded = await page.value(f"{_LOADED}.map(({{ name, startTime }}) => [name, startTime])")
    names = [re.sub(r"^[a-z]+://[^/]+/", "", name) for name, _ in loaded]
    assert names[-1] == "vendor/livekit-client.umd.js"
    asked = [name for name in names if name.startswith("api/")]
    assert asked == ["api/set", "api/preview"]
    assert len(names) <= 26
    modules = [index for index, name in enumerate(names) if re.fullmatch(r"[a-z]+\.js", name)]
    assert max(modules) < names.index("api/set")
    await page.close()


_LOADED = "performance.getEntriesByType('resource')"
