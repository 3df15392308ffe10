"""Shell completion: of commands, profiles, fields and formats."""

from __future__ import annotations

from argparse import ArgumentParser

import argcomplete
from argcomplete.shell_integration import shellcode

from timing_profiles.cli import chosen
from timing_profiles.problems import ProfilesError


def completion(shell: str) -> int:
    """Print what a shell evaluates to complete `timing-profiles`; 0."""
    print(shellcode(["timing-profiles"], shell=shell))
    return 0


def answer(parser: ArgumentParser) -> None:
    """Answer a shell that completes a command line, and exit."""
    argcomplete.autocomplete(parser)


def profile_names() -> list[str]:
    """The sound profiles of the set."""
    try:
        return chosen.profiles_with().names()
    except ProfilesError:
        return []


def field_names() -> list[str]:
    """The fields and sections of the schema in force."""
    try:
        schema = chosen.readable().schema
    except ProfilesError:
        return []
    return sorted(path for path in (*schema.fields, *schema.sections) if path.isprintable())
