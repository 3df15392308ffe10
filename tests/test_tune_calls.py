"""The rooms of the page: what its tokens allow, and who is answered."""

import asyncio
import base64
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from livekit import api

from sandbox.polling import eventually
from timing_profiles.tuner import asked, guard, page_files
from timing_profiles.tuner.asked import Refused
from timing_profiles.tuner.calls import MOST_ROOMS, Calls
from timing_profiles.tuner.follower import Follower
from timing_profiles.tuner.guard import Guard
from timing_profiles.tuner.livekit_access import Access
from timing_profiles.tuner.profile_set import ProfileSet

PROFILES = Path(__file__).parents[1] / "profiles"
SECRET = "x" * 32
ACCESS = Access("ws://127.0.0.1:7880", "key", SECRET)


def claims(token: str) -> dict[str, Any]:
    """Return what a token says, without a check of its signature."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return found


@pytest.fixture(name="profiles")
def _profiles(tmp_path: Path) -> ProfileSet:
    return ProfileSet(Path(shutil.copytree(PROFILES, tmp_path / "profiles")))


def test_caller_may_enter_one_room_and_speak() -> None:
    """The token is for that room, the microphone and the caller's own metadata."""
    calls = Calls(ACCESS, "")
    made = calls.new('{"profile": "patient"}')
    found = claims(made.token)
    assert found["video"] == {
        "roomJoin": True,
        "room": made.room,
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
        "canPublishSources": ["microphone"],
        "canUpdateOwnMetadata": True,
    }
    assert (found["sub"], found["iss"], found["metadata"]) == (made.identity, "key", made.metadata)
    assert api.TokenVerifier("key", SECRET).verify(made.token).identity == made.identity
    assert SECRET not in made.token
    assert SECRET not in repr(ACCESS)
    assert "agents" not in found["roomConfig"]


def test_named_agent_is_dispatched_with_the_room() -> None:
    """The first participant creates the room, and with it the dispatch."""
    found = claims(Calls(ACCESS, "my-agent").new("{}").token)
    assert found["roomConfig"]["agents"] == [{"agentName": "my-agent"}]


def test_observer_sees_one_room_and_nothing_else() -> None:
    """It is hidden, and may neither publish, send data nor subscribe."""
    calls = Calls(ACCESS, "")
    found = claims(calls.observer(calls.new("{}").room))["video"]
    rights = {name for name, value in found.items() if value is True}
    assert rights == {"roomJoin", "hidden"}


def test_rooms_are_unguessable_and_the_oldest_is_forgotten() -> None:
    """A page that is reloaded for ever does not fill the memory."""
    calls = Calls(ACCESS, "")
    rooms = [calls.new("{}").room for _ in range(MOST_ROOMS + 1)]
    assert len(set(rooms)) == len(rooms)
    assert [room in calls for room in (rooms[0], rooms[1], rooms[-1], "other")] == [
        False,
        True,
        True,
        False,
    ]


OURS = "127.0.0.1:7790"
WRONG_HOST = (421, "wrong Host: open the address that timing-profiles tune printed")
WRONG_ORIGIN = (403, "wrong Origin: only the page of this server may ask")
WRONG_TOKEN = (401, "wrong or missing token: open the address that timing-profiles tune printed")


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/", {"Host": OURS}, None),
        ("/", {"Host": "localhost:7790"}, None),
        ("/", {"Host": "attacker.example:7790"}, WRONG_HOST),
        ("/", {"Host": "127.0.0.1:80"}, WRONG_HOST),
        ("/", {"Host": "127.0.0.1:7790@attacker.example"}, WRONG_HOST),
        ("/", {"Host": "127.0.0.1:x"}, WRONG_HOST),
        ("/", {}, WRONG_HOST),
        ("/", {"Host": OURS, "Origin": f"http://{OURS}"}, None),
        ("/", {"Host": OURS, "Origin": "null"}, WRONG_ORIGIN),
        ("/", {"Host": OURS, "Origin": f"https://{OURS}"}, WRONG_ORIGIN),
        ("/", {"Host": OURS, "Origin": "http://attacker.example"}, WRONG_ORIGIN),
        ("/api/set", {"Host": OURS}, WRONG_TOKEN),
        ("/api/set", {"Host": OURS, "Authorization": "Bearer wrong"}, WRONG_TOKEN),
        ("/api/set", {"Host": OURS, "Authorization": "Basic token"}, WRONG_TOKEN),
        ("/api/set", {"Host": OURS, "Authorization": "Bearer token"}, None),
        ("/api/set?token=token", {"Host": OURS}, WRONG_TOKEN),
        ("/api/changes?token=token", {"Host": OURS, "Upgrade": "websocket"}, None),
        ("/api/changes?token=other", {"Host": OURS, "Upgrade": "websocket"}, WRONG_TOKEN),
    ],
)
def test_only_the_page_of_this_server_is_answered(
    path: str, headers: Mapping[str, str], expected: tuple[int, str] | None
) -> None:
    """Another name of this machine, another site and a wrong token are refused."""
    request = make_mocked_request("GET", path, headers=dict(headers))
    assert Guard("127.0.0.1", 7790, "token").refusal(request) == expected


def test_server_for_a_network_answers_to_addresses_only() -> None:
    """A name can be pointed at this machine by its owner; an address cannot."""
    everywhere = Guard("0.0.0.0", 7790, "token")  # noqa: S104 - nothing listens
    hosts = ("192.0.2.7:7790", "[2001:db8::7]:7790", "attacker.example:7790")
    refused = [
        everywhere.refusal(make_mocked_request("GET", "/", headers={"Host": host}))
        for host in hosts
    ]
    assert refused == [None, None, WRONG_HOST]


def test_policy_allows_no_script_but_the_pages_own() -> None:
    """Nothing inline, no other site, and only this server and LiveKit's are connected to."""
    found = guard.headers(["ws://127.0.0.1:7790"], ["ws://127.0.0.1:7880"])
    policy = dict(part.split(" ", 1) for part in found["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws://127.0.0.1:7790 ws://127.0.0.1:7880"
    assert "unsafe" not in found["Content-Security-Policy"]


def test_files_are_those_of_the_page() -> None:
    """Each has its media type; directories and paths upwards are not among them."""
    found = page_files.found()
    assert found["/"] == found["/index.html"]
    assert found["/index.html"].kind == "text/html; charset=utf-8"
    assert {path.suffix: kind for path, kind in found.values()}[".ogg"] == "audio/ogg"
    assert all(path.is_relative_to(page_files.FOLDER) for path, _ in found.values())
    ogg = {path.stem for path, kind in found.values() if kind == "audio/ogg"}
    assert {each["name"] for each in page_files.sentences()} == ogg


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], 'expected an object such as {"profile": "default", "overrides": {}}'),
        ({"profile": "patent"}, "did you mean"),
        ({"profile": 3}, "unknown profile"),
        ({"overrides": [1]}, "overrides: expected an object nested as in a profile file"),
    ],
)
def test_unreadable_request_is_one_message(profiles: ProfileSet, data: Any, message: str) -> None:
    """It names what is wrong, and what is expected."""
    with pytest.raises(Refused) as refused:
        asked.read(data, profiles.catalog)
    assert message in str(refused.value)


def test_request_becomes_the_metadata_of_a_caller(profiles: ProfileSet) -> None:
    """Under the key of which an application's own data is free."""
    overrides = {"turn_handling": {"endpointing": {"min_delay": 1.9}}}
    found = asked.read({"profile": "patient", "overrides": overrides}, profiles.catalog)
    assert json.loads(found.metadata()) == {
        "timing": {"profile": "patient", "overrides": overrides}
    }
    values = found.settings(profiles.catalog).values
    assert values["turn_handling.endpointing.min_delay"] == 1.9
    assert found.flat(profiles.catalog.schema) == {"turn_handling.endpointing.min_delay": 1.9}
    assert found.unfit(profiles.catalog.schema) == []


async def test_open_page_is_told_of_each_change(profiles: ProfileSet) -> None:
    """First the present state, then a broken file, then its repair; after that nothing."""
    told: list[dict[str, Any]] = []
    follower = Follower(profiles)
    await follower.add(told.append)
    revision = profiles.catalog.revision
    assert told == [{"type": "set", "revision": revision, "problems": told[0]["problems"]}]
    brisk = profiles.directory / "brisk.yaml"
    before = brisk.read_text(encoding="utf-8")
    await eventually(lambda: len(told) > 1 or None, 20, "the first reading")
    brisk.write_text("extends: [", encoding="utf-8")
    await eventually(lambda: _errors(told[-1]) == ["profiles/brisk.yaml"] or None, 20, "a problem")
    assert told[-1]["revision"] == revision
    brisk.write_text(before, encoding="utf-8")
    await eventually(lambda: _errors(told[-1]) == [] or None, 20, "the repair")
    follower.remove(told.append)
    other: list[dict[str, Any]] = []
    await follower.add(other.append)
    follower.remove(other.append)
    await asyncio.sleep(0)
    assert other[0]["revision"] == revision


def _errors(message: Mapping[str, Any]) -> list[str]:
    problems = message["problems"]
    return sorted({one["file"] for one in problems if one["severity"] == "error"})
