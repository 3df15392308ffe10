"""The page by keyboard, for a screen reader, with less motion, in a hidden tab, and at rest."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest

from sandbox.polling import eventually
from tests.e2e.tune.browser import Page
from tests.e2e.tune.conftest import Stack

MIN_DELAY = "turn_handling.endpointing.min_delay"

pytestmark = pytest.mark.long

_FOCUS = """(() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return "lost";
  const ring = focused.closest(".card") ?? focused;
  const { outlineStyle, outlineWidth } = getComputedStyle(ring);
  const box = ring.getBoundingClientRect();
  if (outlineStyle === "none" || parseFloat(outlineWidth) < 1) return `no ring: ${ring.outerHTML}`;
  if (!box.width || box.bottom <= 0 || box.top >= innerHeight) return `hidden: ${ring.outerHTML}`;
  return "";
})()"""


async def press(page: Page, *keys: str) -> None:
    """Press keys; the focus is then on an element, and visible."""
    await page.do("keys", {"keys": keys})
    await focused(page)


async def focused(page: Page, selector: str = "*") -> None:
    """Wait until an element has the focus, and check that it shows it."""
    await page.until(f"document.activeElement.matches({selector!r})", 10)
    assert await page.value(_FOCUS) == ""


async def tab(page: Page, selector: str, key: str = "Tab") -> None:
    """Press Tab until an element has the focus."""
    for _ in range(80):
        await press(page, key)
        if await page.value(f"document.activeElement.matches({selector!r})"):
            return
    raise AssertionError(f"{selector} is not reached by {key}")


async def changes(page: Page, place: str, value: str) -> None:
    """Collect the values of an expression at each change within an element, as `changes`."""
    await page.value(
        f"""{{
          window.changes = [];
          const every = {{ attributes: true, childList: true, subtree: true }};
          const place = document.querySelector({place!r});
          new MutationObserver(() => changes.push({value})).observe(place, every);
        }}"""
    )


async def play(page: Page, profile: str, sentence: str, count: int = 1) -> dict[str, Any]:
    """Play a sentence to a profile; return its turn."""
    await page.choose(profile)
    await page.do("selectOption", "#sentence", sentence)
    await page.click("#play")
    return (await page.turns(count))[-1]


async def test_keyboard_begins_moves_and_ends_a_call(stack: Stack) -> None:
    """Choose a profile, talk, move a slider, end: the focus is always visible, and never lost."""
    page = await stack.browser.open(stack.tune.address, permissions=["microphone"])
    await tab(page, "input[name=profile]")
    await press(page, "Home", "ArrowDown")
    chosen = await page.value("document.activeElement.value")
    assert await page.text("#now-name") == chosen
    await tab(page, "#begin")
    await press(page, "Enter")
    await focused(page, "#end")
    await page.turns(1)
    await focused(page, "#end")
    await tab(page, f'[data-path="{MIN_DELAY}"] input[type=range]')
    before = await page.value(f'tuner.page.profile.values["{MIN_DELAY}"]')
    await press(page, "ArrowRight")
    await page.until(f'tuner.page.preview.values["{MIN_DELAY}"] === {before + 0.1:.1f}')
    await focused(page, f'[data-path="{MIN_DELAY}"] input[type=range]')
    await tab(page, "#reset", "Shift+Tab")
    await press(page, "Enter")
    await focused(page, "#settings-title")
    await tab(page, "#end", "Shift+Tab")
    await press(page, "Enter")
    await focused(page, "#begin")
    assert await page.value("tuner.talk.state") == "idle"
    await page.close()


async def test_keyboard_compares_and_votes(stack: Stack) -> None:
    """Two calls, blind, and the choice; the focus stays at the buttons."""
    page = await stack.browser.open(stack.tune.address)
    await tab(page, "#compare-sentence")
    await press(page, "ArrowDown", "ArrowDown")
    await tab(page, "#blind")
    await press(page, "Space")
    await tab(page, "#compare-begin")
    await press(page, "Enter")
    assert await page.text("#compare-begin") == "Stop"
    await page.until("!document.getElementById('vote').hidden", 120)
    await focused(page, "#compare-begin")
    await tab(page, "#vote button")
    await press(page, "Enter")
    await focused(page, "#compare-begin")
    assert (await page.text("#compare-status")).startswith("You preferred ")
    assert await page.value("document.getElementById('play').ariaDisabled") is None
    await page.close()


async def test_keyboard_stops_a_comparison(stack: Stack) -> None:
    """The button that began it ends it, also in the middle of a turn: no second call is made."""
    page = await stack.browser.open(stack.tune.address)
    await tab(page, "#compare-begin")
    await press(page, "Enter")
    await page.until("tuner.talk.turns.length === 1", 90)
    await press(page, "Enter")
    await page.until("!tuner.page.compare.isRunning")
    await focused(page, "#compare-begin")
    assert await page.text("#compare-status") == "Stopped."
    assert await page.value("tuner.talk.state") == "idle"
    await page.close()


async def test_keyboard_writes_a_profile(stack: Stack) -> None:
    """Name it and write it; the message stays, and so does the focus."""
    file = stack.worker.profiles / "by-keyboard.yaml"
    page = await stack.browser.open(stack.tune.address)
    await page.move(MIN_DELAY, 0.7)
    await page.until("document.getElementById('write').ariaDisabled !== 'true'")
    await tab(page, "#keep-name", "Shift+Tab")
    await press(page, "Control+a", *"by-keyboard")
    await page.until("document.querySelector('#keep-what').textContent.includes('by-keyboard')")
    await tab(page, "#write")
    await press(page, "Enter")
    await eventually(file.exists, 20, "written")
    told = "Written to profiles/by-keyboard.yaml: the next call has it."
    await page.until(f"document.getElementById('keep-what').textContent === {told!r}")
    await page.until("tuner.page.name === 'by-keyboard' && tuner.page.preview")
    await focused(page, "#write")
    assert await page.text("#keep-what") == told
    file.unlink()
    await page.close()


async def test_screen_reader_is_told_each_result(stack: Stack) -> None:
    """The time to each answer, beside the prediction, or that the agent cut in."""
    page = await stack.browser.open(stack.tune.address)
    assert await page.do("getAttribute", "#announced", "aria-live") == "polite"
    await changes(page, "#announced", "document.getElementById('announced').textContent")
    first = await play(page, "patient", "order")
    second = await play(page, "brisk", "number", 2)
    assert second["cutIn"], second
    told: list[str] = await page.value("changes")
    # Emptied in between: the same result again is told again.
    results = [text for text in told if text]
    assert re.fullmatch(
        r"answered after \d\.\d s, decision predicted after [14]\.[0-9] s", results[0]
    )
    assert results[0].startswith(str(first["verdict"]))
    assert results[-1] == second["verdict"]
    assert re.fullmatch(r"cut in after \d\.\d s, you had not finished", results[-1])
    assert told.count("") == 1
    pictures = await page.value(
        "[...document.querySelectorAll('#turns svg')].map((each) => each.ariaLabel)"
    )
    assert [label.partition(";")[0] for label in pictures] == [
        f"Turn 2: {second['verdict']}",
        f"Turn 1: {first['verdict']}",
    ]
    frames = sorted(await page.value("tuner.talk.frames"))
    assert frames[len(frames) // 2] < 4  # milliseconds of script
    await page.close()


async def test_axe_finds_no_violation_in_a_call(stack: Stack) -> None:
    """A turn with the other profiles' answers, a problem, and YAML; light and dark."""
    page = await stack.browser.open(stack.tune.address)
    await play(page, "brisk", "number")
    await page.until("tuner.talk.turns[0].others")
    found = {}
    for value, shown in ((9, "#wrong li"), (0.5, "#yaml .plain")):
        await page.move(MIN_DELAY, value)
        await page.until(f"document.querySelector({shown!r})")
        for scheme in ("light", "dark"):
            await page.do("emulateMedia", {"colorScheme": scheme, "reducedMotion": "reduce"})
            found[shown, scheme] = await page.do("axe")
    assert found == {key: [] for key in found}
    assert len(found) == 4
    await page.close()


async def test_less_motion_draws_twice_a_second(stack: Stack) -> None:
    """Where people want less motion, no frame is requested and nothing fades."""
    drawn = {}
    for motion in ("reduce", "no-preference"):
        page = await stack.browser.open(stack.tune.address, reducedMotion=motion)
        fades = await page.value(
            "getComputedStyle(document.getElementById('play')).transitionDuration"
        )
        await changes(page, "#turns", "performance.now()")
        frames = await page.value("counted.frames")
        await play(page, "patient", "order")
        seconds = await page.value("tuner.talk.turns[0].end - tuner.talk.turns[0].started")
        frames = await page.value("counted.frames") - frames
        drawn[motion] = await page.value("changes.length") / seconds, frames / seconds, fades
        await page.close()
    reduced, whole = drawn["reduce"], drawn["no-preference"]
    assert reduced[0] < 4, drawn  # two a second, and what is told after the turn
    assert reduced[1] == 0
    assert set(reduced[2].split(", ")) == {"0s"}
    assert whole[0] > 5, drawn
    assert whole[1] > 5, drawn


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


async def _rest(page: Page, names: Sequence[str]) -> None:
    """Check that the page does nothing of a kind for three seconds."""
    before = {name: await page.value(f"counted.{name}") for name in names}
    await asyncio.sleep(3)
    assert {name: await page.value(f"counted.{name}") for name in names} == before


async def test_nothing_runs_between_turns_and_after_a_call(stack: Stack) -> None:
    """LiveKit's client has timers while it is connected; this page has none."""
    page = await stack.browser.open(stack.tune.address)
    await _rest(page, ["timers", "frames", "requests"])
    await play(page, "brisk", "order")
    await page.until("tuner.talk.turns[0].others")
    await _rest(page, ["frames", "requests"])
    await page.click("#end")
    await page.until("tuner.talk.state === 'idle'")
    await asyncio.sleep(1)  # until the connection is closed
    await _rest(page, ["timers", "frames", "requests"])
    await page.close()


async def test_page_is_usable_before_livekit_client_is_loaded(stack: Stack) -> None:
    """No module waits for another one, and of the data only the set and a preview are needed."""
    page = await stack.browser.open(stack.tune.address)
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
