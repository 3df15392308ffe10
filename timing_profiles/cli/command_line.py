"""Parse the command line, run a command, and return the status of the process."""

from __future__ import annotations

import errno
import io
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from timing_profiles import __version__
from timing_profiles.cli import UsageError, terminal
from timing_profiles.problems import ProfilesError, cut, printable, strerror

CLEAN, PROBLEMS, USAGE = 0, 1, 2  # statuses of the process

_HIGHEST_PORT = 65_535
_LONGEST_MESSAGE = 500  # of argparse, which repeats the arguments

# Statuses that a shell reports after SIGINT and SIGPIPE.
_INTERRUPTED, _UNREAD = 130, 141

_ABOUT = """\
Check, compare and explain timing profiles for LiveKit voice agents.
The set is the directory that PROFILES_DIR names, else `profiles`."""

_ABOUT_INIT = """\
Write a first set of profiles into a repository: profiles/, schema.json, the
settings of VS Code and the hook of pre-commit. Files that exist are kept; the
hook is added to .pre-commit-config.yaml. All files are written, or none. The
set is DIR/profiles, also where PROFILES_DIR names another directory. Prints the
lines to add to an agent."""

_ABOUT_REHEARSE = """\
Play each turn of recorded calls to LiveKit's own session, with the timing of
each profile: which would have cut in, and how long callers would have waited.
Nothing leaves this machine. Exit status: 0; 1 a gate fails, a decision differs
under the other SDK, or a recording cannot be judged; 2 a wrong command line, or
the other SDK cannot be installed; 3 too little evidence for a gate."""

_ABOUT_TUNE = """\
Serve a page on this machine to tune by ear: talk to an agent with a profile, see
the turn as it happens, move a setting and hear it, leave with YAML. The agent is
the one of LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET; `make dev` serves
the page itself, with a local agent. Ctrl-C ends it."""

_EXAMPLES = """\
timing-profiles init
timing-profiles check
timing-profiles show patient
timing-profiles diff brisk patient
timing-profiles explain turn_handling.endpointing.max_delay
timing-profiles show --help    # each command has examples"""

Command = Callable[..., int]


def run(argv: Sequence[str] | None) -> int:
    """Run one command; return the status of the process."""
    _open_streams()
    try:
        status = _run(argv)
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
        return _without_directory() or _unwritten(error)
    return status


def _open_streams() -> None:
    """Make every text printable: discard it where a stream is closed, escape invalid characters.

    Files and pipes get UTF-8 with line feeds on Windows, too: a profile is read as UTF-8.
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


def _run(argv: Sequence[str] | None) -> int:
    if "_ARGCOMPLETE" in os.environ:
        from timing_profiles.cli import completion

        completion.answer(_parser())
    words = sys.argv[1:] if argv is None else argv
    parser = _parser(*words[:1])
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as ended:  # argparse has printed the error or the help
        return int(ended.code or CLEAN)
    options = vars(arguments)
    try:
        # Imported here: a command loads only the libraries that it uses.
        command: Command = import_module(f"timing_profiles.cli.{options.pop('module')}").run
        return command(**options)
    except ImportError as error:
        if (error.name or "").startswith("timing_profiles"):
            raise
        reason = f"this command needs livekit-agents and what comes with it: {error}"
        raise UsageError(f"{reason}; install timing-profiles with its dependencies") from None


def _without_directory() -> int:
    """The status where the working directory was removed; 0 where it is there."""
    try:
        Path.cwd()
    except OSError as error:
        reason = f"cannot read the working directory: {strerror(error)}; enter it again"
        print(f"timing-profiles: {reason}", file=sys.stderr)
        return USAGE
    return CLEAN


def _unwritten(error: OSError) -> int:
    """Return the status after a failed write: the reader has left, or the disk is full."""
    # The interpreter must not write the rest of its buffer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # Windows has no other error for a pipe without a reader.
    if error.errno == (errno.EINVAL if terminal.WINDOWS else errno.EPIPE):
        return _UNREAD
    print(f"timing-profiles: cannot write: {strerror(error)}", file=sys.stderr)
    return PROBLEMS


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(cut(printable(message), _LONGEST_MESSAGE))


def _parser(command: str = "") -> ArgumentParser:
    """Make the parser of a command; of every one where none of that name exists."""
    parser = _Parser("timing-profiles", **_help(_ABOUT, _EXAMPLES))
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    adders = _adders()
    # The arguments of all commands take as long as reading twenty profiles.
    for name in [command] if command in adders else adders:
        adders[name](commands)
    return parser


def _adders() -> Mapping[str, Callable[[Any], None]]:
    return {
        "init": _add_init,
        "check": _add_check,
        "list": _add_list,
        "show": _add_show,
        "diff": _add_diff,
        "explain": _add_explain,
        "metadata-schema": _add_metadata_schema,
        "timeline": _add_timeline,
        "rehearse": _add_rehearse,
        "why": _add_why,
        "fit": _add_fit,
        "tune": _add_tune,
        "completion": _add_completion,
    }


def _add_init(commands: Any) -> None:
    parser = _command(
        commands,
        "init",
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
        "report the problems of profiles with file, line and column",
        "timing-profiles check\n"
        "timing-profiles check profiles other/profiles --strict\n"
        "timing-profiles check profiles/patient.yaml --format json\n"
        "timing-profiles check --add-missing    # after an upgrade",
    )
    about = "directories, each a set, and files"
    parser.add_argument("paths", nargs="*", metavar="PATH", type=_path, help=about)
    parser.add_argument("--strict", action="store_true", help="fail on warnings")
    about = "first add the fields of a newer release to default.yaml and schema.json"
    parser.add_argument("--add-missing", action="store_true", help=about)
    _formats(parser, "text", "json", "github")


def _add_list(commands: Any) -> None:
    summary = "list the profiles with their waits"
    parser = _command(commands, "list", summary, "timing-profiles list", "listing")
    _formats(parser, "text", "json")


def _add_show(commands: Any) -> None:
    parser = _command(
        commands,
        "show",
        "show one merged profile: effects for callers, and where each value is set",
        "timing-profiles show patient\n"
        """timing-profiles show patient --metadata '{"min_endpointing_delay": 0.8}'\n"""
        "timing-profiles show patient --format yaml > copy.yaml    # for profiles/",
    )
    _profile(parser, "name", metavar="NAME", help="a profile")
    parser.add_argument("--metadata", metavar="JSON", default="", help="metadata of a caller")
    _formats(parser, "text", "json", "yaml")


def _add_diff(commands: Any) -> None:
    parser = _command(
        commands,
        "diff",
        "show the changes for callers between two profiles or two commits",
        "timing-profiles diff brisk patient\n"
        "timing-profiles diff --git main    # main, and the current files\n"
        "timing-profiles diff --git main HEAD --format markdown",
    )
    _profile(parser, "names", metavar="NAME", nargs="*", help="two profiles")
    parser.add_argument(
        "--git", metavar="REV", nargs="+", dest="revisions", help="one commit, or two"
    )
    _formats(parser, "text", "json", "markdown")


def _add_explain(commands: Any) -> None:
    parser = _command(
        commands,
        "explain",
        "explain a field, a section, or all fields",
        "timing-profiles explain turn_handling.endpointing.max_delay\n"
        "timing-profiles explain vad\n"
        "timing-profiles explain --format markdown > reference.md",
    )
    about = "a field or section, by its dotted name; all fields where none is named"
    field = parser.add_argument("path", metavar="FIELD", nargs="?", help=about)
    field.completer = _field_names  # type: ignore[attr-defined] # argcomplete's convention
    _formats(parser, "text", "json", "markdown")


def _add_metadata_schema(commands: Any) -> None:
    parser = _command(
        commands,
        "metadata-schema",
        "print a JSON Schema (2020-12) of the metadata that a client may send",
        "timing-profiles metadata-schema > metadata.schema.json\n"
        "timing-profiles metadata-schema patient --format text",
        "metadata",
    )
    _profile(parser, "name", metavar="PROFILE", nargs="?", help="one profile; any by default")
    _formats(parser, "json", "text")


def _add_timeline(commands: Any) -> None:
    parser = _command(
        commands,
        "timeline",
        "draw a turn: when each setting acts, and when the agent answers",
        "timing-profiles timeline brisk patient\n"
        "timing-profiles timeline brisk patient -o turn.svg",
    )
    _profile(parser, "names", metavar="NAME", nargs="+", help="profiles")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the SVG to this file")
    parser.add_argument(
        "--format",
        dest="form",
        choices=["text", "svg", "json"],
        help="text on a terminal, else svg; with -o always svg",
    )


def _add_rehearse(commands: Any) -> None:
    parser = _command(
        commands,
        "rehearse",
        "play recorded calls to profiles: which would have cut in, and how long callers wait",
        "timing-profiles rehearse calls --profile brisk --profile patient\n"
        "timing-profiles rehearse calls --profile default --gate 'turns_cut<=5%'\n"
        "timing-profiles rehearse calls --against main --gate 'newly_cut<=0'\n"
        "timing-profiles rehearse call.wav --caller right --format html -o rehearsal.html\n"
        "timing-profiles rehearse calls --words calls --profile flux-conversation\n"
        "timing-profiles rehearse calls --noise crowded-room:10dB --line mulaw",
    )
    parser.description = _ABOUT_REHEARSE
    _recordings(parser)
    about = "a profile; all of the set by default"
    _profile(
        parser, "--profile", dest="names", metavar="NAME", action="append", default=[], help=about
    )
    about = "rehearse the profiles of a commit; by default the files as they are"
    parser.add_argument("--git", metavar="REV", help=about)
    about = "compare with the profiles of a commit, on the same turns"
    parser.add_argument("--against", metavar="REV", help=about)
    about = "what each caller would send: overrides of the profiles"
    parser.add_argument("--metadata", metavar="JSON", default="", help=about)
    about = "rehearse under this release of livekit-agents, too: which decisions differ"
    parser.add_argument("--sdk", metavar="VERSION", help=about)
    about = (
        "a limit of turns_cut, pauses_cut, wait_over_2s, wait_p50, wait_p90, wait_p95, newly_cut"
    )
    parser.add_argument(
        "--gate", dest="gates", metavar="EXPR", action="append", default=[], help=about
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write the result")
    _formats(parser, "text", "json", "html", "github")


def _add_why(commands: Any) -> None:
    parser = _command(
        commands,
        "why",
        "explain a recorded call: what decided each turn, and what would have changed it",
        "timing-profiles why calls/order.wav --profile brisk\n"
        "timing-profiles why calls/order.wav calls --turn 3    # priced over all calls",
    )
    _recordings(parser, "; the first is explained, all price a change")
    about = "a profile; default by default"
    _profile(parser, "--profile", dest="name", metavar="NAME", default="default", help=about)
    about = "one turn of the call, counted from 1; all by default"
    parser.add_argument("--turn", metavar="N", type=int, help=about)
    _formats(parser, "text", "json")


def _add_fit(commands: Any) -> None:
    parser = _command(
        commands,
        "fit",
        "fit delays and threshold to recorded calls, and place all profiles beside them",
        "timing-profiles fit calls --turns-cut 5%\n"
        "timing-profiles fit calls --turns-cut 5% --base patient -o profiles/ours.yaml\n"
        "timing-profiles fit calls --turns-cut 10% --frontier frontier.svg",
    )
    _recordings(parser)
    about = "the share of turns that may be cut, such as 5%%"
    parser.add_argument("--turns-cut", dest="most", metavar="SHARE", required=True, help=about)
    about = "the profile whose other settings stay; default by default"
    _profile(parser, "--base", metavar="NAME", default="default", help=about)
    parser.add_argument("--name", metavar="NEW", default="fitted", help="the name of the profile")
    about = "where to write the profile; no file is overwritten"
    parser.add_argument("-o", "--output", metavar="FILE", help=about)
    about = "where to draw the frontier, as SVG"
    parser.add_argument("--frontier", dest="picture", metavar="FILE", help=about)
    _formats(parser, "text", "json")


def _add_tune(commands: Any) -> None:
    parser = _command(
        commands,
        "tune",
        "serve a page to talk to an agent, hear a profile, and change it",
        "timing-profiles tune --profile patient\n"
        "timing-profiles tune --agent my-agent --write    # of LIVEKIT_URL",
    )
    parser.description = _ABOUT_TUNE
    about = "the profile that the page begins with"
    _profile(parser, "--profile", metavar="NAME", help=about)
    about = "the port; 7790 by default, or a free one where that is taken; 0 for a free one"
    parser.add_argument("--port", metavar="N", type=_port, help=about)
    about = "the address to listen at; 127.0.0.1 by default, which only this machine reaches"
    parser.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help=about)
    about = "the agent to call; LIVEKIT_AGENT_NAME by default, else the one that takes every call"
    parser.add_argument("--agent", metavar="NAME", default="", help=about)
    about = "let the page write profiles into the set; each is checked first"
    parser.add_argument("--write", action="store_true", help=about)


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() and text.isascii() else -1
    if not 0 <= number <= _HIGHEST_PORT:
        raise ArgumentTypeError(f"{text!r} is not a port from 0 to {_HIGHEST_PORT}")
    return number


def _path(text: str) -> str:
    if not text:  # of an unset variable of a shell; as a path, it is the working directory
        raise ArgumentTypeError("is empty")
    return text


def _recordings(parser: Any, more: str = "") -> None:
    """Add the recordings, and what is known of them."""
    about = f"stereo recordings (wav, ogg, mp3, flac), and directories of them{more}"
    parser.add_argument("recordings", metavar="RECORDING", nargs="+", type=_path, help=about)
    about = "the channel that has the caller; left by default"
    parser.add_argument("--caller", choices=["left", "right"], default="left", help=about)
    about = "where the caller speaks, as CSV: recording,start,end,went_on; also for one channel"
    parser.add_argument("--labels", metavar="FILE", help=about)
    about = "words with times, or a directory of such: booking.json belongs to booking.wav"
    parser.add_argument("--words", metavar="PATH", action="append", default=[], help=about)
    about = "how long after the end of speech Deepgram's words arrive; 0.3 by default"
    parser.add_argument("--stt-delay", metavar="SECONDS", help=about)
    about = "mix noise of the SDK under the caller, at this level of speech above noise"
    noise = parser.add_argument("--noise", metavar="NAME:10dB", help=about)
    noise.completer = _noises
    about = "pass the caller through a telephone line"
    parser.add_argument("--line", choices=["mulaw"], help=about)


def _add_completion(commands: Any) -> None:
    parser = _command(
        commands,
        "completion",
        "print the shell code that completes this command",
        'eval "$(timing-profiles completion bash)"',
    )
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])


def _command(
    commands: Any, name: str, summary: str, examples: str, module: str = ""
) -> ArgumentParser:
    """Add a command: `run` in a module of this package, called with the arguments by name."""
    about = f"{summary[0].upper()}{summary[1:]}."
    parser: ArgumentParser = commands.add_parser(name, help=summary, **_help(about, examples))
    parser.set_defaults(module=module or name)
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
    """Add `--format`; the first one is the default."""
    about = f"{names[0]} by default"
    parser.add_argument("--format", dest="form", choices=names, default=names[0], help=about)


def _profile(parser: ArgumentParser, name: str, **options: Any) -> None:
    profile = parser.add_argument(name, **options)
    profile.completer = _profile_names  # type: ignore[attr-defined] # argcomplete's convention


def _profile_names(**_: Any) -> list[str]:
    from timing_profiles.cli import completion

    return completion.profile_names()


def _noises(**_: Any) -> list[str]:
    from timing_profiles.cli import completion

    return completion.noises()


def _field_names(**_: Any) -> list[str]:
    from timing_profiles.cli import completion

    return completion.field_names()
