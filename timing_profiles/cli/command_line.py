"""The command line: what can be typed, and how it ends."""

from __future__ import annotations

import errno
import io
import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from timing_profiles import __version__
from timing_profiles.cli import UsageError, terminal
from timing_profiles.problems import ProfilesError, cut, printable, strerror

CLEAN, PROBLEMS, USAGE = 0, 1, 2

_LONGEST_MESSAGE = 500  # of argparse, which repeats what was typed

# As a shell reports what SIGINT and SIGPIPE have ended.
_INTERRUPTED, _UNREAD = 130, 141

_ABOUT = """\
Named timing profiles for LiveKit voice agents: check a set, and look into it.
The set is the folder that PROFILES_DIR names, else `profiles`."""

_ABOUT_INIT = """\
Write a first set of profiles into a repository: profiles/, schema.json, the
settings of VS Code and the hook of pre-commit. Files that exist are kept; the
hook is added to .pre-commit-config.yaml. All is written, or nothing. The set
is DIR/profiles, whatever PROFILES_DIR is. Prints what to add to an agent."""

_EXAMPLES = """\
timing-profiles init
timing-profiles check
timing-profiles show patient
timing-profiles diff brisk patient
timing-profiles explain turn_handling.endpointing.max_delay
timing-profiles show --help    # each command has examples"""

Command = Callable[[Namespace], int]


def run(argv: Sequence[str] | None) -> int:
    """Run one command; the status that the process ends with."""
    _open_streams()
    try:
        status = _ended(argv)
        sys.stdout.flush()
    except UsageError as error:
        from timing_profiles.cli import output

        look = terminal.style(sys.stderr)
        output.print_text(look.wrapped(f"timing-profiles: {error}", later="    "), sys.stderr)
        return USAGE
    except ProfilesError as error:
        from timing_profiles.cli import output

        output.print_problems(error.problems, sys.stderr)
        return PROBLEMS
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        return _unwritten(error)
    return status


def _open_streams() -> None:
    """Let no stream refuse what is printed: a closed one swallows it, odd letters are escaped.

    Files and pipes get the same bytes on Windows as elsewhere: a profile is read as UTF-8.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - open to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            if terminal.WINDOWS and not stream.isatty():
                encoding = None if os.environ.get("PYTHONIOENCODING") else "utf-8"
                stream.reconfigure(encoding=encoding, errors="backslashreplace", newline="\n")


def _ended(argv: Sequence[str] | None) -> int:
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:
        from timing_profiles.cli import completion

        completion.answer(parser)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as ended:  # it has said what is wrong, or helped
        return int(ended.code or CLEAN)
    command: Command = arguments.command
    return command(arguments)


def _unwritten(error: OSError) -> int:
    """The status where stdout takes no more: its reader has left, or the disk is full."""
    # The interpreter must not try to write what is left.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # Windows has no other word for a pipe that nobody reads.
    if error.errno == (errno.EINVAL if terminal.WINDOWS else errno.EPIPE):
        return _UNREAD
    print(f"timing-profiles: cannot write: {strerror(error)}", file=sys.stderr)
    return PROBLEMS


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(cut(printable(message), _LONGEST_MESSAGE))


def _parser() -> ArgumentParser:
    parser = _Parser("timing-profiles", **_help(_ABOUT, _EXAMPLES))
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_init(commands)
    _add_check(commands)
    _add_list(commands)
    _add_show(commands)
    _add_diff(commands)
    _add_explain(commands)
    _add_metadata_schema(commands)
    _add_timeline(commands)
    _add_completion(commands)
    return parser


def _add_init(commands: Any) -> None:
    parser = _command(
        commands,
        "init",
        _init,
        "write a first set of profiles into a repository",
        "timing-profiles init\n"
        "timing-profiles init voice-agent\n"
        "timing-profiles init --format json",
    )
    parser.description = _ABOUT_INIT
    about = "the repository, created if absent; the working directory by default"
    parser.add_argument("directory", metavar="DIR", nargs="?", default=".", help=about)
    _formats(parser, "text", "json")


def _add_check(commands: Any) -> None:
    parser = _command(
        commands,
        "check",
        _check,
        "say all that is wrong with profiles, with file, line and column",
        "timing-profiles check\n"
        "timing-profiles check profiles other/profiles --strict\n"
        "timing-profiles check profiles/patient.yaml --format json",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="folders, each a set, and files")
    parser.add_argument("--strict", action="store_true", help="fail on warnings, too")
    _formats(parser, "text", "json", "github")


def _add_list(commands: Any) -> None:
    summary = "list the profiles, and the wait that each leads to"
    parser = _command(commands, "list", _list, summary, "timing-profiles list")
    _formats(parser, "text", "json")


def _add_show(commands: Any) -> None:
    parser = _command(
        commands,
        "show",
        _show,
        "show one merged profile: what a caller notices, and where each value is set",
        "timing-profiles show patient\n"
        """timing-profiles show patient --metadata '{"min_endpointing_delay": 0.8}'\n"""
        "timing-profiles show patient --format yaml > copy.yaml    # for profiles/",
    )
    _profile(parser, "name", metavar="NAME", help="a profile")
    parser.add_argument("--metadata", metavar="JSON", default="", help="what a caller would send")
    _formats(parser, "text", "json", "yaml")


def _add_diff(commands: Any) -> None:
    parser = _command(
        commands,
        "diff",
        _diff,
        "show what changes for callers, between two profiles or between two commits",
        "timing-profiles diff brisk patient\n"
        "timing-profiles diff --git main    # main, and the files as they are\n"
        "timing-profiles diff --git main HEAD --format markdown",
    )
    _profile(parser, "names", metavar="NAME", nargs="*", help="two profiles")
    parser.add_argument("--git", metavar="REV", nargs="+", help="one commit, or two")
    _formats(parser, "text", "json", "markdown")


def _add_explain(commands: Any) -> None:
    parser = _command(
        commands,
        "explain",
        _explain,
        "explain a field, a section, or all fields",
        "timing-profiles explain turn_handling.endpointing.max_delay\n"
        "timing-profiles explain vad\n"
        "timing-profiles explain --format markdown > reference.md",
    )
    about = "a field or section, by its dotted name; all fields where none is named"
    field = parser.add_argument("field", metavar="FIELD", nargs="?", default="", help=about)
    field.completer = _field_names  # type: ignore[attr-defined] # argcomplete's convention
    _formats(parser, "text", "json", "markdown")


def _add_metadata_schema(commands: Any) -> None:
    parser = _command(
        commands,
        "metadata-schema",
        _metadata_schema,
        "print a JSON Schema (2020-12) of what a client may send as metadata",
        "timing-profiles metadata-schema > metadata.schema.json\n"
        "timing-profiles metadata-schema patient --format text",
    )
    _profile(parser, "name", metavar="PROFILE", nargs="?", help="one profile; any by default")
    _formats(parser, "json", "text")


def _add_timeline(commands: Any) -> None:
    parser = _command(
        commands,
        "timeline",
        _timeline,
        "draw a turn: when each setting acts, and when the agent answers",
        "timing-profiles timeline brisk patient\n"
        "timing-profiles timeline brisk patient -o turn.svg",
    )
    _profile(parser, "names", metavar="NAME", nargs="+", help="profiles")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write the picture")
    parser.add_argument(
        "--format",
        choices=["text", "svg", "json"],
        help="text on a terminal, else svg; with -o always svg",
    )


def _add_completion(commands: Any) -> None:
    parser = _command(
        commands,
        "completion",
        _completion,
        "print what makes a shell complete this command",
        'eval "$(timing-profiles completion bash)"',
    )
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])


def _init(arguments: Namespace) -> int:
    from timing_profiles.cli import init

    return init.init(arguments.directory, arguments.format)


def _check(arguments: Namespace) -> int:
    from timing_profiles.cli import check

    return check.check(arguments.paths, arguments.format, strict=arguments.strict)


def _list(arguments: Namespace) -> int:
    from timing_profiles.cli import listing

    return listing.list_profiles(arguments.format)


def _show(arguments: Namespace) -> int:
    from timing_profiles.cli import show

    return show.show(arguments.name, arguments.metadata, arguments.format)


def _diff(arguments: Namespace) -> int:
    from timing_profiles.cli import diff

    names, revisions = arguments.names, arguments.git
    if revisions and not names and len(revisions) <= len(("a", "b")):
        return diff.revisions(revisions, arguments.format)
    if revisions or len(names) != len(("a", "b")):
        raise UsageError("diff takes two profiles, or --git and one or two commits")
    a, b = names
    return diff.profiles(a, b, arguments.format)


def _explain(arguments: Namespace) -> int:
    from timing_profiles.cli import explain

    return explain.explain(arguments.field, arguments.format)


def _metadata_schema(arguments: Namespace) -> int:
    from timing_profiles.cli import metadata

    return metadata.schema(arguments.name, arguments.format)


def _timeline(arguments: Namespace) -> int:
    from timing_profiles.cli import timeline

    return timeline.timeline(arguments.names, arguments.format, arguments.output)


def _completion(arguments: Namespace) -> int:
    from timing_profiles.cli import completion

    return completion.completion(arguments.shell)


def _command(
    commands: Any, name: str, command: Command, summary: str, examples: str
) -> ArgumentParser:
    about = f"{summary[0].upper()}{summary[1:]}."
    parser: ArgumentParser = commands.add_parser(name, help=summary, **_help(about, examples))
    parser.set_defaults(command=command)
    return parser


def _help(about: str, examples: str) -> dict[str, Any]:
    indented = "\n".join(f"  {line}" for line in examples.splitlines())
    return {
        "description": about,
        "epilog": f"examples:\n{indented}",
        "formatter_class": RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }


def _formats(parser: ArgumentParser, *names: str) -> None:
    """The forms of what is printed; the first is the usual one."""
    parser.add_argument("--format", choices=names, default=names[0], help=f"{names[0]} by default")


def _profile(parser: ArgumentParser, name: str, **options: Any) -> None:
    profile = parser.add_argument(name, **options)
    profile.completer = _profile_names  # type: ignore[attr-defined] # argcomplete's convention


def _profile_names(**_: Any) -> list[str]:
    from timing_profiles.cli import completion

    return completion.profile_names()


def _field_names(**_: Any) -> list[str]:
    from timing_profiles.cli import completion

    return completion.field_names()
