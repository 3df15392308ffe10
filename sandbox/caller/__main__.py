"""`make call`: data to standard output, progress to standard error."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import load_dotenv

from sandbox import connection
from sandbox.caller import Dial, NotAnsweredError, Script, call
from sandbox.caller.report import as_text, report
from sandbox.caller.sound import write_wav
from sandbox.connection import ConnectionUnknownError


def main() -> int:
    """Exit status: 0 answered, 1 not answered, 2 a variable makes no sense."""
    load_dotenv(".env.local")
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # what matters of it becomes an error
    environment = {name: value for name, value in os.environ.items() if value}
    try:
        return asyncio.run(_call(_dial(environment), _script(environment), environment))
    except (NotAnsweredError, ConnectionUnknownError) as error:
        return _fail(1, error)
    except ValueError as error:
        return _fail(2, error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads has seen enough
        sys.stderr.close()
        return 0


async def _call(dial: Dial, script: Script, environment: Mapping[str, str]) -> int:
    result = await call(connection.find(), dial, script, _say)
    if recording := environment.get("RECORD"):
        write_wav(Path(recording), result.said, result.heard)
        _say(f"recorded in {recording}")
    print(as_text(report(result, dial)))  # noqa: T201 (the command's result)
    return 0


def _dial(environment: Mapping[str, str]) -> Dial:
    kind = environment.get("KIND", "standard")
    if kind not in ("standard", "sip"):
        raise ValueError(f"KIND is standard or sip, not {kind}")
    return Dial(
        metadata=_metadata(environment),
        attributes=_attributes(environment),
        kind="sip" if kind == "sip" else "standard",
        room_metadata=environment.get("ROOM_METADATA", ""),
        dispatch_metadata=environment.get("DISPATCH_METADATA", ""),
        observer=_is_set(environment, "OBSERVER"),
        preconnect=_is_set(environment, "PRECONNECT"),
        patience=_number(environment, "WAIT", Dial().patience),
    )


def _metadata(environment: Mapping[str, str]) -> str:
    if profile := environment.get("PROFILE"):
        return environment.get("METADATA", json.dumps({"profile": profile}))
    return environment.get("METADATA", "")


def _attributes(environment: Mapping[str, str]) -> dict[str, str]:
    text = environment.get("ATTRIBUTES", "{}")
    try:
        attributes = json.loads(text)
    except ValueError:
        attributes = None
    if not isinstance(attributes, dict) or not all(map(_is_text, attributes.values())):
        raise ValueError(f"ATTRIBUTES is a JSON object of strings, not {text}")
    return attributes


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _script(environment: Mapping[str, str]) -> Script:
    script = Script()
    return Script(
        text=environment.get("SAY", script.text),
        voice=environment.get("VOICE", script.voice),
        rate=int(_number(environment, "RATE", script.rate)),
    )


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(environment.get(name, default))
    except ValueError:
        raise ValueError(f"{name} is a number, not {environment[name]}") from None


def _is_set(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "0").lower() not in ("0", "no", "false")


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)  # noqa: T201 (progress, for people)


def _fail(status: int, error: Exception) -> int:
    _say(f"call: {error}")
    return status


if __name__ == "__main__":
    sys.exit(main())
