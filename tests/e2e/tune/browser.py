"""Chromium without a window, driven by playwright."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.e2e.language_server import NODE

HERE = Path(__file__).parent
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_APPLICATIONS = ("Google Chrome", "Chromium")
_FLAGS = (
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
)
_LONGEST_LINE = 1 << 24  # bytes


class NoBrowserError(Exception):
    """There is no browser; the text says what to do."""


def modules() -> Path:
    """Return the folder of the locked npm packages."""
    return Path(sys.prefix) / "npm" / "node_modules"


async def find() -> Path:
    """Return the program of `CHROMIUM`, or of PATH; in CI, as root, it is installed first.

    Raises:
        NoBrowserError: There is none.
    """
    if not (modules() / "playwright-core").is_dir():
        raise NoBrowserError("playwright-core is not installed: run `make test` once")
    if found := _installed():
        return found
    if os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-get"):
        await _install()
        if found := _installed():
            return found
    raise NoBrowserError(
        "no browser: install Chromium or Google Chrome, or name one with CHROMIUM=/path/of/it"
    )


def _installed() -> Path | None:
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    if found := next(filter(None, map(shutil.which, _NAMES)), None):
        return Path(found)
    places = (Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in _APPLICATIONS)
    return next(filter(Path.is_file, places), None)


async def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        # Another process of the tests may be at it.
        command = ("apt-get", "--quiet=2", "-o", "DPkg::Lock::Timeout=300", *arguments)
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        await process.wait()


class Browser:
    """A running browser."""

    def __init__(self, node: asyncio.subprocess.Process) -> None:
        self._node = node
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def ask(self, page: str | None, method: str, *args: Any) -> Any:
        """Call a method of a page; see `driver.mjs`.

        Raises:
            AssertionError: It failed; the text is playwright's.
        """
        number = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        request = {"id": number, "page": page, "method": method, "args": args}
        assert self._node.stdin is not None
        self._node.stdin.write(json.dumps(request).encode() + b"\n")
        return await answer

    async def open(
        self,
        address: str,
        *,
        permissions: Sequence[str] = (),
        width: int = 1280,
        height: int = 720,
        color_scheme: Literal["light", "dark"] = "light",
        reduced_motion: Literal["reduce", "no-preference"] = "reduce",
    ) -> "Page":
        """Open an address where nothing of another page is, except what the browser caches.

        With less motion, unless `reduced_motion` is "no-preference": to draw each frame takes more
        of the processor than the call.
        """
        asked = {
            "address": address,
            "permissions": permissions,
            "viewport": {"width": width, "height": height},
            "media": {"colorScheme": color_scheme, "reducedMotion": reduced_motion},
        }
        page = Page(self, await self.ask(None, "open", asked))
        await page.ready()
        return page

    async def read(self) -> None:
        """Read answers until the browser ends."""
        assert self._node.stdout is not None
        async for line in self._node.stdout:
            answer = json.loads(line)
            waiting = self._waiting.pop(answer["id"])
            if waiting.cancelled():
                continue
            if "error" in answer:
                waiting.set_exception(AssertionError(answer["error"]))
            else:
                waiting.set_result(answer["result"])
        for waiting in self._waiting.values():
            waiting.set_exception(AssertionError("the browser has ended"))


@dataclass(frozen=True, slots=True)
class Page:
    """An open page.

    Attributes:
        browser: that has it.
        id: in `driver.mjs`.
    """

    browser: Browser
    id: str

    async def do(self, method: str, *args: Any) -> Any:
        """Call a method of playwright's page, or one of `driver.mjs`."""
        return await self.browser.ask(self.id, method, *args)

    async def ready(self) -> None:
        """Wait until the page shows the profiles."""
        await self.until("document.getElementById('page')?.dataset.ready")

    async def click(self, selector: str) -> None:
        """Click an element, once it can be clicked."""
        await self.do("click", selector)

    async def press(self, *keys: str) -> None:
        """Press keys; the focus is then on an element, and visible."""
        await self.do("keys", {"keys": keys})
        await self.focused()

    async def focused(self, selector: str = "*") -> None:
        """Wait until an element has the focus, and check that it shows it."""
        await self.until(f"document.activeElement.matches({selector!r})", 10)
        problem = ""
        for _ in range(2):  # what is above it may grow between the first frame and the look
            await self.drawn()
            problem = await self.value(_FOCUS)
            if not problem:
                return
        raise AssertionError(problem)

    async def drawn(self) -> None:
        """Wait until a frame has been drawn: the browser scrolls with it."""
        await self.value("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")

    async def tab(self, selector: str, key: str = "Tab") -> None:
        """Press Tab until an element has the focus."""
        for _ in range(80):
            await self.press(key)
            if await self.value(f"document.activeElement.matches({selector!r})"):
                return
        raise AssertionError(f"{selector} is not reached by {key}")

    async def text(self, selector: str) -> str:
        """Return the visible text of an element, once it is there."""
        text: str = await self.do("innerText", selector)
        return text

    async def until(self, expression: str, seconds: float = 30) -> None:
        """Wait until an expression of JavaScript is true."""
        await self.do("until", {"expression": expression, "seconds": seconds})

    async def value(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        return await self.do("evaluate", expression)

    async def move(self, field: str, value: float | str) -> None:
        """Put a value where a person types it."""
        number = f'[data-path="{field}"] input[type=number]'
        await self.do("fill", number, str(value))
        await self.do("press", number, "Enter")

    async def choose(self, profile: str) -> None:
        """Choose a profile."""
        await self.do("check", f'input[name=profile][value="{profile}"]')

    async def play(self, profile: str, sentence: str) -> None:
        """Play a sentence to a profile, in a new call where there is none."""
        await self.choose(profile)
        await self.do("selectOption", "#sentence", sentence)
        await self.click("#play")

    async def talks(self) -> None:
        """Begin a call by playing the chosen sentence, and wait until the agent is there."""
        await self.click("#play")
        await self.until("tuner.talk.state === 'talking'", 90)

    async def turns(self, count: int, seconds: float = 90) -> list[dict[str, Any]]:
        """Return the closed turns, once there are so many."""
        try:
            await self.until(f"({_TURNS}).length >= {count}", seconds)
        except AssertionError as error:
            shown = [await self.text(name) for name in ("#troubles", "#status", "#turns")]
            raise AssertionError(f"{error}\n{shown}") from None
        turns: list[dict[str, Any]] = await self.value(_TURNS)
        return turns

    async def trouble(self, kind: str, seconds: float = 30) -> str:
        """Return what the page says went wrong."""
        selector = f'#troubles [data-kind="{kind}"] p'
        await self.do("waitForSelector", selector, {"timeout": seconds * 1000})
        return await self.text(selector)

    async def close(self) -> None:
        """Close it, and what it keeps."""
        await self.do("close")


_FOCUS = """(() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return "lost";
  const ring = focused.closest(".card") ?? focused;
  const { outlineStyle, outlineWidth } = getComputedStyle(ring);
  const box = ring.getBoundingClientRect();
  if (outlineStyle === "none" || parseFloat(outlineWidth) < 1) return `no ring: ${ring.outerHTML}`;
  if (!box.width || box.bottom <= 0 || box.top >= innerHeight) {
    const { width, top, bottom } = box;
    return `hidden: ${ring.outerHTML}, ${width} px wide, ${top} to ${bottom} of ${innerHeight}`;
  }
  return "";
})()"""

_TURNS = """tuner.talk.turns.filter((turn) => turn.closed).map((turn) => ({
    profile: turn.under.profile, tuned: turn.under.tuned, verdict: turn.verdict, heard: turn.heard,
    cutIn: turn.cutIn, decided: turn.decidedAfter, predicted: turn.predicted.seconds,
    why: turn.predicted.why, difference: turn.difference,
    predictions: turn.predictions.length, vad: turn.vad.length, parts: turn.parts.length,
    others: turn.others, othersMessage: turn.othersMessage,
    vadEnd: turn.vad.length ? turn.vad.at(-1).end - turn.lastSound : null,
}))"""


@contextlib.asynccontextmanager
async def running(microphone: Path, log_file: Path) -> AsyncGenerator[Browser]:
    """Run a browser whose microphone is a recording, again and again.

    Args:
        microphone: A WAV file.
        log_file: What node complains about.

    Raises:
        NoBrowserError: There is none.
    """
    options = {
        "executablePath": str(await find()),
        "args": [*_FLAGS, f"--use-file-for-fake-audio-capture={microphone}"],
    }
    command = [str(NODE), str(HERE / "driver.mjs"), str(modules()), json.dumps(options)]
    with log_file.open("wb") as log:
        node = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            limit=_LONGEST_LINE,
        )
        browser = Browser(node)
        reading = asyncio.create_task(browser.read())
        try:
            yield browser
        finally:
            assert node.stdin is not None
            node.stdin.close()
            await node.wait()
            await reading
