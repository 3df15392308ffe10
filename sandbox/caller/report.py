"""A measured call as JSON."""

import json
from collections.abc import Mapping
from typing import Any

import timing_profiles
from sandbox.caller.call import Dial
from sandbox.caller.measure import Call
from timing_profiles import Settings


def report(call: Call, here: Settings | str) -> dict[str, Any]:
    """Return the JSON object that `make call` prints.

    Args:
        call: the measured call.
        here: what `resolved` found; `values` holds each field's value and where it came from, or is
            None beside a note.
    """
    return {
        **_values(here),
        "profile": call.profile or None,
        "revision": call.revision or None,
        "problems": list(call.problems),
        "waits": call.waits,
        "cut_in": call.cut_in,
    }


def as_text(result: Mapping[str, Any]) -> str:
    """Return JSON with a line for each field."""
    lines = [f"  {json.dumps(key)}: {_indented(value)}" for key, value in result.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def resolved(call: Call, dial: Dial) -> Settings | str:
    """Resolve the metadata here; return a note where the agent took other settings."""
    try:
        here = timing_profiles.resolve(
            dial.metadata,
            room=dial.room_metadata,
            dispatch=dial.dispatch_metadata,
            attributes=dial.attributes,
        )
    except timing_profiles.ProfilesError:
        return "the profiles of this folder are broken"
    if (here.profile, here.revision) != (call.profile, call.revision):
        return f"resolved in this folder, it is {here.profile} of revision {here.revision}"
    return here


def _values(here: Settings | str) -> dict[str, Any]:
    if isinstance(here, str):
        return {"values": None, "note": here}
    return {
        "values": {
            path: {"value": value, "origin": here.origins[path]}
            for path, value in here.values.items()
        }
    }


def _indented(value: Any) -> str:
    if not isinstance(value, Mapping):
        return json.dumps(value)
    lines = [f"    {json.dumps(key)}: {json.dumps(item)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + "\n  }"
