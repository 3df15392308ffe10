"""`completion`: complete commands, profiles, fields and formats in a shell."""

from __future__ import annotations

from argparse import ArgumentParser

import argcomplete
from argcomplete.shell_integration import shellcode

from timing_profiles.cli import chosen
from timing_profiles.problems import ProfilesError


def run(shell: str) -> int:
    """Print the code that a shell evaluates to complete `timing-profiles`; return 0."""
    print(shellcode(["timing-profiles"], shell=shell))
    return 0


def answer(parser: ArgumentParser) -> None:
    """Print the completions that a shell requests, and exit."""
    argcomplete.autocomplete(parser)


def profile_names() -> list[str]:
    """Return the names of the valid profiles."""
    try:
        return chosen.profiles_with().names()
    except ProfilesError:
        return []


def noises() -> list[str]:
    """Return noise at a usual level, by each name."""
    from timing_profiles.rehearsal import line

    return [f"{name}:10dB" for name in line.names()]


def field_names() -> list[str]:
    """Return the fields and sections of the active schema."""
    try:
        schema = chosen.readable().schema
    except ProfilesError:
        return []
    return sorted(path for path in (*schema.fields, *schema.sections) if path.isprintable())
