"""The tuning server's HTTP and WebSocket API, over socket pairs instead of a network."""

import asyncio
import base64
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncGenerator, Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from livekit import rtc

from sandbox.polling import eventually
from tests.observed_room import ObservedRoom, Participant
from timing_profiles.resolution import request
from timing_profiles.tuner import overview, page_files, turn_process
from timing_profiles.tuner.calls import Calls, NotEnded
from timing_profiles.tuner.livekit_access import Access
from timing_profiles.tuner.profile_set import ProfileSet
from timing_profiles.tuner.server import LARGEST_JSON, MOST_SOCKETS, TUNED, Options, Tuner

ROOT = Path(__file__).parents[1]
SECRET = "the secret of 32 characters or more"  # noqa: S105 - of no server
NOWHERE = Access("ws://127.0.0.1:9", "key", SECRET)
PORT = 7790
OWN = f"127.0.0.1:{PORT}"

_MIN_DELAY = "turn_handling.endpointing.min_delay"


class Answer(NamedTuple):
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, Any]:
        """The status and the body, parsed as JSON."""
        return self.status, self.json


async def _soon(reading: Awaitable[bytes]) -> bytes:
    """Return what is read; a missing answer fails the test instead of blocking it."""
    return await asyncio.wait_for(reading, 10)


@dataclass(frozen=True, slots=True)
class Connection:
    """The client's end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self) -> Answer:
        """Read one response."""
        head = (await _soon(self.reader.readuntil(b"\r\n\r\n"))).decode()
        first, *lines = head.rstrip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        body = await _soon(self.reader.readexactly(int(headers.get("Content-Length", 0))))
        return Answer(int(first.split()[1]), headers, body)

    async def message(self) -> tuple[int, bytes]:
        """Read one WebSocket frame; return its opcode and its payload."""
        kind, length = await _soon(self.reader.readexactly(2))
        if length == 126:
            length = int.from_bytes(await self.reader.readexactly(2), "big")
        return kind & 0x0F, await self.reader.readexactly(length)

    async def close(self) -> None:
        """Close the connection without a closing frame."""
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@dataclass(frozen=True, slots=True)
class Served:
    """A server without a listening socket.

    Attributes:
        tuner: The server.
        runner: Accepts its connections.
        token: The token of its page.
        profiles: The directory of its profiles.
        connections: All that were opened.
    """

    tuner: Tuner
    runner: Any
    token: str
    profiles: Path
    connections: list[Connection] = field(default_factory=list)

    async def connect(self) -> Connection:
        """Connect by a socket pair."""
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(self.runner.server, theirs)
        connection = Connection(*await asyncio.open_connection(sock=ours))
        self.connections.append(connection)
        return connection

    async def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str | None
    ) -> Answer:
        """Send a request as the page does, on a new connection.

        Args:
            method: Such as GET.
            path: With the query.
            body: The body.
            headers: Replace the usual headers; None removes one.
        """
        given = {"Authorization": f"Bearer {self.token}", "Content-Length": str(len(body or b""))}
        connection = await self.connect()
        connection.writer.write(_head(method, path, {**given, **headers}) + (body or b""))
        answer = await connection.answer()
        await connection.close()
        return answer

    async def get(self, path: str) -> Any:
        """Get JSON; the status must be 200."""
        answer = await self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.json

    async def post(self, path: str, data: Any) -> Answer:
        """Post JSON."""
        return await self.ask("POST", path, json.dumps(data).encode())

    async def open_socket(self, path: str) -> tuple[Connection, int]:
        """Open a WebSocket as a browser does, with the token in the address; return the status."""
        connection = await self.connect()
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode()}
        target = f"{path}?token={self.token}"
        connection.writer.write(_head("GET", target, {**upgrade, **key}))
        return connection, (await connection.answer()).status


def _head(method: str, path: str, headers: Mapping[str, str | None]) -> bytes:
    sent = {"Host": OWN, **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in sent.items() if value]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


SOUND, SILENCE, FATAL = b"a sound", b"silence", b"a crash"
_PLAYED = {"seconds": 2.0, "speech": [[0.5, 1.0]], "profiles": []}
_NO_TURN = {"no_turn": "no speech in this sound"}


class Player:
    """Replaces the child process that runs `timing_profiles.tuner.turn`.

    Attributes:
        asked: The requests that were written to it.
    """

    def __init__(self) -> None:
        """Run, without a request yet."""
        self.asked: list[bytes] = []
        self.stdin, self.stdout = self, asyncio.StreamReader()
        self.returncode: int | None = None

    def write(self, data: bytes) -> None:
        """Answer a request; end the output at the sound `FATAL`."""
        self.asked.append(data)
        sound = data.partition(b"\n")[2]
        if sound == FATAL:
            self.stdout.feed_eof()
        else:
            answer = _NO_TURN if sound == SILENCE else _PLAYED
            self.stdout.feed_data(json.dumps(answer).encode() + b"\n")

    async def drain(self) -> None:
        """Return at once: nothing is buffered."""

    def kill(self) -> None:
        """End the process."""
        self.returncode = -9

    async def wait(self) -> int | None:
        """Return the exit status."""
        return self.returncode


@pytest.fixture
def players(monkeypatch: pytest.MonkeyPatch) -> list[Player]:
    """The child processes that the server started."""
    started: list[Player] = []

    async def start(*_: Any, **__: Any) -> Player:
        started.append(Player())
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    return started


@contextlib.asynccontextmanager
async def serving(profiles: Path, **options: Any) -> AsyncGenerator[Served]:
    """Serve a directory of profiles until the block ends."""
    tuner = Tuner(ProfileSet(profiles), Options(NOWHERE, **options))
    runner, address = await tuner.prepare("127.0.0.1", PORT)
    origin, _, token = address.partition("/?token=")
    assert origin == f"http://{OWN}"
    served = Served(tuner, runner, token, profiles)
    try:
        yield served
    finally:
        for connection in served.connections:
            await connection.close()
        await tuner.stop()


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """A directory of the starter profiles."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path / "profiles"


@pytest.fixture
async def served(profiles: Path, players: list[Player]) -> AsyncGenerator[Served]:
    """A server with --write."""
    del players
    async with serving(profiles, write=True) as running:
        yield running


def _endpointing(**values: Any) -> dict[str, Any]:
    return {"turn_handling": {"endpointing": values}}


_WRONG_HOST = "wrong Host: open the address that timing-profiles tune printed"
_WRONG_ORIGIN = "wrong Origin: only the page of this server may ask"
_NO_TOKEN = "wrong or missing token: open the address that timing-profiles tune printed"  # noqa: S105


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Host": "evil.example"}, 421, _WRONG_HOST),
        ({"Host": "127.0.0.1:1"}, 421, _WRONG_HOST),
        ({"Origin": "https://evil.example"}, 403, _WRONG_ORIGIN),
        ({"Origin": "null"}, 403, _WRONG_ORIGIN),
        ({"Authorization": None}, 401, _NO_TOKEN),
        ({"Authorization": "Bearer wrong"}, 401, _NO_TOKEN),
    ],
)
async def test_wrong_host_origin_or_token_is_refused_on_every_path(
    served: Served, headers: dict[str, str | None], status: int, message: str
) -> None:
    """A refusal has one message and the same security headers as other responses."""
    for method, path in (("GET", "/api/set"), ("POST", "/api/write"), ("GET", "/api/nothing")):
        answer = await served.ask(method, path, None, **headers)
        assert answer.error == (status, {"error": message})
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"


async def test_loopback_address_and_localhost_are_accepted(served: Served) -> None:
    """Host and Origin may have either name of this machine."""
    for name in (OWN, f"localhost:{PORT}"):
        answer = await served.ask("GET", "/api/set", Host=name, Origin=f"http://{name}")
        assert answer.status == 200


async def test_set_has_profiles_fields_and_options(profiles: Path, players: list[Player]) -> None:
    """The set has each profile of the directory, and the options of the command line."""
    assert players == []
    async with serving(profiles, agent="desk", profile="patient") as served:
        found = await served.get("/api/set")
    assert [one["name"] for one in found.pop("profiles")] == sorted(
        file.stem for file in profiles.iterdir()
    )
    assert {one["path"] for one in found.pop("fields")} > {_MIN_DELAY, "tts.speed"}
    assert found.pop("revision") == ProfileSet(profiles).catalog.revision
    assert found == {
        "problems": [],
        "broken": None,
        "write": False,
        "agent": "desk",
        "livekit_url": "ws://127.0.0.1:9",
        "profile": "patient",
        "metadata_key": request.metadata_key(),
        "sentences": page_files.sentences(),
    }


async def test_preview_applies_overrides(served: Served) -> None:
    """The preview has the overridden value, its origin and the caller's metadata."""
    asked = {"profile": "patient", "overrides": _endpointing(min_delay=2.0)}
    answer = await served.post("/api/preview", asked)
    shown = answer.json
    assert (answer.status, shown["profile"], shown["problems"]) == (200, "patient", [])
    assert (shown["values"][_MIN_DELAY], shown["origins"][_MIN_DELAY]) == (2.0, "participant")
    assert json.loads(shown["metadata"]) == {"timing": asked}


async def test_preview_reports_refused_override(served: Served) -> None:
    """The problem names the refused field; the other override is applied."""
    overrides = {**_endpointing(min_delay=2.0), "stt": {"engine": "flux"}}
    shown = (await served.post("/api/preview", {"profile": "patient", "overrides": overrides})).json
    assert (shown["values"][_MIN_DELAY], shown["values"]["stt.engine"]) == (2.0, "nova")
    (problem,) = shown["problems"]
    assert (problem["path"], problem["code"]) == ("stt.engine", "override-forbidden")


async def test_call_token_grants_its_room_only(served: Served, players: list[Player]) -> None:
    """The token allows a microphone and own metadata; the API secret is not in the response."""
    asked = {"profile": "patient", "overrides": _endpointing(mode="dynamic")}
    answer = await served.post("/api/call", asked)
    made = answer.json
    claims = json.loads(base64.urlsafe_b64decode(made["token"].split(".")[1] + "=="))
    assert answer.status == 200
    assert SECRET.encode() not in answer.body
    assert (made["url"], claims["iss"], claims["sub"]) == (NOWHERE.url, "key", made["identity"])
    assert json.loads(claims["metadata"]) == json.loads(made["metadata"]) == {"timing": asked}
    assert claims["video"] == {
        "roomJoin": True,
        "room": made["room"],
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
        "canPublishSources": ["microphone"],
        "canUpdateOwnMetadata": True,
    }
    assert len(players) == 1


async def test_first_call_starts_one_turn_process(served: Served, players: list[Player]) -> None:
    """Later calls share the process, which ends with the server."""
    for _ in range(2):
        await served.post("/api/call", {})
    (player,) = players
    assert player.returncode is None
    await served.tuner.stop()
    assert player.returncode == -9


async def test_yaml_returns_text_without_writing(served: Served) -> None:
    """The response has the text of the new file; the directory is unchanged."""
    before = {file.name: file.read_bytes() for file in served.profiles.iterdir()}
    asked = {"name": "mine", "base": "patient", "overrides": _endpointing(min_delay=1.2)}
    answer = await served.post("/api/yaml", {**asked, "description": "People who think."})
    shown = answer.json
    assert (answer.status, shown["file"], shown["exists"]) == (200, "profiles/mine.yaml", False)
    assert shown["text"].startswith(
        "# yaml-language-server: $schema=../schema.json\n"
        "description: People who think.\n"
        "extends: patient\n"
        "\n"
        "turn_handling:\n"
        "  endpointing:\n"
        "    min_delay: 1.2 # was 1.5 (profiles/patient.yaml:"
    )
    assert {file.name: file.read_bytes() for file in served.profiles.iterdir()} == before


async def test_write_needs_the_option(profiles: Path) -> None:
    """Without --write the message names the option, and no file is created."""
    asked = {"name": "mine", "base": "patient", "overrides": _endpointing(min_delay=1.2)}
    async with serving(profiles) as served:
        answer = await served.post("/api/write", asked)
    assert answer.error == (
        403,
        {"error": "this page may not write: start timing-profiles tune with --write"},
    )
    assert not (profiles / "mine.yaml").exists()


async def test_write_creates_the_previewed_file(served: Served) -> None:
    """The file has the text of /api/yaml, and the set has the new profile."""
    asked = {"name": "mine", "base": "patient", "overrides": _endpointing(min_delay=1.2)}
    shown = (await served.post("/api/yaml", asked)).json
    assert (await served.post("/api/write", asked)).error == (200, shown)
    assert (served.profiles / "mine.yaml").read_text() == shown["text"]
    previewed = (await served.post("/api/preview", {"profile": "mine"})).json
    assert previewed["values"][_MIN_DELAY] == 1.2


async def test_write_refuses_an_invalid_set(served: Served) -> None:
    """The response has the problems and the draft; the file is unchanged."""
    before = (served.profiles / "patient.yaml").read_bytes()
    asked = {"name": "patient", "base": "patient", "overrides": _endpointing(min_delay=5)}
    shown = (await served.post("/api/yaml", asked)).json
    message = "profiles/patient.yaml was not written: the profiles would be invalid"
    answer = await served.post("/api/write", asked)
    assert answer.error == (409, {"error": message, **shown})
    assert [one["message"] for one in shown["problems"]] == [
        "min_delay 5 is more than max_delay 4.0 (s)"
    ]
    assert (served.profiles / "patient.yaml").read_bytes() == before


async def test_write_refuses_a_symbolic_link(served: Served) -> None:
    """The response has the message and the draft; the link's target is unchanged."""
    outside = served.profiles.parent / "outside.yaml"
    (served.profiles / "patient.yaml").rename(outside)
    (served.profiles / "patient.yaml").symlink_to(outside)
    before = outside.read_bytes()
    asked = {"name": "patient", "base": "patient", "overrides": _endpointing(min_delay=1.2)}
    shown = (await served.post("/api/yaml", asked)).json
    message = "profiles/patient.yaml is a link: this page does not write through links"
    assert (await served.post("/api/write", asked)).error == (409, {"error": message, **shown})
    assert outside.read_bytes() == before


async def test_unreadable_directory_is_a_conflict(served: Served) -> None:
    """A draft needs the files: the response has status 409 and the problem."""
    shutil.rmtree(served.profiles)
    answer = await served.post("/api/yaml", {"name": "mine", "base": "patient"})
    (problem,) = answer.json["problems"]
    assert answer.status == 409
    assert problem["file"] == "profiles"
    assert problem["message"] in answer.json["error"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/tune.css", "text/css; charset=utf-8"),
        ("/sentences/sentences.json", "application/json"),
    ],
)
async def test_page_files_need_no_token(served: Served, path: str, kind: str) -> None:
    """A file is served unchanged, with its type, a revalidating cache policy and the CSP."""
    answer = await served.ask("GET", path, Authorization=None)
    file = "index.html" if path == "/" else path.removeprefix("/")
    assert (answer.status, answer.body) == (200, (page_files.FOLDER / file).read_bytes())
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (kind, "no-cache")
    policy = answer.headers["Content-Security-Policy"]
    connect = next(part for part in policy.split("; ") if part.startswith("connect-src"))
    assert connect == (
        f"connect-src 'self' ws://{OWN} ws://localhost:{PORT} ws://127.0.0.1:9 http://127.0.0.1:9"
    )


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/nothing.js", "GET /nothing.js: Not Found"),
        ("GET", "/vendor/", "GET /vendor/: Not Found"),
        ("GET", "/..%2fserver.py", "GET /../server.py: Not Found"),
        ("GET", "/api/nothing", "GET /api/nothing: Not Found"),
        ("GET", "/api/write", "GET /api/write: Not Found"),
        ("DELETE", "/api/calls/other", "DELETE /api/calls/other: no such call"),
        ("GET", "/api/calls/other/events", "GET /api/calls/other/events: no such call"),
    ],
)
async def test_unknown_path_or_room_is_not_found(
    served: Served, method: str, path: str, message: str
) -> None:
    """Only files of the page and rooms of this server exist."""
    assert (await served.ask(method, path)).error == (404, {"error": message})


async def test_unsupported_method_is_refused(served: Served) -> None:
    """The error has the same form as others."""
    answer = await served.ask("PUT", "/api/set")
    assert answer.error == (405, {"error": "PUT /api/set: Method Not Allowed"})


@pytest.mark.parametrize("path", ["/api/preview", "/api/call", "/api/yaml", "/api/write"])
@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[" * 60_000])
async def test_invalid_json_is_refused(served: Served, path: str, body: bytes) -> None:
    """Truncated, empty, undecodable or too deeply nested JSON gets one message."""
    answer = await served.ask("POST", path, body)
    assert answer.error == (400, {"error": "the request is not JSON"})


@pytest.mark.parametrize("path", ["/api/preview", "/api/yaml", "/api/write"])
async def test_json_array_is_refused(served: Served, path: str) -> None:
    """The message shows the expected object."""
    answer = await served.post(path, [])
    message = 'expected an object such as {"profile": "default", "overrides": {}}'
    assert answer.error == (400, {"error": message})


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/preview", LARGEST_JSON),
        ("/api/write", LARGEST_JSON),
        ("/api/turn", turn_process.LARGEST),
    ],
)
async def test_declared_length_over_the_limit_is_refused_unread(
    served: Served, path: str, most: int
) -> None:
    """The response precedes the body's first byte, and closes the connection."""
    connection = await served.connect()
    head = {"Authorization": f"Bearer {served.token}", "Content-Length": str(most + 1)}
    connection.writer.write(_head("POST", path, head))
    answer = await connection.answer()
    text = web.HTTPRequestEntityTooLarge(most, most + 1).text
    assert answer.error == (413, {"error": f"the request is too long: {text}"})
    assert answer.headers["Connection"] == "close"


async def test_chunked_body_over_the_limit_is_refused(served: Served) -> None:
    """Without a declared length, reading stops at the limit."""
    chunked = {"Authorization": f"Bearer {served.token}", "Transfer-Encoding": "chunked"}
    connection = await served.connect()
    connection.writer.write(_head("POST", "/api/preview", chunked))
    size = LARGEST_JSON + 1
    connection.writer.write(f"{size:x}\r\n".encode() + bytes(size))
    answer = await connection.answer()
    text = web.HTTPRequestEntityTooLarge(LARGEST_JSON, size).text
    assert answer.error == (413, {"error": f"the request is too long: {text}"})


async def test_unexpected_exception_is_logged_and_hidden(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The response has a general message; the log has the traceback."""

    def fail(_: ProfileSet) -> Any:
        raise RuntimeError("something private")

    monkeypatch.setattr(overview, "of_set", fail)
    answer = await served.ask("GET", "/api/set")
    assert answer.error == (500, {"error": "the server failed; its terminal says why"})
    (record,) = caplog.records
    assert (record.getMessage(), record.exc_info is not None) == ("GET /api/set failed", True)


async def test_turn_is_judged_for_tuned_then_selected_then_other_profiles(
    served: Served, players: list[Player]
) -> None:
    """The turn process gets the sound and each profile's values in this order."""
    query = "profile=patient&overrides=%7B%22tts%22%3A%7B%22speed%22%3A0.9%7D%7D"
    answer = await served.ask("POST", f"/api/turn?{query}", SOUND)
    assert answer.error == (200, _PLAYED)
    (player,) = players
    line, _, sound = player.asked[0].partition(b"\n")
    asked = json.loads(line)
    names = [name for name, _ in asked["profiles"]]
    assert (asked["bytes"], sound) == (len(SOUND), SOUND)
    assert names[:2] == [TUNED, "patient"]
    assert sorted(names[1:]) == sorted(file.stem for file in served.profiles.iterdir())
    assert [values["tts.speed"] for _, values in asked["profiles"][:1]] == [0.9]


async def test_turn_failure_is_reported_and_process_restarted(
    served: Served, players: list[Player]
) -> None:
    """A sound without speech is a bad request; after a crash the next turn has a new process."""
    sounds = (SOUND, SILENCE, FATAL, SOUND)
    answers = [await served.ask("POST", "/api/turn", sound) for sound in sounds]
    busy = "this turn could not be played; the server's terminal may say why"
    assert [answer.error for answer in answers] == [
        (200, _PLAYED),
        (400, {"error": "no speech in this sound"}),
        (503, {"error": busy}),
        (200, _PLAYED),
    ]
    assert [player.returncode for player in players] == [-9, None]
    unread = await served.ask("POST", "/api/turn?overrides=%7B", SOUND)
    assert unread.error == (400, {"error": "the request is not JSON"})


async def test_fifth_concurrent_turn_is_refused(served: Served) -> None:
    """Of five, one gets 503 at once; four are accepted and judged."""
    begun = [await served.connect() for _ in range(5)]
    head = {"Authorization": f"Bearer {served.token}", "Content-Length": str(len(SOUND))}
    for connection in begun:
        connection.writer.write(_head("POST", "/api/turn", {**head, "Expect": "100-continue"}))
        assert (await connection.answer()).status == 100
    answers = {asyncio.create_task(connection.answer()): connection for connection in begun}
    (refused,), accepted = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
    for answer in accepted:  # each at once: a body that comes late is not waited for
        answers[answer].writer.write(SOUND)
    message = "other turns are being played; try again in a second"
    assert (await refused).error == (503, {"error": message})
    assert [(await answer).error for answer in accepted] == [(200, _PLAYED)] * 4


async def test_ending_a_call_reports_livekit_failure(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success is an empty object; a failure has status 502 and the reason."""
    ended: list[str] = []

    async def end(_: Calls, room: str) -> None:
        ended.append(room)
        if len(ended) > 1:
            raise NotEnded("no answer")

    monkeypatch.setattr(Calls, "end", end)
    room = (await served.post("/api/call", {})).json["room"]
    first, second = [await served.ask("DELETE", f"/api/calls/{room}") for _ in range(2)]
    assert first.error == (200, {})
    message = "the LiveKit server did not end the call: no answer"
    assert second.error == (502, {"error": message})
    assert ended == [room, room]


async def test_changes_start_with_current_revision(served: Served) -> None:
    """The first message has the revision of /api/set."""
    connection, status = await served.open_socket("/api/changes")
    kind, text = await connection.message()
    revision = (await served.get("/api/set"))["revision"]
    assert (status, kind) == (101, 1)
    assert json.loads(text) == {"type": "set", "revision": revision, "problems": []}


async def test_changes_report_problems_of_the_files(served: Served) -> None:
    """For an invalid file the message has the problems and the last valid revision."""
    revision = (await served.get("/api/set"))["revision"]
    (served.profiles / "patient.yaml").write_text("description: [\n")
    connection, _ = await served.open_socket("/api/changes")
    _, text = await connection.message()
    found = await served.get("/api/set")
    assert found["broken"] == f"1 problem in profiles: revision {revision} stays in use"
    assert json.loads(text) == {
        "type": "set",
        "revision": revision,
        "problems": found["problems"],
    }


async def test_stop_closes_websockets_with_reason(served: Served) -> None:
    """The closing frame has code 1001 and a text."""
    connection, _ = await served.open_socket("/api/changes")
    await connection.message()
    stopping = asyncio.create_task(served.tuner.stop())
    kind, content = await connection.message()
    await connection.close()
    await stopping
    assert (kind, int.from_bytes(content[:2], "big")) == (8, 1001)
    assert content[2:] == b"timing-profiles tune has ended"


async def test_number_of_websockets_is_limited(served: Served) -> None:
    """One more than the limit gets 429; after one closes, another may open."""
    opened = [await served.open_socket("/api/changes") for _ in range(MOST_SOCKETS)]
    assert {status for _, status in opened} == {101}
    refused = await served.ask("GET", "/api/changes")
    message = "GET /api/changes: too many open tabs, close some"
    assert refused.error == (429, {"error": message})
    await opened[0][0].close()

    async def is_free() -> bool:
        return (await served.open_socket("/api/changes"))[1] == 101

    await eventually(is_free, 10, "a free socket")


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> ObservedRoom:
    """A room with an agent, which replaces `rtc.Room`."""
    return ObservedRoom(Participant("agent")).replace(monkeypatch)


async def _read(connection: Connection) -> dict[str, Any]:
    """Read a message, without `received`."""
    kind, text = await connection.message()
    message: dict[str, Any] = json.loads(text)
    assert (kind, message.pop("received") > 0) == (1, True)
    return message


async def test_events_are_sent_until_the_call_ends(served: Served, room: ObservedRoom) -> None:
    """The server closes the WebSocket after the message `ended`."""
    made = (await served.post("/api/call", {})).json
    connection, status = await served.open_socket(f"/api/calls/{made['room']}/events")
    first = await _read(connection)
    room.end(rtc.DisconnectReason.ROOM_DELETED)
    assert (status, first, await _read(connection)) == (
        101,
        {"type": "agent", "present": True, "identity": "agent", "attributes": {}},
        {"type": "ended", "reason": "the call was ended"},
    )
    kind, content = await connection.message()
    assert (kind, int.from_bytes(content, "big")) == (8, 1000)


async def test_observer_token_is_hidden_and_cannot_publish(
    served: Served, room: ObservedRoom
) -> None:
    """The observer's token grants only presence in the call's room."""
    made = (await served.post("/api/call", {})).json
    await served.open_socket(f"/api/calls/{made['room']}/events")
    ((url, token, hears),) = room.joined
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (url, hears) == (NOWHERE.url, False)
    assert claims["video"] == {
        "roomJoin": True,
        "room": made["room"],
        "canPublish": False,
        "canSubscribe": False,
        "canPublishData": False,
        "canUpdateOwnMetadata": False,
        "hidden": True,
    }


async def test_closed_websocket_removes_the_observer(served: Served, room: ObservedRoom) -> None:
    """The observer leaves the room when a tab closes without a closing frame."""
    made = (await served.post("/api/call", {})).json
    connection, _ = await served.open_socket(f"/api/calls/{made['room']}/events")
    await _read(connection)
    assert not room.is_left
    await connection.close()
    await eventually(lambda: room.is_left, 10, "the end of the observer")


async def test_unreachable_room_is_reported_on_the_websocket(
    served: Served, room: ObservedRoom
) -> None:
    """The WebSocket opens, and its only message is `ended` with the reason."""
    room.refusal = "engine: signal failure: 401"
    made = (await served.post("/api/call", {})).json
    connection, status = await served.open_socket(f"/api/calls/{made['room']}/events")
    reason = "the LiveKit server refused LIVEKIT_API_KEY or LIVEKIT_API_SECRET"
    assert (status, await _read(connection)) == (101, {"type": "ended", "reason": reason})
