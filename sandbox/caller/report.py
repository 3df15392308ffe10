"""A measured call as JSON."""

import json
from collections.abc import Mapping
from typing import Any

import timing_profiles
from sandbox.caller.call import Dial
from sandbox.caller.measure import Call


def report(call: Call, dial: Dial) -> dict[str, Any]:
    """What `make call` prints.

    Beside what was measured, `values` holds what the same metadata resolves to here: each field's
    value and where it came from; None, with a note, when the agent took something else.
    """
    return {
        **_values(call, dial),
        "profile": call.profile or None,
        "revision": call.revision or None,
        "problems": list(call.problems),
        "waits": call.waits,
        "cut_in": call.cut_in,
    }


def as_text(result: Mapping[str, Any]) -> str:
    """JSON with a line for each field."""
    lines = [f"  {json.dumps(key)}: {_indented(value)}" for key, value in result.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _values(call: Call, dial: Dial) -> dict[str, Any]:
    try:
        here = timing_profiles.resolve(
            dial.metadata,
            room=dial.room_metadata,
            dispatch=dial.dispatch_metadata,
            attributes=dial.attributes,
        )
    except timing_profiles.ProfilesError:
        return {"values": None, "note": "the profiles of this folder are broken"}
    if (here.profile, here.revision) != (call.profile, call.revision):
        found = f"{here.profile} of revision {here.revision}"
        return {"values": None, "note": f"resolved in this folder, it is {found}"}
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
