"""The server of the page: what it answers, and whom."""

import asyncio
import base64
import io
import json
import os
import resource
import shutil
import signal
import socket
import sys
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox import speech
from sandbox.polling import eventually
from sandbox.worker import ROOT
from tests.e2e.tuned import Page, page
from timing_profiles.tuner.calls import MOST_ROOMS
from timing_profiles.tuner.server import MOST_SOCKETS, TUNED
from timing_profiles.turns import wait

RATE = 16000


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """A directory of the starter profiles."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path / "profiles"


@pytest.fixture
async def served(profiles: Path) -> AsyncGenerator[Page]:
    """A server that may write."""
    async with page(profiles, write=True) as running:
        yield running


def _endpointing(**values: Any) -> dict[str, Any]:
    return {"turn_handling": {"endpointing": values}}


async def test_set_has_the_data_of_the_page(served: Page) -> None:
    """Each profile with its wait, each field with its text, and how to call."""
    found = await served.get("/api/set")
    assert [profile["name"] for profile in found["profiles"]] == sorted(
        file.stem for file in served.profiles.iterdir()
    )
    (patient,) = (one for one in found["profiles"] if one["name"] == "patient")
    assert patient["wait"]["seconds"] == [1.59, 4.09]
    assert patient["extends"] == "default"
    assert patient["values"]["turn_handling.endpointing.min_delay"] == 1.5
    assert patient["origins"]["turn_handling.endpointing.min_delay"].startswith(
        "profiles/patient.yaml:"
    )
    assert "turn_handling.endpointing.alpha" in patient["dead"]
    assert found["write"] is True
    assert found["profile"] == "patient"
    assert found["metadata_key"] == "timing"
    assert (found["problems"], found["broken"], found["agent"]) == ([], None, None)


async def test_preview_matches_the_worker(served: Page) -> None:
    """The other overrides are used where one is refused."""
    overrides = {**_endpointing(min_delay=2.0), "stt": {"engine": "flux"}}
    shown = await served.post("/api/preview", {"profile": "patient", "overrides": overrides})
    assert shown["values"]["turn_handling.endpointing.min_delay"] == 2.0
    assert shown["values"]["stt.engine"] == "nova"
    assert shown["origins"]["turn_handling.endpointing.min_delay"] == "participant"
    assert shown["wait"]["seconds"] == [2.09, 4.09]
    assert [(one["path"], one["code"]) for one in shown["problems"]] == [
        ("stt.engine", "override-forbidden")
    ]
    assert json.loads(shown["metadata"]) == {
        "timing": {"profile": "patient", "overrides": overrides}
    }
    assert "min_delay: 2.0 # was 1.5" in shown["yaml"]


async def test_bad_requests_get_one_message_each(served: Page) -> None:
    """What was found, and what is allowed."""
    tried = [
        await served.answer("POST", "/api/preview", data=b"{"),
        await served.answer("POST", "/api/preview", json=[]),
        await served.answer("POST", "/api/preview", json={"profile": "patent"}),
        await served.answer("POST", "/api/preview", json={"overrides": 1}),
        await served.answer("GET", "/api/nothing"),
        await served.answer("DELETE", "/api/calls/other"),
        await served.answer("POST", "/api/turn?overrides={"),
        await served.answer("GET", "/api/preview"),
    ]
    names = ", ".join(sorted(file.stem for file in served.profiles.iterdir()))
    assert [(status, answer["error"]) for status, answer in tried] == [
        (400, "the request is not JSON"),
        (400, 'expected an object such as {"profile": "default", "overrides": {}}'),
        (400, f'unknown profile "patent"; available: {names}; did you mean patient?'),
        (400, "overrides: expected an object nested as in a profile file"),
        (404, "GET /api/nothing: Not Found"),
        (404, "DELETE /api/calls/other: no such call"),
        (400, "the request is not JSON"),
        (404, "GET /api/preview: Not Found"),
    ]


async def test_edit_reaches_the_page_on_save(served: Page) -> None:
    """A broken file too: the last valid set stays, and the page shows the reason."""
    file = served.profiles / "patient.yaml"
    valid = file.read_text()
    async with served.socket("/api/changes") as changes:
        first = await changes.receive_json(timeout=20)
        file.write_text(valid.replace("min_delay: 1.5", "min_delay: 1.4"))
        second = await changes.receive_json(timeout=20)
        file.write_text("description: [\n")
        third = await changes.receive_json(timeout=20)
        found = await served.get("/api/set")
        file.write_text(valid)
        fourth = await changes.receive_json(timeout=20)
    assert [message["type"] for message in (first, second, third, fourth)] == ["set"] * 4
    assert first["revision"] == fourth["revision"] != second["revision"] == third["revision"]
    assert [message["problems"] for message in (first, second, fourth)] == [[], [], []]
    assert [problem["file"] for problem in third["problems"]] == ["profiles/patient.yaml"]
    assert found["problems"] == third["problems"]
    revision = second["revision"]
    assert found["broken"] == f"1 problem in profiles: revision {revision} stays in use"


async def test_written_profile_is_the_text_that_was_shown(served: Page) -> None:
    """And the set then has it."""
    asked = {"name": "mine", "base": "patient", "overrides": _endpointing(min_delay=1.2)}
    shown = await served.post("/api/yaml", asked)
    assert not (served.profiles / "mine.yaml").exists()
    written = await served.post("/api/write", asked)
    assert written == shown
    assert (shown["file"], shown["exists"]) == ("profiles/mine.yaml", False)
    assert (served.profiles / "mine.yaml").read_text() == shown["text"]
    found = await served.get("/api/set")
    (mine,) = (one for one in found["profiles"] if one["name"] == "mine")
    assert mine["values"]["turn_handling.endpointing.min_delay"] == 1.2


async def test_a_set_that_would_be_broken_is_not_written(served: Page) -> None:
    """With the message of `check`."""
    before = (served.profiles / "patient.yaml").read_bytes()
    overrides = _endpointing(min_delay=5)
    asked = {"name": "patient", "base": "patient", "overrides": overrides}
    status, answer = await served.answer("POST", "/api/write", json=asked)
    assert status == 409
    assert answer["error"] == (
        "profiles/patient.yaml was not written: the profiles would be invalid"
    )
    assert [(one["file"], one["message"]) for one in answer["problems"]] == [
        ("profiles/patient.yaml", "min_delay 5 is more than max_delay 4.0 (s)")
    ]
    assert (served.profiles / "patient.yaml").read_bytes() == before


async def test_nothing_is_written_without_write(profiles: Path) -> None:
    """The text can be seen, and copied."""
    asked = {"name": "mine", "base": "patient", "overrides": _endpointing(min_delay=1.2)}
    async with page(profiles) as running:
        await running.post("/api/yaml", asked)
        status, answer = await running.answer("POST", "/api/write", json=asked)
    assert (status, answer) == (
        403,
        {"error": "this page may not write: start timing-profiles tune with --write"},
    )
    assert not (profiles / "mine.yaml").exists()


@pytest.mark.parametrize("name", ["../mine", "/etc/mine", "mine.yaml", "a/../../b", ".mine"])
async def test_no_path_is_written(served: Page, name: str) -> None:
    """Only the name of a profile is taken."""
    before = {*served.profiles.parent.rglob("*")}
    asked = {"name": name, "base": "patient", "overrides": {}}
    status, answer = await served.answer("POST", "/api/write", json=asked)
    assert status == 400
    assert answer["error"].startswith("invalid profile name")
    assert {*served.profiles.parent.rglob("*")} == before


async def test_a_link_is_not_written_through(served: Page) -> None:
    """Nor replaced."""
    outside = served.profiles.parent / "outside.yaml"
    (served.profiles / "patient.yaml").rename(outside)
    (served.profiles / "patient.yaml").symlink_to(outside)
    before = outside.read_bytes()
    asked = {"name": "patient", "base": "patient", "overrides": _endpointing(min_delay=1.2)}
    status, answer = await served.answer("POST", "/api/write", json=asked)
    assert (status, answer["error"]) == (
        409,
        "profiles/patient.yaml is a link: this page does not write through links",
    )
    assert outside.read_bytes() == before


async def test_turn_is_played_to_every_profile(served: Page) -> None:
    """Brisk cuts into the pause, patient does not; decisions of Deepgram are unknown."""
    overrides = json.dumps(_endpointing(min_delay=0.65, max_delay=0.65))
    answer = await served.asked(
        "POST",
        "/api/turn",
        params={"profile": "patient", "overrides": overrides},
        data=_wav("I would like to book a table for", 1.2, "four people on Friday evening please"),
    )
    played = {row["profile"]: row for row in answer["profiles"]}
    assert list(played)[:2] == [TUNED, "patient"]
    first, second = answer["speech"]
    # The probability, and with it the delay, is not the same on every processor.
    brisk = played["brisk"]
    assert first[1] < brisk["cut_at"] < second[0]
    delay = {"min_delay": 0.3, "max_delay": 0.8}[brisk["decided_by"]]
    assert brisk["cut_at"] - first[1] == pytest.approx(wait.VAD_LAG + delay, abs=0.2)
    assert played["patient"]["cut_at"] is None
    likely = played["patient"]["probability"] >= played["patient"]["threshold"]
    assert played["patient"]["wait"] == pytest.approx(1.59 if likely else 4.09, abs=0.1)
    assert played[TUNED]["cut_at"] is not None
    assert 0 < played["patient"]["probability"] < 1
    assert played["patient"]["threshold"] == 0.36
    assert played["flux-conversation"] == {
        **dict.fromkeys(("cut_at", "wait", "decided_by", "probability", "threshold")),
        "profile": "flux-conversation",
        "unknown": "turn_detection stt: Deepgram ends the turns",
    }
    refused = [
        await served.answer("POST", "/api/turn", data=_wav(2.0)),
        await served.answer("POST", "/api/turn", data=b"no sound"),
        await served.answer("POST", "/api/turn", data=_wav("one", rate=8000)),
    ]
    assert [(status, answer["error"]) for status, answer in refused] == [
        (400, "no speech in this sound"),
        (400, f"{_WANTED}, found: file does not start with RIFF id"),
        (400, f"{_WANTED}, found 1 x 16 bits at 8000 Hz"),
    ]


_WANTED = "expected 16-bit mono PCM at 16000 Hz as WAV"


def _wav(*parts: str | float, rate: int = RATE) -> bytes:
    """Make a recording of words and pauses in seconds, with silence around."""
    sounds = [
        speech.synthesize(part, sample_rate=rate)
        if isinstance(part, str)
        else bytes(2 * round(part * rate))
        for part in (1.0, *parts, 1.2)
    ]
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(sounds))
    return made.getvalue()


async def test_no_request_without_the_token_is_answered(served: Page) -> None:
    """By any way of sending it but those of the page."""
    asked = [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {served.token}"},
        {"Authorization": f"Bearer {served.token}x"},
        {"Authorization": "Bearer "},
        {"Cookie": f"token={served.token}"},
    ]
    refusal = "wrong or missing token: open the address that timing-profiles tune printed"
    async with aiohttp.ClientSession() as stranger:
        for headers in asked:
            for address in ("/api/set", f"/api/set?token={served.token}", "/api/changes"):
                async with stranger.get(f"{served.origin}{address}", headers=headers) as response:
                    assert (response.status, await response.json()) == (401, {"error": refusal})
        for address in ("/api/changes", "/api/changes?token=wrong", "/api/calls/x/events"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await stranger.ws_connect(f"{served.origin}{address}")
            assert refused.value.status == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "localhost", "127.0.0.1.evil:1"]
)
async def test_another_name_of_this_machine_is_refused(served: Page, host: str) -> None:
    """A name that its owner points at 127.0.0.1 (DNS rebinding) reveals not even the page."""
    headers = {"Host": host.format(port=served.origin.rpartition(":")[2])}
    for path in ("/", "/api/set", "/api/changes"):
        status, answer = await served.answer("GET", path, headers=headers)
        assert status == 421
        assert answer == {"error": "wrong Host: open the address that timing-profiles tune printed"}


@pytest.mark.parametrize(
    ("host", "names"), [("::1", ["[::1]"]), ("::", ["[::1]", "127.0.0.1", "localhost"])]
)
async def test_page_is_served_over_ipv6(profiles: Path, host: str, names: list[str]) -> None:
    """Requests, WebSockets and the refusal of other names, as over IPv4; :: is both."""
    async with page(profiles, host=host) as running:
        assert running.origin.startswith("http://[::1]:")
        port = running.origin.rpartition(":")[2]
        for name in names:
            origin = f"http://{name}:{port}"
            async with running.http.get(f"{origin}/api/set", headers={"Origin": origin}) as got:
                assert got.status == 200
                assert "[::1]" not in got.headers["Content-Security-Policy"]
        async with running.socket("/api/changes") as changes:
            assert (await changes.receive_json(timeout=20))["type"] == "set"
        headers = {"Host": f"evil.example:{port}"}
        assert (await running.answer("GET", "/", headers=headers))[0] == 421


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}"]
)
async def test_page_of_another_site_is_refused(served: Page, origin: str) -> None:
    """Also with the token; and no answer allows it to be read by another site."""
    headers = {"Origin": origin.format(port=served.origin.rpartition(":")[2])}
    for method, path in (("GET", "/api/set"), ("POST", "/api/write"), ("OPTIONS", "/api/set")):
        async with served.http.request(
            method, f"{served.origin}{path}", headers=headers
        ) as response:
            assert response.status == 403
            assert not [name for name in response.headers if name.startswith("Access-Control")]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await served.http.ws_connect(
            f"{served.origin}/api/changes?token={served.token}", headers=headers
        )
    assert refused.value.status == 403


async def test_own_origin_is_answered_by_both_names(served: Page) -> None:
    """127.0.0.1 and localhost are this page."""
    port = served.origin.rpartition(":")[2]
    for name in ("127.0.0.1", "localhost"):
        headers = {"Origin": f"http://{name}:{port}", "Host": f"{name}:{port}"}
        status, _ = await served.answer("GET", "/api/set", headers=headers)
        assert status == 200


async def test_headers_keep_other_sites_and_scripts_out(served: Page) -> None:
    """In every answer, errors too; the secret of LiveKit is in none."""
    for path in ("/", "/api/set", "/nothing"):
        async with served.http.get(f"{served.origin}{path}") as response:
            headers = response.headers
            assert "secret" not in await response.text()
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "ws://127.0.0.1:9 http://127.0.0.1:9;" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    [
        *("/../server.py", "/..%2fserver.py", "/%2e%2e/server.py", "//etc/passwd"),
        *("/./../../cli/tune.py", "/page/", "/vendor", "/vendor/", "/..", "/server.py"),
        *("/index.html%00.js", "/\\..\\server.py", "/etc/passwd"),
    ],
)
async def test_no_other_file_is_served(served: Page, path: str) -> None:
    """Sent as it is: no client cleans the path up before."""
    port = int(served.origin.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    assert answer.split(b"\r\n", 1)[0] in {b"HTTP/1.1 404 Not Found", b"HTTP/1.1 400 Bad Request"}
    assert b"import" not in answer
    assert b"root:" not in answer


async def test_large_body_is_refused_before_it_is_read(served: Page) -> None:
    """Declared or not; with the token and without."""

    async def chunked() -> AsyncGenerator[bytes]:
        for _ in range(160):
            yield bytes(64 * 1024)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in ("/api/preview", "/api/write", "/api/turn", "/api/yaml", "/api/call"):
        for body in (io.BytesIO(bytes(10 * 1024 * 1024)), chunked()):
            try:
                status, answer = await served.answer("POST", path, data=body)
            except aiohttp.ClientConnectionError:  # closed while the client still sends
                continue
            assert (status, answer["error"].partition(":")[0]) == (413, "the request is too long")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    assert await served.get("/api/set")


async def test_thousands_of_requests_make_nothing_grow(served: Page) -> None:
    """Strangers are refused; calls are bounded, and no room is made before a participant joins."""
    headers = {"Authorization": "Bearer wrong"}

    async def stranger() -> int:
        return (await served.answer("GET", "/api/set", headers=headers))[0]

    statuses = [status for _ in range(20) for status in await asyncio.gather(*_times(50, stranger))]
    assert {*statuses} == {401}

    async def caller() -> str:
        room: str = (await served.post("/api/call", {"profile": "patient"}))["room"]
        return room

    rooms = [room for _ in range(4) for room in await asyncio.gather(*_times(50, caller))]
    assert len({*rooms}) == 200
    assert MOST_ROOMS < 100
    statuses = [
        (await served.answer("GET", f"/api/calls/{room}/events"))[0]
        for room in rooms[:100]  # those of one moment are in no order
    ]
    assert {*statuses} == {404}


def _times(count: int, ask: Any) -> Any:
    return (ask() for _ in range(count))


async def test_sockets_are_bounded(served: Page) -> None:
    """A page that opens more gets an error, and closed ones are free again."""
    opened = [await served.socket("/api/changes") for _ in range(MOST_SOCKETS)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await served.socket("/api/changes")
    assert refused.value.status == 429
    for one in opened:
        await one.close()

    async def is_free() -> bool:
        try:
            async with served.socket("/api/changes"):
                return True
        except aiohttp.WSServerHandshakeError:
            return False

    await eventually(is_free, 10, "a free socket")


async def test_call_has_a_token_for_its_room_only(served: Page) -> None:
    """For a microphone and the caller's own metadata; with nothing of the API's secret."""
    made = await served.post(
        "/api/call", {"profile": "patient", "overrides": _endpointing(mode="dynamic")}
    )
    claims = json.loads(base64.urlsafe_b64decode(made["token"].split(".")[1] + "=="))
    assert claims["sub"] == made["identity"]
    assert json.loads(claims["metadata"]) == json.loads(made["metadata"])
    assert claims["video"] == {
        "roomJoin": True,
        "room": made["room"],
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
        "canPublishSources": ["microphone"],
        "canUpdateOwnMetadata": True,
    }


async def test_unreachable_livekit_is_one_message(served: Page) -> None:
    """The page can show why there is no call."""
    made = await served.post("/api/call", {"profile": "patient"})
    async with served.socket(f"/api/calls/{made['room']}/events") as events:
        ended = await events.receive_json(timeout=30)
        assert (await events.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
    assert (ended["type"], ended["reason"]) == (
        "ended",
        "no connection to the LiveKit server: connection refused",
    )
    status, answer = await served.answer("DELETE", f"/api/calls/{made['room']}")
    assert status == 502
    assert answer["error"].startswith("the LiveKit server did not end the call: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_command_ends_quietly(profiles: Path, number: signal.Signals) -> None:
    """By Ctrl-C, and by whoever started it: the address and one line, and no traceback.

    A LiveKit server that cannot be reached is the page's message; the SDK's records of it, which
    quote tokens, are not in the terminal.
    """
    command = [sys.executable, "-m", "timing_profiles.cli", "tune", "--port", "0"]
    keys = {"LIVEKIT_URL": "ws://127.0.0.1:9", "LIVEKIT_API_KEY": "k"}
    keys |= {"LIVEKIT_API_SECRET": "s" * 32}
    environment = {**os.environ, **keys, "PYTHONPATH": str(ROOT), "PROFILES_DIR": str(profiles)}
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    address = (await process.stdout.readline()).decode().removeprefix("page: ").strip()
    origin, token = address.split("/?token=")
    key = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=key) as browser:
        async with browser.get(address) as response:
            assert response.headers["Content-Security-Policy"]
        async with browser.post(f"{origin}/api/call", json={"profile": "default"}) as response:
            room = (await response.json())["room"]
        events = f"{origin}/api/calls/{room}/events?token={token}"
        async with browser.ws_connect(events) as socket_:
            ended = await socket_.receive_json(timeout=60)
    assert ended["reason"] == "no connection to the LiveKit server: connection refused"
    process.send_signal(number)
    output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert output == b"open it in a browser; Ctrl-C ends it\n"


async def test_an_ended_server_closes_its_sockets(served: Page) -> None:
    """The page is notified that the server has ended intentionally."""
    changes = await served.socket("/api/changes")
    await changes.receive_json(timeout=20)
    await served.stop()
    assert (await changes.receive(timeout=10)).data == 1001
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(served.origin.rpartition(":")[2]))) != 0
