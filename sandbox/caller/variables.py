"""Environment variables -> the calls to make."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.caller.call import Dial
from sandbox.caller.script import Script

FORMATS = ("text", "json")

_PATIENCE = 30.0  # seconds until a message states that there is no answer


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls to make.

    Attributes:
        dials: one for each call, with the name of the requested profile or an empty text.
        script: of each call.
        form: one of `FORMATS`; empty where it is left to the stream.
        recording: where to keep the sound; None for nowhere.
    """

    dials: Sequence[tuple[str, Dial]]
    script: Script
    form: str
    recording: Path | None

    def recordings(self) -> list[Path | None]:
        """Return the file of each call: `call.wav`, or `call-1.wav`, `call-2.wav`."""
        file, count = self.recording, len(self.dials)
        if file is None or count == 1:
            return [file] * count
        return [file.with_stem(f"{file.stem}-{number}") for number in range(1, count + 1)]


def read_variables(environment: Mapping[str, str]) -> Calls:
    """Read the variables; an empty one counts as not set.

    Raises:
        ValueError: a variable is invalid; the text is meant for people.
    """
    found = {name: value for name, value in environment.items() if value}
    return Calls(list(_dials(found)), _script(found), _form(found), _recording(found))


def _dials(found: Mapping[str, str]) -> Iterator[tuple[str, Dial]]:
    dial = _dial(found)
    names = [name.strip() for name in found.get("PROFILE", "").split(",")]
    if names == [""]:
        yield "", replace(dial, metadata=found.get("METADATA", ""))
        return
    if "METADATA" in found:
        raise ValueError("PROFILE and METADATA are both set: name the profile in METADATA")
    if "" in names:
        raise ValueError(f"PROFILE must be names separated by commas, not {found['PROFILE']}")
    for name in names:
        yield name, replace(dial, metadata=json.dumps({"profile": name}))


def _dial(found: Mapping[str, str]) -> Dial:
    kind = found.get("KIND", "standard")
    if kind not in ("standard", "sip"):
        raise ValueError(f"KIND must be standard or sip, not {kind}")
    patience = _number(found, "WAIT", _PATIENCE)
    if patience <= 0:
        raise ValueError(f"WAIT must be a number of seconds above 0, not {found['WAIT']}")
    return Dial(
        attributes=_attributes(found),
        kind="sip" if kind == "sip" else "standard",
        room_metadata=found.get("ROOM_METADATA", ""),
        dispatch_metadata=found.get("DISPATCH_METADATA", ""),
        observer=_is_set(found, "OBSERVER"),
        preconnect=_is_set(found, "PRECONNECT"),
        patience=patience,
    )


def _attributes(found: Mapping[str, str]) -> dict[str, str]:
    text = found.get("ATTRIBUTES", "{}")
    try:
        attributes = json.loads(text)
    except ValueError:
        attributes = None
    if not isinstance(attributes, dict) or not all(map(_is_text, attributes.values())):
        raise ValueError(f"ATTRIBUTES must be a JSON object of strings, not {text}")
    return attributes


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _script(found: Mapping[str, str]) -> Script:
    script = Script()
    return Script(
        text=found.get("SAY", script.text),
        voice=found.get("VOICE", script.voice),
        rate=int(_number(found, "RATE", script.rate)),
    )


def _form(found: Mapping[str, str]) -> str:
    form = found.get("FORMAT", "")
    if form not in ("", *FORMATS):
        raise ValueError(f"FORMAT must be {' or '.join(FORMATS)}, not {form}")
    return form


def _recording(found: Mapping[str, str]) -> Path | None:
    if "RECORD" not in found:
        return None
    file = Path(found["RECORD"])
    if not file.parent.is_dir():
        raise ValueError(f"RECORD: no such directory: {file.parent}")
    if file.is_dir():
        raise ValueError(f"RECORD must be a file, not the directory {file}")
    return file


def _number(found: Mapping[str, str], name: str, default: float) -> float:
    try:
        number = float(found.get(name, default))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a number, not {found[name]}")
    return number


def _is_set(found: Mapping[str, str], name: str) -> bool:
    return found.get(name, "0").lower() not in ("0", "no", "false")
