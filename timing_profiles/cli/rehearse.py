"""`rehearse`: what profiles would have done on recorded calls."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from timing_profiles.catalog import folder
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.folder import SUFFIX
from timing_profiles.cli import UsageError, chosen, terminal
from timing_profiles.cli.committed import Against, catalog_at, resolved
from timing_profiles.cli.output import (
    annotation,
    check_place,
    print_json,
    print_problems,
    print_text,
)
from timing_profiles.cli.recordings import Options, Recordings
from timing_profiles.cli.terminal import Style
from timing_profiles.problems import Problem, printable, quoted, strerror
from timing_profiles.rehearsal import environment, gate, other_sdk, page, summary, upgrade
from timing_profiles.rehearsal.environment import EnvironmentUnavailableError
from timing_profiles.rehearsal.gate import Gate, GateError
from timing_profiles.rehearsal.paired import Pair
from timing_profiles.rehearsal.recording import Side
from timing_profiles.rehearsal.result import ProfileResult, Rehearsal
from timing_profiles.rehearsal.upgrade import Upgrade

_HOLDS, _FAILS, _NO_EVIDENCE = 0, 1, 3

# The verdict on a gate is the worst one of all profiles.
_WORST: Final = ("fails", "not-enough-evidence", "holds")
_LEVELS: Final = {"fails": "error", "not-enough-evidence": "warning", "holds": "notice"}


@dataclass(frozen=True, slots=True)
class _Report:
    """What is printed.

    Attributes:
        revision: That of the set.
        caller: The channel of the caller.
        heard: What the sessions heard in place of the recordings; empty where nothing is changed.
        rehearsed: The results.
        judged: The result of each gate for each profile.
        problems: The recordings that could not be judged.
        against: What the results are compared with; None where they are not.
        pairs: Each profile beside its former version.
        other: The same turns under another release of the SDK; None where none was asked for.
    """

    revision: str
    caller: Side
    heard: str
    rehearsed: Rehearsal
    judged: Mapping[Gate, Mapping[str, gate.Result]]
    problems: Sequence[Problem]
    against: Against | None
    pairs: Sequence[Pair]
    other: Upgrade | None

    @property
    def against_name(self) -> str:
        """The commit that the results are compared with; empty where there is none."""
        return printable(self.against.git) if self.against else ""


@dataclass(frozen=True, slots=True)
class Request(Options):
    """What a command line asks for.

    Attributes:
        names: The profiles; all of the set where none is named, or all that changed.
        git: The commit whose profiles are rehearsed; the files as they are by default.
        against: The commit to compare with.
        metadata: What each caller would send; may be empty.
        sdk: Another release of livekit-agents; none by default.
        gates: Limits, such as `turns_cut<=5%`.
        output: The file to write; stdout where there is none.
    """

    names: Sequence[str]
    git: str | None
    against: str | None
    metadata: str
    sdk: str | None
    gates: Sequence[str]
    output: str | None


def run(**options: Any) -> int:
    """Run the command with the arguments of a command line; see `Request`."""
    return rehearse(Request(**options))


def rehearse(request: Request) -> int:
    """Print what profiles would have done on recorded calls.

    Returns:
        0, 1 where a gate fails, a decision differs under the other release of the SDK, or a
        recording cannot be judged, 3 where there is too little
        evidence for a gate.
    """
    gc.enable()  # sessions are cycles, and there are many
    limits = [_gate(text, request.against) for text in request.gates]
    check_place(request.output)
    found = _found(request)
    former = _against(request.against, found)
    names = request.names or (former.changed if former else found.names())
    profiles = [chosen.profile(found, name) for name in names]
    calls = Recordings(request)
    python = _other_python(request)
    calling = {one.name: resolved(found, one.name, request.metadata) for one in profiles}
    problems = dict.fromkeys(problem for one in calling.values() for problem in one.problems)
    values = {name: one.values for name, one in calling.items()}
    before = former.values(values, request.metadata) if former else {}
    everything = calls.rehearse({**values, **before})
    results = {result.profile: result for result in everything.profiles}
    rehearsed = replace(everything, profiles=[results[name] for name in values])
    pairs = former.pairs(rehearsed.profiles, results) if former else ()
    judged = {limit: _judged(limit, rehearsed.profiles, pairs) for limit in limits}
    other = _other(python, calls, rehearsed.profiles) if python else None
    report = _Report(
        found.revision,
        request.caller,
        calls.heard_instead,
        rehearsed,
        judged,
        calls.problems,
        former,
        pairs,
        other,
    )
    print_problems([*problems, *report.problems], sys.stderr)
    _print(report, request.form, request.output)
    return _status(report)


def _other_python(request: Request) -> Path | None:
    """Return the Python that has another release of the SDK; None where none was asked for."""
    if request.sdk is None:
        return None
    try:
        return environment.python(request.sdk, lambda line: print_text(line, sys.stderr))
    except EnvironmentUnavailableError as error:
        raise UsageError(f"--sdk: {error}") from None


def _other(python: Path, calls: Recordings, profiles: Sequence[ProfileResult]) -> Upgrade:
    """Judge the same turns under another release."""
    known = {one.profile: one.values for one in profiles if one.unknown is None}
    try:
        after = other_sdk.ask(python, calls.placed(), calls.conditions, known)
    except EnvironmentUnavailableError as error:
        raise UsageError(f"--sdk: {error}") from None
    before = {
        one.profile: [other_sdk.judgement(turn.outcome) for turn in one.turns] for one in profiles
    }
    return upgrade.compare(profiles, other_sdk.here(before), after)


def _gate(text: str, against: str | None) -> Gate:
    try:
        found = gate.parse(text)
    except GateError as error:
        raise UsageError(str(error)) from None
    if found.metric == gate.NEWLY_CUT and against is None:
        raise UsageError(f"gate {quoted(text)} needs --against REV")
    return found


def _found(request: Request) -> Catalog:
    if request.git is not None:
        return catalog_at(request.git)
    return chosen.profiles_with(*request.names) if request.names else chosen.profiles()


def _against(revision: str | None, found: Catalog) -> Against | None:
    return None if revision is None else Against(revision, catalog_at(revision), found)


def _print(report: _Report, form: str, output: str | None) -> None:
    if output is not None:
        _write(_FORMS[form](report, Style()), output)
    elif form == "json":
        print_json(_report_json(report))
    elif form == "github":
        print(_github(report, Style()), end="")
    else:
        print_text(_FORMS[form](report, terminal.style(sys.stdout)), end="")


def _write(text: str, output: str) -> None:
    try:
        Path(output).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        shown = printable(Path(output).as_posix())
        raise UsageError(f"{shown}: cannot be written: {strerror(error)}") from None


def _judged(
    limit: Gate, profiles: Sequence[ProfileResult], pairs: Sequence[Pair]
) -> Mapping[str, gate.Result]:
    if limit.metric == gate.NEWLY_CUT:
        return {pair.profile: gate.judged_pair(limit, pair) for pair in pairs}
    return {result.profile: gate.judged(limit, result) for result in profiles}


def _worst(results: Mapping[str, gate.Result]) -> gate.Result:
    nothing = gate.Result("holds", 0, 0)  # no profile changes
    return min(results.values(), key=lambda one: _WORST.index(one.verdict), default=nothing)


def _status(report: _Report) -> int:
    verdicts = {_worst(results).verdict for results in report.judged.values()}
    differs = report.other is not None and report.other.differences
    if report.problems or differs or "fails" in verdicts:
        return _FAILS
    return _NO_EVIDENCE if "not-enough-evidence" in verdicts else _HOLDS


def _json(report: _Report, _: Style) -> str:
    return json.dumps(_report_json(report), indent=2) + "\n"


def _report_json(report: _Report) -> dict[str, Any]:
    gates = [_gate_json(*one) for one in report.judged.items()]
    shown = report.rehearsed.to_json(report.revision, gates)
    if report.against:
        shown["against"] = {
            "git": report.against.git,
            "revision": report.against.former.revision,
            "profiles": [pair.to_json() for pair in report.pairs],
        }
    if report.other:
        shown["sdk"] = report.other.to_json()
    return shown


def _gate_json(limit: Gate, results: Mapping[str, gate.Result]) -> dict[str, Any]:
    worst = _worst(results)
    return {"gate": limit.text, "result": worst.verdict, "needed": worst.needed}


def _html(report: _Report, _: Style) -> str:
    compared = [*_comparison(report), *(report.other.lines() if report.other else ())]
    return page.page(report.rehearsed, report.caller, report.judged, compared, report.heard)


def _github(report: _Report, _: Style) -> str:
    """Return a workflow command for each recording, profile and gate, at the profile's file."""
    lines = [annotation(problem) for problem in report.problems]
    for result in report.rehearsed.profiles:
        words = result.unknown and f"unknown: {result.unknown}"
        lines.append(_about(result.profile, words or _in_words(result), "notice"))
    for pair in report.pairs:
        level = "warning" if pair.newly_cut else "notice"
        first = next(summary.compared(pair)).removeprefix(f"{pair.profile}: ")
        lines.append(_about(pair.profile, f"against {report.against_name}: {first}", level))
    lines += [
        _about(one.profile, f"under another SDK: {one}", "warning")
        for one in (report.other.differences if report.other else ())
    ]
    for limit, results in report.judged.items():
        lines += [
            _about(profile, f"gate {limit.text} {summary.verdict(result)}", _LEVELS[result.verdict])
            for profile, result in results.items()
        ]
    return "".join(f"{line}\n" for line in lines)


def _about(profile: str, words: str, level: str) -> str:
    file = (folder.profiles_dir() / f"{profile}{SUFFIX}").as_posix()
    return annotation(Problem("rehearsal", words, path=profile, file=file), level)


def _in_words(result: ProfileResult) -> str:
    cells = zip(summary.HEAD[1:], summary.row(result)[1:], strict=True)
    return ", ".join(f"{name} {cell}" for name, cell in cells)


def _text(report: _Report, look: Style) -> str:
    return "".join(f"{line}\n" for line in _lines(report, look))


def _lines(report: _Report, look: Style) -> Iterator[str]:
    profiles = report.rehearsed.profiles
    yield summary.counts(report.rehearsed, report.caller, report.heard)
    known = [result for result in profiles if result.unknown is None]
    rows = [summary.HEAD, *map(summary.row, known)]
    for at, line in enumerate(terminal.lines(rows)):
        yield look.dim(line) if at == 0 else line
    for one in profiles:
        if one.unknown is not None:
            yield look.wrapped(f"{one.profile}: unknown: {one.unknown}", later="  ")
    worst = [*summary.worst_pauses(profiles)]
    if worst:
        yield look.bold("worst pauses")
    for pause in worst:
        yield look.wrapped(f"{printable(pause.where)}  {pause}", "  ", "    ")
    for part in (_comparison(report), report.other.lines() if report.other else ()):
        for at, line in enumerate(part):
            yield (
                look.bold(line)
                if at == 0
                else look.wrapped(line.strip(), line[: -len(line.lstrip())], "    ")
            )
    for limit, results in report.judged.items():
        for profile, result in results.items():
            words = f"gate {limit.text}: {profile}: {summary.verdict(result)}"
            yield look.wrapped(words, later="  ")


def _comparison(report: _Report) -> Iterator[str]:
    """Yield a heading, and what the later version of each profile changes."""
    if not report.against:
        return
    yield f"against {report.against_name}"
    if not report.pairs:
        yield "no caller notices a difference"
    for pair in report.pairs:
        yield from summary.compared(pair)


_FORMS: Final = {"text": _text, "json": _json, "html": _html, "github": _github}
"""What is printed in each form."""
