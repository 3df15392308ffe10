"""The command `timing-profiles`: check, compare and explain a set of profiles."""

from collections.abc import Sequence


class UsageError(Exception):
    """An argument is invalid; the text lists the valid ones."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments after the command's name; None for those of the process.

    Returns:
        0 clean, 1 problems, 2 a wrong command line, 130 interrupted.
    """
    from timing_profiles.cli import command_line

    return command_line.run(argv)
