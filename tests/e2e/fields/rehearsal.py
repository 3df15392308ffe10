"""Conversations that are held for tests, in virtual time: the same each time, on any machine."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.fields.conversation import Conversation, Scene, converse
from timing_profiles.catalog import catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.handoff import snapshot, variables
from timing_profiles.rehearsal import virtual_time

ROOT = Path(__file__).parents[3]

Sets = Mapping[str, Any]
"""Fields by dotted path, and their values."""

# In every profile: a call that ends at once, and no warm-up in which nobody can interrupt.
_SHORT: Final[Sets] = {
    "session.session_close_transcript_timeout": 0.0,
    "session.aec_warmup_duration": None,
}


@dataclass(frozen=True)
class Rehearsal:
    """A scene with the timing of a profile.

    Attributes:
        scene: What happens.
        profile: The text of the profile.
    """

    scene: Scene
    profile: str


Held = Mapping[Rehearsal, Conversation]


def rehearsal(scene: Scene, sets: Sets) -> Rehearsal:
    """A scene with the timing of a profile that sets these fields; the same for the same fields."""
    return Rehearsal(scene, json.dumps(nested({**_SHORT, **sets}), sort_keys=True))


def hold(rehearsals: Iterable[Rehearsal], folder: Path) -> dict[Rehearsal, Conversation]:
    """Hold each conversation once, one after the other.

    Args:
        rehearsals: What is to be held.
        folder: For the profiles.
    """
    names = {one: f"rehearsal-{n}" for n, one in enumerate(dict.fromkeys(rehearsals))}
    with pytest.MonkeyPatch.context() as environment:
        profiles = {name: one.profile for one, name in names.items()}
        _publish(profiles, folder / "profiles.sqlite", environment)
        return {one: virtual_time.run(converse(name, one.scene)) for one, name in names.items()}


def _publish(profiles: Mapping[str, str], path: Path, environment: pytest.MonkeyPatch) -> None:
    """Do as a worker does for its jobs."""
    files = {f"{name}.yaml": text.encode() for name, text in profiles.items()}
    files["default.yaml"] = (ROOT / "profiles" / "default.yaml").read_bytes()
    schema = Schema((ROOT / "schema.json").read_text(encoding="utf-8"))
    found = catalog.build(files, schema, None, "profiles")
    snapshot.publish(path, found.revision, found.schema, found.layers)
    for name in ("DEEPGRAM_API_KEY", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        environment.setenv(name, "any key of at least so many characters")
    environment.setenv(variables.PUBLISHED, str(path))
    # Without certificates: each conversation's client of the LLM would read all of the system's.
    environment.delenv("SSL_CERT_FILE", raising=False)
    environment.setenv("SSL_CERT_DIR", str(path.parent))


def nested(sets: Sets) -> dict[str, Any]:
    """The same as the data of a profile."""
    data: dict[str, Any] = {}
    for path, value in sets.items():
        *outer, last = path.split(".")
        inner = data
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return data
