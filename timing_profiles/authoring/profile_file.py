"""Write settings as a complete profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from timing_profiles.problems import printable
from timing_profiles.profile import Profile
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns import dead_settings

_MODELINE = "# yaml-language-server: $schema=../schema.json"


def text(settings: Settings, allow: Sequence[str], default: Profile) -> str:
    """Write a profile that sets every field, each with the place of its value.

    A dead setting with the default's value is a comment, so that the file has no warnings.

    Args:
        settings: The values.
        allow: The fields and sections that metadata may change.
        default: The profile that the file inherits from.
    """
    dead = {
        path: reason
        for path, reason in dead_settings.reasons(settings.values, settings.values).items()
        if settings.values[path] == default.values.get(path)
    }
    active = [path for path in settings.values if path not in dead]
    lines = [_MODELINE, f"description: {_scalar(f'As {settings.profile}, complete.')}"]
    if tuple(allow) != default.allow:
        lines += ["overrides:", f"  allow: {_scalar(list(allow))}"]
    above: tuple[str, ...] = ()
    for path, value in settings.values.items():
        *sections, name = path.split(".")
        lines += _headings(tuple(sections), above, active)
        above = tuple(sections)
        why = f"no effect: {dead[path]}" if path in dead else settings.origins[path]
        indent = "  " * len(sections)
        lines.append(f"{indent}{'# ' if path in dead else ''}{name}: {_scalar(value)} # {why}")
    return "\n".join(map(printable, lines)) + "\n"


def _headings(
    sections: tuple[str, ...], above: tuple[str, ...], active: Sequence[str]
) -> Iterator[str]:
    """Yield the keys of the sections that begin here; as comments where all their fields are."""
    for depth, name in enumerate(sections):
        if sections[: depth + 1] != above[: depth + 1]:
            if not depth:
                yield ""
            within = ".".join(sections[: depth + 1]) + "."
            is_active = any(path.startswith(within) for path in active)
            yield f"{'  ' * depth}{'' if is_active else '# '}{name}:"


def _scalar(value: Any) -> str:
    """Return a value on one line, such as `1.5`, `auto` or `[1.0, 1.0]`."""
    dumped: str = yaml.safe_dump(value, default_flow_style=True, width=float("inf"))
    return dumped.removesuffix("\n").removesuffix("\n...").rstrip()
