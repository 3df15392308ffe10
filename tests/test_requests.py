"""What a call is asked for: by whom, and what of it counts while the call runs."""

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.fixtures import Happened
from sandbox.polling import eventually
from tests.room import Somebody
from tests.running import publish
from timing_profiles.call.requests import Requests
from timing_profiles.call.sdk_internals import UNSUPPORTED
from timing_profiles.resolution.settings import Settings

AWAY = "session.user_away_timeout"
SPEED = "tts.speed"
MIN_DELAY = "turn_handling.endpointing.min_delay"
BROKEN = '{"profile": "brisk"'


@pytest.fixture
def caller() -> Somebody:
    """A caller who asks for nothing yet."""
    return Somebody("caller")


@pytest.fixture
def requests(
    caller: Somebody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Requests]:
    """The requests of a call in a room whose metadata nobody can read."""
    publish(tmp_path, monkeypatch)
    asked = Requests(caller, room="{")
    yield asked
    asked.close()


def seen(found: Settings) -> tuple[str, list[str]]:
    """The profile, and the problems by layer."""
    return found.profile, [f"{problem.file} {problem.code}" for problem in found.problems]


ROOM = "room metadata-invalid"


def test_call_begins_with_the_request_of_its_caller(requests: Requests, caller: Somebody) -> None:
    """By its metadata at the moment of the resolution."""
    caller.metadata = '{"profile": "brisk"}'
    assert seen(requests.resolve()) == ("brisk", [ROOM])


def test_a_caller_may_ask_again(requests: Requests, caller: Somebody) -> None:
    """Its metadata of now, and its attribute of now, which stands below that."""
    requests.resolve()
    caller.attributes = {"timing.profile": "courier"}
    assert seen(requests.resolve()) == ("courier", [ROOM])
    caller.metadata = '{"profile": "brisk"}'
    assert seen(requests.resolve()) == ("brisk", [ROOM])
    caller.metadata = "{}"
    assert seen(requests.resolve()) == ("courier", [ROOM])
    caller.attributes = {}
    assert seen(requests.resolve()) == ("default", [ROOM])


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        (BROKEN, "metadata-invalid"),
        (json.dumps({"profile": "brisk", "notes": "x" * 65 * 1024}), "metadata-too-large"),
        ('{"profile": "nobody", "min_endpointing_delay": 1.0}', "profile-unknown"),
    ],
)
def test_unreadable_later_request_keeps_the_former_one(
    requests: Requests, caller: Somebody, metadata: str, code: str
) -> None:
    """Its problem is reported, and all else stays; the next valid one counts again."""
    caller.metadata = '{"profile": "patient", "min_endpointing_delay": 2.0}'
    before = requests.resolve()
    caller.metadata = metadata
    after = requests.resolve()
    assert seen(after) == ("patient", [ROOM, f"participant {code}"])
    assert after.values == before.values
    assert requests.resolve() == after
    caller.metadata = '{"profile": "brisk"}'
    assert seen(requests.resolve()) == ("brisk", [ROOM])


def test_unreadable_first_request_is_ignored(requests: Requests, caller: Somebody) -> None:
    """As at the start of any call; there is no former request."""
    caller.metadata = BROKEN
    expected = ("default", [ROOM, "participant metadata-invalid"])
    assert seen(requests.resolve()) == expected
    caller.metadata = BROKEN + "]"
    assert seen(requests.resolve()) == expected


def test_spoken_request_is_above_all_layers(requests: Requests, caller: Somebody) -> None:
    """The named profile is active, without overrides."""
    caller.metadata = '{"profile": "brisk", "min_endpointing_delay": 0.4}'
    requests.resolve()
    assert requests.request_aloud("patient")
    found = requests.resolve()
    assert (*seen(found), found.values[MIN_DELAY]) == ("patient", [ROOM], 1.5)


def test_spoken_request_works_with_unreadable_metadata(
    requests: Requests, caller: Somebody
) -> None:
    """A client's invalid metadata does not block its caller."""
    caller.metadata = BROKEN
    requests.resolve()
    requests.request_aloud("patient")
    assert seen(requests.resolve()) == ("patient", [ROOM, "participant metadata-invalid"])


def test_later_metadata_wins_over_a_spoken_request(requests: Requests, caller: Somebody) -> None:
    """The request of the client is newer than the spoken one."""
    requests.resolve()
    requests.request_aloud("patient")
    caller.metadata = '{"profile": "brisk"}'
    assert seen(requests.resolve()) == ("brisk", [ROOM])


@pytest.mark.parametrize("metadata", ['{"user": {"id": 8}}', "hello", BROKEN])
def test_metadata_without_a_new_request_keeps_the_spoken_one(
    requests: Requests, caller: Somebody, metadata: str
) -> None:
    """Neither the application's own data, nor a request that cannot be read."""
    caller.metadata = '{"user": {"id": 7}}'
    requests.resolve()
    requests.request_aloud("patient")
    caller.metadata = metadata
    assert requests.resolve().profile == "patient"


def test_unknown_profile_cannot_be_requested_aloud(requests: Requests) -> None:
    """All settings stay, without a problem: it is not a mistake of the caller."""
    before = requests.resolve()
    assert not requests.request_aloud("nobody")
    assert requests.resolve() == before


def test_step_borrows_the_differences_from_default(requests: Requests) -> None:
    """With what it inherits from other profiles, and nothing of default's."""
    nothing, _ = requests.sets("default")
    assert nothing == {}
    sets = {
        "stt.nova.endpointing_ms": 500,
        "turn_detector.unlikely_threshold": 0.4,
        "turn_handling.endpointing.min_delay": 1.0,
        "turn_handling.endpointing.max_delay": 4.0,
        SPEED: 0.9,
    }
    lent, origins = requests.sets("elderly")
    assert lent == {path: value for path, value in sets.items() if path not in UNSUPPORTED}
    assert {origins[path].partition(":")[0] for path in lent} == {"profiles/elderly.yaml"}


def test_step_cannot_borrow_an_unknown_profile(requests: Requests) -> None:
    """The error lists the profiles."""
    with pytest.raises(LookupError) as error:
        requests.sets("nobody")
    assert str(error.value) == (
        'unknown profile "nobody"; available: brisk, courier, default, dictation, elderly,'
        " flux-conversation, noisy-line, open, patient, phone-menu"
    )


def test_call_keeps_the_profiles_of_its_start(
    requests: Requests, caller: Somebody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are published meanwhile: the call still reads its own, whole."""
    began = requests.resolve().revision
    revision = publish(
        tmp_path, monkeypatch, {"patient": "tts: {speed: 1.1}", "new": "description: New."}
    )
    caller.metadata = '{"profile": "patient"}'
    found = requests.resolve()
    assert (found.revision, found.values[SPEED], found.values[MIN_DELAY]) == (began, None, 1.5)
    assert began != revision
    caller.metadata = '{"profile": "new"}'
    assert seen(requests.resolve()) == ("patient", [ROOM, "participant profile-unknown"])


def test_fault_84_true_corrected_to_1_is_a_new_request(
    requests: Requests, caller: Somebody
) -> None:
    """Python takes them for equal, and the correction would be ignored."""
    caller.metadata = '{"profile": "patient", "min_interruption_words": true}'
    assert seen(requests.resolve()) == ("patient", [ROOM, "participant override-type"])
    requests.request_aloud("brisk")
    caller.metadata = '{"profile": "patient", "min_interruption_words": 1}'
    assert seen(requests.resolve()) == ("patient", [ROOM])


def test_console_has_no_metadata_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its participants are mocks; a caller may ask aloud all the same."""
    publish(tmp_path, monkeypatch)
    asked = Requests(None, "brisk")
    assert seen(asked.resolve()) == ("brisk", [])
    asked.request_aloud("patient")
    assert seen(asked.resolve()) == ("patient", [])
    asked.close()


def test_published_file_is_released(requests: Requests, tmp_path: Path) -> None:
    """A process may serve one call after another."""
    requests.resolve()
    open_files = [file.readlink() for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    assert tmp_path / "published.sqlite" in open_files
    requests.close()
    open_files = [file.readlink() for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    assert tmp_path / "published.sqlite" not in open_files


SLOWER = "tts: {speed: 0.8}"


def replaced_files(folder: Path) -> int:
    """The files of a folder that are open here and have no path any more."""
    found = 0
    for handle in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            text = str(handle.readlink())
            found += text.startswith(f"{folder}/") and text.endswith(" (deleted)")
    return found


async def test_fault_83_a_running_call_keeps_no_replaced_file_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happened: Happened
) -> None:
    """Twelve calls, an edit after each: all keep their revision to the end, none keeps its file."""
    calls, revisions = [], []
    for number in range(12):
        away = f"session: {{user_away_timeout: {20 + number}}}"
        revisions.append(publish(tmp_path, monkeypatch, {"edited": away}))
        calls.append(Requests(None))
        calls[-1].outlive_replacement()
    publish(tmp_path, monkeypatch)
    held = replaced_files(tmp_path)
    assert held == len(calls)
    begun = asyncio.get_running_loop().time()
    await eventually(lambda: replaced_files(tmp_path) == 0, 10, "no replaced file is open")
    took = asyncio.get_running_loop().time() - begun
    assert [call.resolve().revision for call in calls] == revisions
    assert [call.sets("edited")[0][AWAY] for call in calls] == [20 + n for n in range(12)]
    for call in calls:
        call.close()
    happened(f"{held} files closed, each call keeps its revision", took)


async def test_fault_83_a_replaced_file_that_is_damaged_costs_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The call continues with the folder, as where the file is read."""
    publish(tmp_path, monkeypatch, {f"caller-{number}": SLOWER for number in range(200)})
    (file,) = tmp_path.glob("*.sqlite")
    call = Requests(None, "caller-150")
    os.truncate(file, 4096)
    file.unlink()
    call.outlive_replacement()
    assert replaced_files(tmp_path) == 0
    codes = [problem.code for problem in call.resolve().problems]
    assert codes == ["profiles-unavailable", "profile-unknown"]
    assert caplog.messages[0].startswith(f"published profiles unreadable: {file}: ")
