"""What starter profiles decide on synthetic calls, under two releases of the SDK."""

import tempfile
from pathlib import Path

from sandbox import speech
from tests import recorded
from timing_profiles.catalog import catalog
from timing_profiles.rehearsal import other_sdk, upgrade
from timing_profiles.rehearsal.environment import EnvironmentUnavailableError
from timing_profiles.rehearsal.other_sdk import Placed
from timing_profiles.rehearsal.rehearse import Conditions, each_turn, rehearse

_PROFILES = Path(__file__).parents[2] / "profiles"

CALLS = {
    speech.CALLER: (
        "My number is [0.9] five five five.",
        "Our heating is broken. [0.6] It is very cold.",
        "Is the museum open?",
    ),
    "en-gb-x-rp": (
        "I would like [0.5] a table for two.",
        "The address is [1.6] twelve main street.",
        "I lost my key. [1.2] Can you help me?",
    ),
}
"""What callers say, by their voice."""


def differing(python: Path) -> str:
    """Return the decisions that differ under the release that a Python has; empty without any."""
    with tempfile.TemporaryDirectory(prefix="synthetic-calls-") as folder:
        files = [
            recorded.write(Path(folder) / f"{voice}.wav", *recorded.sides(*turns, voice=voice))
            for voice, turns in CALLS.items()
        ]
        try:
            found = compared(python, files)
        except EnvironmentUnavailableError as error:
            return f"Not rehearsed: {error}"
    return "\n".join(["Decisions on synthetic calls:", *found.lines()]) * bool(found.differences)


def compared(python: Path, files: list[Path]) -> upgrade.Upgrade:
    """Compare what the starter profiles decide on recordings here, and under another release."""
    found = catalog.load(_PROFILES)
    profiles = {name: one.values for name in found.names() if (one := found.profile(name))}
    failed: list[str] = []
    here = rehearse(files, profiles, failed=lambda _, reason: failed.append(reason))
    known = {one.profile: one.values for one in here.profiles if one.unknown is None}
    placed = each_turn(files, other_sdk.place_of, failed=lambda _, reason: failed.append(reason))
    assert failed == []
    by_name = {file.name: str(file) for file in files}
    turns = [Placed(by_name[name], turn, *place) for name, turn, place in placed.turns]
    before = {
        name: [other_sdk.judgement(turn.outcome) for turn in one.turns]
        for name in known
        for one in here.profiles
        if one.profile == name
    }
    after = other_sdk.ask(python, turns, Conditions(), known)
    return upgrade.compare(here.profiles, other_sdk.here(before), after)
