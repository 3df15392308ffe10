"""What a session heard is stored: later rehearsals need no session, and decide the same."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import recorded
from tests.test_rehearsal_engine import PAUSE, values
from timing_profiles.rehearsal import session, stored
from timing_profiles.rehearsal.rehearse import rehearse
from timing_profiles.rehearsal.sweep import THRESHOLD
from timing_profiles.turns.fields import DETECTION, MAX_DELAY, MIN_DELAY, MODE

USERS = stored.directory  # before the tests' own takes its place
PROFILES: Mapping[str, Mapping[str, Any]] = {
    "brisk": values("brisk"),
    "patient": values("patient"),
    "quick": values(**{DETECTION: "vad", MIN_DELAY: 0.6}),
}


@pytest.fixture(name="directory")
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory of entries."""
    monkeypatch.setattr(stored, "directory", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture(name="call")
def _call(tmp_path: Path) -> Path:
    """A call of two turns, one with a pause of 1.2 s."""
    return recorded.write(tmp_path / "call.wav", *recorded.sides(PAUSE, "Yes please."))


def rehearsed(call: Path, profiles: Mapping[str, Mapping[str, Any]], **options: Any) -> Any:
    """Return the JSON of a rehearsal in one process."""

    def failed(_: Path, reason: str) -> None:
        pytest.fail(reason)

    return rehearse([call], profiles, failed=failed, processes=1, **options).to_json("", [])


@pytest.mark.usefixtures("directory")
def test_other_delays_need_no_session(call: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the same rehearsal, whose result is the same."""
    first = rehearsed(call, PROFILES)

    def unwanted(*_: Any) -> None:
        pytest.fail("a session was started")

    monkeypatch.setattr(session, "play", unwanted)
    assert rehearsed(call, PROFILES) == first
    other = values("brisk", **{MIN_DELAY: 1.5, MAX_DELAY: 1.6, THRESHOLD: 0.9})
    (found,) = rehearsed(call, {"other": other})["profiles"]
    assert found["turns_cut"]["count"] == 0


@pytest.mark.usefixtures("directory")
def test_arithmetic_and_session_print_the_same(call: Path) -> None:
    """Cuts, waits and what decided, to the millisecond; `dynamic` is left to the session."""
    profiles = {**PROFILES, "dynamic": values(**{MODE: "dynamic"})}
    assert rehearsed(call, profiles) == rehearsed(call, profiles, by_session=True)


def test_entries_contain_numbers_alone(call: Path, directory: Path) -> None:
    """No sound, no word, no name."""
    rehearsed(call, PROFILES)
    entries = [file for file in directory.rglob("*") if file.is_file()]
    assert len(entries) == 2 + 2 * 2  # two channels; two turns, heard with and without detector

    def numbers(value: Any) -> bool:
        if isinstance(value, list):
            return all(map(numbers, value))
        return value is None or isinstance(value, (int, float))

    assert [file for file in entries if not numbers(json.loads(file.read_bytes()))] == []
    assert max(file.stat().st_size for file in entries) < 1000


def test_damaged_entries_are_replaced(call: Path, directory: Path) -> None:
    """With any content."""
    first = rehearsed(call, PROFILES)
    entries = [file for file in directory.rglob("*") if file.is_file()]
    for file in entries:
        file.write_bytes(b"\xff{")
    assert rehearsed(call, PROFILES) == first
    assert [file for file in entries if file.read_bytes() == b"\xff{"] == []


def test_directory_that_cannot_be_written_is_not_an_error(call: Path, directory: Path) -> None:
    """No entry is stored."""
    directory.write_text("a file in its place", encoding="utf-8")
    assert rehearsed(call, PROFILES)["turns"] == 2


def test_key_depends_on_sound_and_settings() -> None:
    """And on the kind of entry."""
    keys = {
        stored.key("heard", b"a", 1),
        stored.key("heard", b"b", 1),
        stored.key("heard", b"a", 2),
        stored.key("speech", b"a", 1),
    }
    assert len(keys) == 4
    assert stored.key("heard", b"a", 1) in keys


def test_entries_are_in_the_cache_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """As XDG_CACHE_HOME names it."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert USERS() == Path("/caches/timing-profiles/rehearsal")
