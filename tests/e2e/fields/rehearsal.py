"""Conversations that are held for tests, many at a time."""

import asyncio
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.fields.conversation import Conversation, Scene, converse
from timing_profiles import catalog, in_force, snapshot
from timing_profiles.schema import Schema

ROOT = Path(__file__).parents[3]

Sets = Mapping[str, Any]
"""Fields by dotted path, and their values."""

# Seconds by which one begins later than the other: what they do in the same way, and what that
# costs the machine, then does not fall into the same moment.
_APART: Final = 0.1

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


async def hold(
    rehearsals: Iterable[Rehearsal], folder: Path, together: int
) -> dict[Rehearsal, Conversation]:
    """Hold them all, each once.

    Args:
        rehearsals: What is to be held.
        folder: For the profiles.
        together: How many are held side by side.
    """
    each = sorted(dict.fromkeys(rehearsals), key=lambda one: one.scene.lasts)
    names = {one: f"rehearsal-{number}" for number, one in enumerate(each)}
    held: dict[Rehearsal, Conversation] = {}
    with pytest.MonkeyPatch.context() as environment:
        _publish({names[one]: one.profile for one in each}, folder / "profiles.sqlite", environment)
        for group in _groups(each, together):
            curtain = asyncio.Barrier(len(group))
            async with asyncio.TaskGroup() as stage:
                played = [
                    stage.create_task(converse(names[one], one.scene, curtain, number * _APART))
                    for number, one in enumerate(group)
                ]
            held.update(zip(group, (one.result() for one in played), strict=True))
    return held


def _publish(profiles: Mapping[str, str], path: Path, environment: pytest.MonkeyPatch) -> None:
    """Do as a worker does for its jobs."""
    files = {f"{name}.yaml": text.encode() for name, text in profiles.items()}
    files["default.yaml"] = (ROOT / "profiles" / "default.yaml").read_bytes()
    schema = Schema((ROOT / "schema.json").read_text(encoding="utf-8"))
    found = catalog.build(files, schema, None, "profiles")
    snapshot.publish(found.revision, found.schema, iter(found.layers.values()), path)
    for name in ("LIVEKIT_DEV_MODE", "LIVEKIT_REMOTE_EOT_URL"):
        environment.delenv(name, raising=False)
    for name in ("DEEPGRAM_API_KEY", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        environment.setenv(name, "any key of at least so many characters")
    environment.setenv(in_force.PUBLISHED, str(path))


def _groups(each: Iterable[Rehearsal], size: int) -> Iterator[Sequence[Rehearsal]]:
    rest = iter(each)
    while group := list(itertools.islice(rest, size)):
        yield group


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
