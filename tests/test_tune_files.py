"""What the page would write, and how it is written."""

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from timing_profiles.authoring.yaml_edit import scalar
from timing_profiles.catalog import catalog
from timing_profiles.problems import ProfilesError
from timing_profiles.tuner import draft, save
from timing_profiles.tuner.asked import Asked, Refused
from timing_profiles.tuner.draft import Draft
from timing_profiles.tuner.profile_set import ProfileSet
from timing_profiles.tuner.save import NotSaved

ROOT = Path(__file__).parents[1]

_ENDPOINTING = "turn_handling.endpointing"
_VAD = "vad.min_silence_duration"


@pytest.fixture
def profiles(tmp_path: Path) -> ProfileSet:
    """The starter profiles, in a directory of their own."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return ProfileSet(tmp_path / "profiles")


def _endpointing(**values: Any) -> dict[str, Any]:
    return {"turn_handling": {"endpointing": values}}


def _names(profiles: ProfileSet) -> set[str]:
    return {file.name for file in profiles.directory.iterdir()}


def _was(profiles: ProfileSet, name: str, path: str) -> str:
    """The comment of a new line: what the value was."""
    profile = profiles.catalog.profile(name)
    assert profile
    return f"# was {scalar(profile.values[path])} ({profile.origins[path]})"


def _drafted(profiles: ProfileSet, base: str, name: str, overrides: dict[str, Any]) -> Draft:
    return draft.make(profiles, Asked(base, overrides), name)


def test_new_profile_has_only_the_differences(profiles: ProfileSet) -> None:
    """Each value with its former one; a value that was set back is left out."""
    overrides = {
        **_endpointing(min_delay=1.2, max_delay=4.0),
        "vad": {"min_silence_duration": 0.4},
    }
    drafted = draft.make(profiles, Asked("patient", overrides), "mine", "People who\nthink.")
    assert drafted.before is None
    assert drafted.after.decode() == (
        "# yaml-language-server: $schema=../schema.json\n"
        "description: People who think.\n"
        "extends: patient\n"
        "\n"
        "vad:\n"
        f"  min_silence_duration: 0.4 {_was(profiles, 'default', _VAD)}\n"
        "\n"
        "turn_handling:\n"
        "  endpointing:\n"
        f"    min_delay: 1.2 {_was(profiles, 'patient', f'{_ENDPOINTING}.min_delay')}\n"
    )
    assert drafted.problems == ()


def test_new_profile_of_default_extends_it_implicitly(profiles: ProfileSet) -> None:
    """As the starter profiles do; without a description it has a sentence about its origin."""
    drafted = _drafted(profiles, "default", "mine", {"tts": {"speed": 0.9}})
    assert drafted.after.decode() == (
        "# yaml-language-server: $schema=../schema.json\n"
        "description: As default, tuned by ear.\n"
        "\n"
        "tts:\n"
        f"  speed: 0.9 {_was(profiles, 'default', 'tts.speed')}\n"
    )


def test_an_existing_profile_keeps_comments_and_order(profiles: ProfileSet) -> None:
    """The value is replaced where it stands; a new one becomes the last of its section."""
    before = (profiles.directory / "patient.yaml").read_text()
    overrides = _endpointing(min_delay=1.2, mode="dynamic")
    drafted = _drafted(profiles, "patient", "patient", overrides)
    was = _was(profiles, "default", f"{_ENDPOINTING}.mode")
    last = "    max_delay: 4.0 # OpenAI semantic VAD, medium eagerness: waits 4 s at most\n"
    assert drafted.after.decode() == before.replace("min_delay: 1.5", "min_delay: 1.2").replace(
        last, f"{last}    mode: dynamic {was}\n"
    )
    assert drafted.to_json()["diff"].splitlines()[:2] == [
        "--- a/profiles/patient.yaml",
        "+++ b/profiles/patient.yaml",
    ]


def test_other_existing_profile_gets_all_tuned_values(profiles: ProfileSet) -> None:
    """Tuned from `patient` and written to `brisk`: brisk then has all values of the tuned one."""
    asked = Asked("patient", _endpointing(min_delay=1.2))
    drafted = draft.make(profiles, asked, "brisk")
    save.save(profiles.directory, drafted)
    found = profiles.read()
    assert found.profile("brisk") is not None
    wanted = {**_values(found, "patient"), "turn_handling.endpointing.min_delay": 1.2}
    assert _values(found, "brisk") == wanted


def _values(found: catalog.Catalog, name: str) -> dict[str, Any]:
    profile = found.profile(name)
    assert profile
    return dict(profile.values)


def test_default_can_be_tuned_and_names_the_affected_profiles(profiles: ProfileSet) -> None:
    """All others inherit from it."""
    drafted = _drafted(profiles, "default", "default", _endpointing(min_delay=0.5))
    assert drafted.to_json()["affects"] == sorted({*profiles.catalog.names()} - {"default"})


def test_crlf_and_a_missing_line_end_survive(profiles: ProfileSet) -> None:
    """A file of an editor on Windows stays one."""
    file = profiles.directory / "patient.yaml"
    content = file.read_bytes().replace(b"\n", b"\r\n").rstrip()
    file.write_bytes(content)
    profiles.read()
    drafted = _drafted(profiles, "patient", "patient", _endpointing(mode="dynamic"))
    was = _was(profiles, "default", f"{_ENDPOINTING}.mode")
    assert drafted.after == content + f"\r\n    mode: dynamic {was}".encode()


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (_endpointing(min_delay=99), "99 is more than the maximum of 10 (s)"),
        (_endpointing(min_delay=5), "min_delay 5 is more than max_delay 4.0 (s)"),
    ],
)
def test_problems_of_check_are_those_of_the_new_text(
    profiles: ProfileSet, overrides: dict[str, Any], problem: str
) -> None:
    """With the line of the file that would be written."""
    drafted = _drafted(profiles, "patient", "patient", overrides)
    assert not drafted.is_valid
    assert [(found.file, found.line) for found in drafted.problems] == [
        ("profiles/patient.yaml", 12)
    ]
    assert problem in drafted.problems[0].message


def test_a_broken_set_is_not_written_to(profiles: ProfileSet) -> None:
    """Another file that is broken would keep the new one out of service."""
    (profiles.directory / "brisk.yaml").write_text("description: [\n")
    profiles.read()
    drafted = _drafted(profiles, "patient", "mine", _endpointing(min_delay=1.2))
    assert [problem.file for problem in drafted.problems] == ["profiles/brisk.yaml"]
    assert not drafted.is_valid


def test_a_broken_file_is_not_edited(profiles: ProfileSet) -> None:
    """Its problem names what to fix first."""
    file = profiles.directory / "patient.yaml"
    file.write_text(file.read_text().replace("min_delay: 1.5", "min_delay: [1.5"))
    profiles.read()
    with pytest.raises(
        Refused, match=r"^fix the file first: profiles/patient.yaml:13:5: invalid YAML"
    ):
        _drafted(profiles, "patient", "patient", _endpointing(min_delay=1.2))


@pytest.mark.parametrize(
    "name",
    ["", "Mine", "../mine", "a/b", "mine.yaml", "-a", "a" * 64, None, 1, "a\n", ".", "con:1"],
)
def test_no_other_name_than_a_profiles_is_taken(profiles: ProfileSet, name: Any) -> None:
    """A name is never a path."""
    with pytest.raises(Refused, match=r"^invalid profile name"):
        draft.make(profiles, Asked("default", {}), name)


def test_an_unknown_field_is_refused(profiles: ProfileSet) -> None:
    """It is not left out silently: the text would differ from the request."""
    with pytest.raises(Refused, match="min_delai"):
        _drafted(profiles, "default", "mine", _endpointing(min_delai=1))


def test_a_style_that_is_not_edited_is_refused(profiles: ProfileSet) -> None:
    """A comment inside a value would be lost."""
    text = "description: x\nturn_detector:\n  unlikely_threshold:\n    en: 0.3 # one\n    de: 0.2\n"
    (profiles.directory / "mine.yaml").write_text(text)
    profiles.read()
    with pytest.raises(Refused) as refused:
        _drafted(profiles, "mine", "mine", {"turn_detector": {"unlikely_threshold": 0.5}})
    assert str(refused.value) == (
        "profiles/mine.yaml is not edited by this page: unlikely_threshold is written over several"
        " lines with comments in between; edit it by hand"
    )


def test_a_file_is_saved_as_one_with_its_mode(profiles: ProfileSet) -> None:
    """And nothing else is left in the directory."""
    file = profiles.directory / "patient.yaml"
    file.chmod(0o640)
    before = _names(profiles)
    drafted = _drafted(profiles, "patient", "patient", _endpointing(min_delay=1.2))
    save.save(profiles.directory, drafted)
    assert file.read_bytes() == drafted.after
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert _names(profiles) == before
    assert profiles.read().profile("patient") is not None


def test_nothing_is_written_through_a_link(profiles: ProfileSet, tmp_path: Path) -> None:
    """Neither over a file elsewhere, nor over the link."""
    outside = tmp_path / "outside.yaml"
    outside.write_bytes((profiles.directory / "patient.yaml").read_bytes())
    (profiles.directory / "patient.yaml").unlink()
    (profiles.directory / "patient.yaml").symlink_to(outside)
    before = outside.read_bytes()
    profiles.read()
    drafted = _drafted(profiles, "patient", "patient", _endpointing(min_delay=1.2))
    with pytest.raises(NotSaved) as refused:
        save.save(profiles.directory, drafted)
    assert str(refused.value) == (
        "profiles/patient.yaml is a link: this page does not write through links"
    )
    assert outside.read_bytes() == before
    assert (profiles.directory / "patient.yaml").is_symlink()


def test_a_dangling_link_is_not_replaced(profiles: ProfileSet, tmp_path: Path) -> None:
    """It appeared after the text was drafted."""
    drafted = _drafted(profiles, "default", "mine", _endpointing(min_delay=1.2))
    (profiles.directory / "mine.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(NotSaved, match="is a link"):
        save.save(profiles.directory, drafted)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["patient", "mine"])
def test_an_edit_in_between_is_not_lost(profiles: ProfileSet, name: str) -> None:
    """Somebody else wrote the file after it was drafted."""
    drafted = _drafted(profiles, "patient", name, _endpointing(min_delay=1.2))
    file = profiles.directory / f"{name}.yaml"
    file.write_text("description: Another one.\n")
    with pytest.raises(NotSaved, match="was changed meanwhile"):
        save.save(profiles.directory, drafted)
    assert file.read_text() == "description: Another one.\n"
    assert not [one for one in _names(profiles) if one.startswith(".")]


def test_a_directory_that_is_gone_is_one_message(profiles: ProfileSet) -> None:
    """No traceback."""
    drafted = _drafted(profiles, "patient", "mine", _endpointing(min_delay=1.2))
    shutil.rmtree(profiles.directory)
    with pytest.raises(NotSaved, match=r"^profiles/mine.yaml cannot be written: No such file"):
        save.save(profiles.directory, drafted)


def test_the_last_valid_set_stays_while_files_are_broken(profiles: ProfileSet) -> None:
    """One message states that, until they are valid again."""
    revision = profiles.catalog.revision
    file = profiles.directory / "brisk.yaml"
    text = file.read_text()
    file.write_text("description: [\n")
    assert profiles.read().revision == revision
    assert profiles.broken == f"1 problem in profiles: revision {revision} stays in use"
    file.write_text(text)
    profiles.read()
    assert (profiles.broken, profiles.problems) == ("", ())


def test_a_set_that_is_broken_from_the_start_has_its_valid_part(tmp_path: Path) -> None:
    """But there is none without default."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    (tmp_path / "profiles" / "brisk.yaml").write_text("description: [\n")
    found = ProfileSet(tmp_path / "profiles")
    assert "brisk" not in found.catalog.names()
    assert found.broken == "1 problem in profiles: the valid ones stay in use"
    (tmp_path / "profiles" / "default.yaml").write_text("description: [\n")
    with pytest.raises(ProfilesError):
        ProfileSet(tmp_path / "profiles")


def test_json_of_a_draft_is_json(profiles: ProfileSet) -> None:
    """With the keys of the page's interface."""
    drafted = _drafted(profiles, "patient", "mine", _endpointing(min_delay=1.2))
    shown = json.loads(json.dumps(drafted.to_json()))
    assert {*shown} == {"file", "exists", "changed", "text", "diff", "problems", "affects"}
