"""The profiles that a call uses, also where the published ones are gone."""

import json
import logging
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.room import Somebody
from timing_profiles.call.requests import Requests
from timing_profiles.catalog import catalog
from timing_profiles.catalog.folder import PROFILES_DIR, profiles_dir
from timing_profiles.handoff import snapshot, variables
from timing_profiles.resolution.settings import Settings

ROOT = Path(__file__).parent.parent
UNAVAILABLE = "the published profiles cannot be read"
AWAY = "session.user_away_timeout"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`PROFILES_DIR`: default, and `slow` with a shorter `user_away_timeout`."""
    found = tmp_path / "profiles"
    found.mkdir()
    shutil.copy(ROOT / "profiles" / "default.yaml", found)
    (found / "slow.yaml").write_text("session: {user_away_timeout: 9.0}\n")
    monkeypatch.setenv(PROFILES_DIR, str(found))
    return found


@pytest.fixture
def published(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a worker has published of the folder."""
    path = tmp_path / "profiles.sqlite"
    found = catalog.load(folder)
    snapshot.publish(path, found.revision, found.schema, found.layers)
    monkeypatch.setenv(variables.PUBLISHED, str(path))
    return path


def resolved(profile: str = "slow", metadata: str = "") -> Settings:
    caller = Somebody("caller", metadata)
    with closing(Requests(caller, room=json.dumps({"profile": profile}))) as requests:
        return requests.resolve()


def problems(found: Settings) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_call_uses_the_published_profiles(published: Path, folder: Path) -> None:
    """A job reads the published file, and not the folder, which may be in the middle of an edit."""
    revision = catalog.load(folder).revision
    shutil.rmtree(folder)
    found = resolved()
    assert (found.profile, found.revision, found.values[AWAY]) == ("slow", revision, 9.0)
    assert found.problems == ()
    assert published.exists()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(Path.unlink, id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:100]), id="truncated"),
        pytest.param(lambda path: path.write_bytes(b"garbage" * 999), id="garbage"),
    ],
)
def test_folder_is_read_without_a_readable_publication(
    published: Path,
    folder: Path,
    damage: Callable[[Path], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A call continues with the folder; its problem and the log state that."""
    damage(published)
    found = resolved()
    assert (found.profile, found.values[AWAY]) == ("slow", 9.0)
    assert found.revision == catalog.load(folder).revision
    assert problems(found) == [UNAVAILABLE]
    assert [problem.code for problem in found.problems] == ["profiles-unavailable"]
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.ERROR, "timing_profiles")
    assert record.getMessage().startswith(f"published profiles unreadable: {published}: ")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(shutil.rmtree, id="missing"),
        pytest.param(lambda path: (path / "x.yaml").write_text("sst: {}"), id="broken"),
        pytest.param(lambda path: (path / "default.yaml").unlink(), id="no-default"),
        pytest.param(
            lambda path: (path.parent / "schema.json").write_text("{"), id="broken-schema"
        ),
    ],
)
def test_packaged_default_serves_where_the_folder_is_broken_too(
    published: Path, folder: Path, damage: Callable[[Path], object]
) -> None:
    """No mistake in the profiles ends a call."""
    published.unlink()
    damage(folder)
    found = resolved("default")
    packaged = catalog.load(ROOT / "profiles").profile("default")
    assert packaged is not None
    assert (found.profile, found.values) == ("default", packaged.values)
    assert found.origins[AWAY].startswith("packaged/default.yaml:")
    assert problems(found) == [UNAVAILABLE]


def test_problems_of_the_folder_are_logged(
    published: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the reason for the packaged default in a call."""
    published.unlink()
    (folder / "x.yaml").write_text("tts: {speed: 9}\n")
    resolved()
    assert caplog.messages[1].splitlines() == [
        "profiles directory unusable: using the packaged default profile",
        "profiles/x.yaml:1:14: tts.speed: 9 is more than the maximum of 1.5 (factor)",
    ]


def test_request_is_judged_by_the_available_profiles(published: Path, folder: Path) -> None:
    """A profile that the packaged set does not have is a problem after the first one."""
    published.unlink()
    shutil.rmtree(folder)
    unknown = 'room: profile: unknown profile "slow"; available: default'
    assert problems(resolved()) == [UNAVAILABLE, unknown]


def test_policy_and_bounds_hold_without_the_published_file(published: Path) -> None:
    """A caller gains nothing when the worker's file is gone."""
    published.unlink()
    asked = '{"turn_detection": "manual", "endpointing_ms": 99999, "min_interruption_words": 2}'
    found = resolved("default", asked)
    assert [problem.code for problem in found.problems] == [
        "profiles-unavailable",
        "override-range",
        "override-forbidden",
    ]
    assert found.changed == ("turn_handling.interruption.min_words",)


@pytest.mark.usefixtures("folder")
def test_call_continues_without_published_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a worker around it, a call reads the folder."""
    monkeypatch.delenv(variables.PUBLISHED, raising=False)
    found = resolved()
    assert (found.profile, problems(found)) == ("slow", [UNAVAILABLE])


@pytest.mark.usefixtures("folder")
def test_log_without_published_profiles_names_the_fix(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who forgot `timing_profiles.attach(server)` is told so."""
    monkeypatch.delenv(variables.PUBLISHED, raising=False)
    resolved()
    (line,) = caplog.messages
    assert line == (
        "published profiles not found: was timing_profiles.attach(server) called?"
        " reading the profiles directory"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "profiles"), ("", "profiles"), ("/etc/calls", "/etc/calls")],
    ids=["unset", "empty", "set"],
)
def test_folder_is_that_of_the_environment(
    value: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`PROFILES_DIR`, else `profiles` in the current folder."""
    if value is not None:
        monkeypatch.setenv(PROFILES_DIR, value)
    assert profiles_dir() == Path(expected)


def test_reading_leaves_no_file_behind(published: Path) -> None:
    """The published file is opened for each call, and closed."""
    resolved()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        resolved()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert {file.name for file in published.parent.iterdir()} == {"profiles", published.name}
