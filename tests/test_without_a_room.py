"""Resolving without a room."""

import shutil
from pathlib import Path
from types import MappingProxyType

import pytest

import timing_profiles
from timing_profiles import ProfilesError, resolve
from timing_profiles.resolution.without_a_room import Metadata

ROOT = Path(__file__).parent.parent
ENDPOINTING = "stt.nova.endpointing_ms"


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """A folder with default, `slow` and `slower`."""
    found = tmp_path / "calls"
    found.mkdir()
    shutil.copy(ROOT / "profiles" / "default.yaml", found)
    (found / "slow.yaml").write_text("stt: {nova: {endpointing_ms: 400}}\n")
    (found / "slower.yaml").write_text("stt: {nova: {endpointing_ms: 600}}\n")
    return found


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param('{"profile": "slow", "min_interruption_words": 2}', id="text"),
        pytest.param({"profile": "slow", "min_interruption_words": 2}, id="object"),
        pytest.param(
            MappingProxyType({"profile": "slow", "min_interruption_words": 2}),
            id="mapping",
        ),
    ],
)
def test_metadata_is_text_or_an_object(profiles: Path, metadata: Metadata) -> None:
    """An application's test may write metadata as it is sent, or as a dict."""
    found = resolve(metadata, profiles_dir=profiles)
    assert (found.profile, found.values[ENDPOINTING]) == ("slow", 400)
    assert found.values["turn_handling.interruption.min_words"] == 2
    assert found.origins[ENDPOINTING] == "calls/slow.yaml:1"


@pytest.mark.parametrize("metadata", [None, "", "not ours", {}])
def test_no_metadata_is_the_default_profile(profiles: Path, metadata: Metadata) -> None:
    """A caller who asks for nothing gets default."""
    found = resolve(metadata, profiles_dir=profiles)
    assert (found.profile, found.problems, found.changed) == ("default", (), ())


def test_every_layer_can_be_given(profiles: Path) -> None:
    """Application, room, dispatch and participant are laid upon each other as in a call."""
    found = resolve(
        {"min_interruption_words": 3},
        profiles_dir=profiles,
        profile="slower",
        room={"min_interruption_words": 1, "min_endpointing_delay": 0.9},
        dispatch='{"profile": "slow", "max_endpointing_delay": 3.5}',
    )
    assert found.profile == "slow"
    assert {path: found.origins[path] for path in found.changed} == {
        ENDPOINTING: "calls/slow.yaml:1",
        "turn_handling.endpointing.max_delay": "dispatch",
        "turn_handling.interruption.min_words": "participant",
    }


def test_profile_argument_is_for_callers_who_request_none(profiles: Path) -> None:
    """The application's profile is the lowest layer."""
    assert resolve(profiles_dir=profiles, profile="slower").profile == "slower"
    assert resolve({"profile": "slow"}, profiles_dir=profiles, profile="slower").profile == "slow"


def test_bad_metadata_is_a_problem(profiles: Path) -> None:
    """The settings have the problems that a call would report."""
    found = resolve('{"endpointing_ms": "800"}', profiles_dir=profiles, room="{")
    assert [(problem.code, problem.file) for problem in found.problems] == [
        ("metadata-invalid", "room"),
        ("override-type", "participant"),
    ]


def test_broken_profiles_raise(profiles: Path) -> None:
    """An application's test fails where its worker would not start."""
    (profiles / "slow.yaml").write_text("tts: {speed: 9}\n")
    with pytest.raises(ProfilesError) as caught:
        resolve(profiles_dir=profiles)
    assert str(caught.value) == (
        "calls/slow.yaml:1:14: tts.speed: 9 is more than the maximum of 1.5 (factor)"
    )


def test_folder_is_found_as_by_a_worker(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given, else `PROFILES_DIR`, else `profiles` in the current folder."""
    monkeypatch.setenv("PROFILES_DIR", str(profiles))
    assert resolve({"profile": "slow"}).profile == "slow"
    monkeypatch.delenv("PROFILES_DIR")
    monkeypatch.chdir(ROOT)
    assert resolve().origins[ENDPOINTING].startswith("profiles/default.yaml:")
    assert resolve(profiles_dir=str(profiles)).origins[ENDPOINTING].startswith("calls/")


def test_public_names_exist() -> None:
    """Each name that the package lists can be had, and no other."""
    assert all(getattr(timing_profiles, name) for name in timing_profiles.__all__)
    with pytest.raises(AttributeError, match="module 'timing_profiles' has no attribute 'nothing'"):
        _ = timing_profiles.nothing
