"""`why`: what decided each turn of one call, and what would have changed it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from timing_profiles.cli import UsageError, chosen, terminal
from timing_profiles.cli.output import print_json, print_problems, print_text
from timing_profiles.cli.recordings import Options, Recordings
from timing_profiles.cli.terminal import Style
from timing_profiles.problems import printable, quoted
from timing_profiles.rehearsal import outcome, sweep, why
from timing_profiles.rehearsal.outcome import Outcome
from timing_profiles.rehearsal.summary import counted
from timing_profiles.rehearsal.sweep import HeardTurn
from timing_profiles.rehearsal.transcript import said_before
from timing_profiles.rehearsal.why import Change, Explained
from timing_profiles.turns.fields import Values

_FAILS = 1


@dataclass(frozen=True, slots=True)
class _Call:
    """One call: its name, the profile, its turns with their numbers, and all turns given."""

    recording: str
    profile: str
    values: Values
    turns: Sequence[tuple[int, Explained]]
    heard: Sequence[HeardTurn]


@dataclass(frozen=True, slots=True)
class Request(Options):
    """What a command line asks for.

    Attributes:
        recordings: The call that is explained; all of them are what a change is priced over.
        name: The profile.
        turn: The turn that is explained, counted from 1; all by default.
    """

    name: str
    turn: int | None


def run(**options: Any) -> int:
    """Run the command with the arguments of a command line; see `Request`."""
    return explained(Request(**options))


def explained(request: Request) -> int:
    """Print what decided each turn of the first recording, and what would have changed it.

    Returns:
        0, or 1 where a recording cannot be judged.
    """
    gc.enable()  # sessions are cycles, and there are many
    turn = request.turn
    profile = chosen.profile(chosen.profiles_with(request.name), request.name)
    calls = Recordings(request)
    reason = outcome.not_by_arithmetic(profile.values, calls.stt_delay)
    if reason:
        raise UsageError(f"{profile.name} cannot be explained: {reason}")
    first, others = calls.explained(profile.values)
    if turn is not None and first and not 1 <= turn <= len(first):
        raise UsageError(f"there is no turn {turn}: the call has {counted(len(first), 'turn')}")
    print_problems(calls.problems, sys.stderr)
    if first:
        wanted = [
            (number, one) for number, (_, one) in enumerate(first, 1) if turn in {None, number}
        ]
        heard = [*(one.heard for _, one in first), *others]
        _print(_Call(first[0][0], profile.name, profile.values, wanted, heard), request.form)
    return _FAILS if calls.problems else 0


def _print(call: _Call, form: str) -> None:
    if form == "json":
        turns = [why.to_json(at, one, call.heard, call.values) for at, one in call.turns]
        print_json(
            {
                "recording": call.recording,
                "profile": call.profile,
                "turns": turns,
                "priced_over": len(call.heard),
            }
        )
    else:
        look = terminal.style(sys.stdout)
        print_text("\n".join(_lines(call, look)))


def _lines(call: _Call, look: Style) -> Iterator[str]:
    priced = f"changes are priced over {counted(len(call.heard), 'turn')}"
    yield look.bold(f"{printable(call.recording)}  {call.profile}  ({priced})")
    for number, one in call.turns:
        speech = one.heard.turn.speech
        head = f"turn {number}  {speech.start:.1f} to {speech.end:.1f} s  "
        yield look.wrapped(head + _decided(one, call.values), later="    ")
        if one.outcome.cuts and not one.changes:
            yield look.wrapped("no change of one field alone would have kept it", "  ", "    ")
        for change in one.changes:
            yield look.wrapped(_change(call, change), "  ", "    ")


def _decided(one: Explained, values: Values) -> str:
    """Return what happens to a turn, what decided, and the probability behind it."""
    decided, threshold = one.outcome, sweep.policy(values, one.heard.threshold).threshold
    cuts = decided.cuts
    if cuts:
        at = cuts[0]
        pause = one.heard.turn.pauses[at.pause] if at.pause is not None else None
        where = f"in a pause of {pause.seconds:.2f} s" if pause else "while the caller speaks"
        said = said_before(one.heard.turn.transcript, pause.start) if pause else ""
        where += f" after {quoted(said)}" if said else ""
        what, probability = f"cut at {at.at:.1f} s {where}", at.probability
    else:
        seen = one.heard.silences[-1:]
        probability = seen[0].probability if seen else None
        what = _end(decided, is_end=one.heard.turn.is_end)
    by = f" by {decided.decided_by}" if decided.decided_by else ""
    if probability is None:
        return what + by
    return f"{what}{by} (probability {probability:.2f}, threshold {threshold:.2f})"


def _end(decided: Outcome, *, is_end: bool) -> str:
    if decided.wait is not None:
        return f"answered after {decided.wait:.2f} s"
    return "no decision" if is_end else "not cut; its end is unknown"


def _change(call: _Call, change: Change) -> str:
    price = why.price(call.heard, call.values, change)
    kept = "would have kept it"
    if change.outcome.wait is not None and change.after < change.before:
        kept = f"would have answered after {change.outcome.wait:.2f} s"
    cut = "no other turn cut"
    if price.cut:
        cut = f"{counted(abs(price.cut), 'turn')} {'more' if price.cut > 0 else 'fewer'} cut"
    field = change.field.rpartition(".")[2]
    moved = f"mean wait {price.wait:+.2f} s"
    return f"{field} {change.before:g} -> {change.after:g} {kept}; price: {cut}, {moved}"
