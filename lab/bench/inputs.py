"""The request of every benchmark: a profile of this repository, and three overrides."""

import json
import shutil
from pathlib import Path

from timing_profiles.catalog import catalog
from timing_profiles.handoff import snapshot

ROOT = Path(__file__).parents[2]

PROFILES = ROOT / "profiles"

PROFILE = "patient"

OVERRIDES = {
    "stt": {"nova": {"endpointing_ms": 300}},
    "turn_handling": {"endpointing": {"min_delay": 1.2, "max_delay": 3.0}},
}

METADATA = json.dumps({"profile": PROFILE, "overrides": OVERRIDES})

LLM_MODEL = "openai/gpt-4.1-mini"


def published(folder: Path) -> Path:
    """Publish the starter profiles; return the path of the published file."""
    path = folder / "profiles.sqlite"
    loaded = catalog.load(PROFILES)
    snapshot.publish(path, loaded.revision, loaded.schema, loaded.layers)
    return path


def many_profiles(folder: Path, count: int) -> Path:
    """Make a directory `profiles` with the starter profiles and small ones, `count` in all."""
    shutil.copytree(PROFILES, folder / "profiles")
    have = len(list((folder / "profiles").iterdir()))
    for number in range(count - have):
        path = folder / "profiles" / f"profile-{number}.yaml"
        path.write_text(one_of_many(0), encoding="utf-8")
    return folder / "profiles"


def one_of_many(number: int) -> str:
    """Return a profile that differs with a number, and causes no warning."""
    delay = 0.4 + number % 1000 / 1000
    return (
        "description: One of many.\n"
        "vad: {min_silence_duration: 0.35}\n"
        f"turn_handling:\n  endpointing:\n    min_delay: {delay:.3f}\n    max_delay: 4.0\n"
    )
