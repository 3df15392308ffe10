"""Store results of sessions in the user's cache: seconds and probabilities, no sound, no words.

An entry is found by a hash of the sound and of the settings it was heard with, and by the versions
of the SDK. A directory that cannot be read or written is not an error: nothing is stored then.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

_FORMAT: Final = "2"  # another one for other contents
_PACKAGES: Final = ("livekit-agents", "livekit-local-inference", "av")

_memory: dict[str, Any] | None = None


def keep_in_memory() -> None:
    """Store nothing on the disk from now on: the results of this process end with it."""
    global _memory  # noqa: PLW0603 - the cache of a process
    _memory = {}


def directory() -> Path:
    """Return the directory of the entries; it may be deleted at any time."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "timing-profiles" / "rehearsal"


def key(kind: str, sound: bytes | bytearray, settings: Any = None) -> str:
    """Return the name of an entry.

    Args:
        kind: The kind of entry.
        sound: The samples that are heard.
        settings: The other values that the entry depends on, as JSON.
    """
    found = hashlib.sha256(sound)
    found.update(json.dumps([kind, settings, _versions()], sort_keys=True).encode())
    return found.hexdigest()


def read(name: str) -> Any:
    """Return the content of an entry; None where it is missing or damaged."""
    if _memory is not None:
        return _memory.get(name)
    try:
        return json.loads(_file(name).read_bytes())
    except (OSError, ValueError):
        return None


def write(name: str, value: Any) -> None:
    """Store an entry, whole or not at all."""
    if _memory is not None:
        _memory[name] = value
        return
    file = _file(name)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(value, stream)
            Path(made).replace(file)
        except OSError:
            Path(made).unlink(missing_ok=True)


def _file(name: str) -> Path:
    return directory() / name[:2] / name[2:]


@cache
def _versions() -> list[str]:
    return [_FORMAT, *map(_version, _PACKAGES)]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # another release of the SDK has other parts
        return ""
