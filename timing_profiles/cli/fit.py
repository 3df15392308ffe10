"""`fit`: the delays and the threshold that recordings ask for."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.cli import UsageError, chosen, terminal
from timing_profiles.cli.output import check_place, print_json, print_problems, print_text
from timing_profiles.cli.recordings import Options, Recordings
from timing_profiles.problems import Problem, printable, quoted, strerror
from timing_profiles.profile import NAME
from timing_profiles.rehearsal import fit, gate, outcome, plane, summary, sweep
from timing_profiles.rehearsal.fit import Bounds, Point
from timing_profiles.rehearsal.fitted import Fitted
from timing_profiles.rehearsal.gate import GateError
from timing_profiles.rehearsal.result import Rehearsal
from timing_profiles.rehearsal.summary import counted
from timing_profiles.rehearsal.sweep import THRESHOLD, Cost, HeardTurn
from timing_profiles.turns import wait
from timing_profiles.turns.fields import DETECTION, MAX_DELAY, MIN_DELAY, Values

_FAILS = 1
_MOST_ROWS: Final = 12
_ROUNDING: Final = 1e-9
_TRIES: Final = 5  # points of the frontier that the engine may refuse


@dataclass(frozen=True, slots=True)
class Request(Options):
    """What a command line asks for.

    Attributes:
        most: The share of turns that may be cut, such as `5%`.
        base: The profile whose other settings stay.
        name: The name of the profile that is written.
        output: The file for the profile; stdout where there is none.
        picture: The file for a picture of the frontier.
    """

    most: str
    base: str
    name: str
    output: str | None
    picture: str | None


@dataclass(frozen=True, slots=True)
class _Plane:
    """The frontier and all profiles: their cost, or why it is unknown."""

    frontier: Sequence[Point]
    profiles: Mapping[str, Cost | str]

    @property
    def known(self) -> Mapping[str, Cost]:
        return {name: cost for name, cost in self.profiles.items() if isinstance(cost, Cost)}


def run(**options: Any) -> int:
    """Run the command with the arguments of a command line; see `Request`."""
    return fitted(Request(**options))


def fitted(request: Request) -> int:
    """Print the frontier of recordings, every profile on it, and a profile that fits.

    Returns:
        0, 1 where a recording cannot be judged or no profile fits.
    """
    gc.enable()  # sessions are cycles, and there are many
    most = _share(request.most)
    found = chosen.profiles()
    base = chosen.profile(found, request.base)
    calls = Recordings(request)
    _check(request, base.values, base.name, calls.stt_delay)
    heard = calls.heard(base.values)
    print_problems(calls.problems, sys.stderr)
    turns = [turn for some in heard.values() for turn in some]
    ends = sum(turn.turn.is_end for turn in turns) // len(sweep.PHASES)
    cut_in = calls.cut_in
    if not turns or _is_below_what_was_seen(cut_in, ends, most):
        return _FAILS
    # Turns that an agent cut in on count as cut: no delay is known to keep them.
    left = (most * (ends + cut_in) - cut_in) / ends if ends else most
    bounds = _bounds(found, base.values, calls.stt_delay)
    frontier = fit.frontier([*fit.points(turns, bounds)])
    shown = _Plane(frontier, _costs(calls, found, base.values, turns))
    made = _confirmed(calls, frontier, left, base.values, base.name)
    left_out = fit.left_out(heard, left, bounds)
    result = None
    if made:
        point, rehearsed = made
        day = datetime.now(timezone.utc).date().isoformat()
        result = Fitted(
            point.policy,
            most,
            base.name,
            rehearsed.profiles[0],
            left_out,
            rehearsed.recordings,
            rehearsed.labels[1],
            day,
            cut_in,
        )
    if request.picture is not None:
        _write(Path(request.picture), plane.svg(frontier, shown.known, made[0] if made else None))
    _print(request, shown, result)
    if result and request.output is not None:
        _create(Path(request.output), result.text())
    return _FAILS if calls.problems or not result else 0


def _share(text: str) -> float:
    try:
        return gate.parse(f"turns_cut<={text}").limit
    except GateError:
        raise UsageError(f"--turns-cut {quoted(text)}: write a share, as in 5%") from None


def _check(request: Request, values: Values, base: str, stt_delay: float) -> None:
    reason = outcome.not_by_arithmetic(values, stt_delay)
    if not reason and values[DETECTION] != "turn_detector":
        reason = f"{DETECTION} {values[DETECTION]}: it has no threshold"
    if reason:
        raise UsageError(f"{base} cannot be fitted: {reason}")
    if not NAME.fullmatch(request.name):
        raise UsageError(f"invalid profile name {quoted(request.name)}: use a-z, 0-9 and hyphens")
    if request.output is not None and Path(request.output).exists():
        raise UsageError(f"{printable(request.output)}: exists; fit overwrites no file")
    for output in (request.output, request.picture):
        check_place(output)


def _is_below_what_was_seen(cut_in: int, ends: int, most: float) -> bool:
    """Return whether an agent cut in on a larger share of these turns, and print that.

    How long the caller would have been silent is unknown there: no delay is known to be enough.
    """
    total = ends + cut_in
    if cut_in <= most * total:
        return False
    lowest = math.ceil(100 * cut_in / total)
    message = (
        f"the agent of these recordings cut in on {cut_in} of {counted(total, 'turn')}:"
        f" they cannot show that less than {lowest}% are cut; allow as many, or record with longer"
        " delays"
    )
    print_problems([Problem("cut-in", message)], sys.stderr)
    return True


def _bounds(found: Catalog, base: Values, stt_delay: float) -> Bounds:
    """Return the bounds of the schema, and of `min_delay` what holds every answer back.

    A lower one is idle where the VAD does, and not known where the last words do.
    """

    def bounds(path: str) -> tuple[float, float]:
        schema = found.schema.fields[path].schema
        return float(schema.get("minimum", 0)), float(schema.get("maximum", 10))

    lowest, highest = bounds(MIN_DELAY)
    floor = max(term.seconds for term in wait.floors(base))
    words = wait.words(base)[-1].end + stt_delay - wait.VAD_LAG
    return Bounds(bounds(THRESHOLD), (max(lowest, floor, words), highest), bounds(MAX_DELAY))


def _costs(
    calls: Recordings, found: Catalog, base: Values, turns: Sequence[HeardTurn]
) -> Mapping[str, Cost | str]:
    """Return the cost of each profile; those that hear otherwise hear the recordings again."""
    heard = {repr(sweep.hearing(base)): turns}
    costs: dict[str, Cost | str] = {}
    for name in found.names():
        values = chosen.profile(found, name).values
        if outcome.not_by_arithmetic(values, calls.stt_delay):
            costs[name] = _cost_by_session(calls, name, values)
            continue
        key = repr(sweep.hearing(values))
        if key not in heard:
            again = calls.heard(values)
            heard[key] = [turn for some in again.values() for turn in some]
        threshold = heard[key][0].threshold
        costs[name] = sweep.cost(heard[key], sweep.policy(values, threshold))
    return costs


def _cost_by_session(calls: Recordings, name: str, values: Values) -> Cost | str:
    """Return the cost of a profile whose turns the session decides, where the words tell it."""
    (result,) = calls.rehearse({name: values}).profiles
    if result.unknown is not None:
        return result.unknown
    cut, of = result.turns_cut
    return Cost(cut / of, math.fsum(result.waits) / len(result.waits) if result.waits else 0.0)


def _confirmed(
    calls: Recordings, frontier: Sequence[Point], most: float, base: Values, name: str
) -> tuple[Point, Rehearsal] | None:
    """Return the fastest point that the engine confirms, and what the engine does with it."""
    within = [point for point in frontier if point.cost.cut <= most + _ROUNDING]
    changed = [(point, {**base, **point.policy.settings()}) for point in within]
    # With a short min_delay, Deepgram's words may decide, and nobody knows when they come.
    known = [(point, values) for point, values in changed if not outcome.unknown(values)]
    for point, values in known[:_TRIES]:
        settings = {name: values}
        rehearsed = calls.rehearse(settings, by_session=True)
        cut, of = rehearsed.profiles[0].turns_cut
        if cut <= most * of + _ROUNDING:
            return point, rehearsed
    return None


def _print(request: Request, shown: _Plane, result: Fitted | None) -> None:
    if request.form == "json":
        print_json(_json(shown, result))
        return
    print_text("\n".join(_lines(request, shown, result)))


def _json(shown: _Plane, result: Fitted | None) -> dict[str, Any]:
    return {
        "frontier": [_point(point) for point in shown.frontier],
        "profiles": [
            {
                "profile": name,
                "turns_cut": round(cost.cut, 4) if isinstance(cost, Cost) else None,
                "mean_wait": round(cost.wait, 3) if isinstance(cost, Cost) else None,
                "unknown": None if isinstance(cost, Cost) else cost,
                "dominated_by": _dominated(cost, shown),
            }
            for name, cost in shown.profiles.items()
        ],
        "fitted": result
        and {
            "settings": dict(result.policy.settings()),
            **{
                key: value
                for key, value in result.confirmed.to_json().items()
                if key in {"turns_cut", "pauses_cut", "wait"}
            },
            "cut_in": result.cut_in,
            "left_out": result.left_out
            and {
                "turns_cut": round(result.left_out.cut, 4),
                "mean_wait": round(result.left_out.wait, 3),
            },
            "profile": result.text(),
        },
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "settings": dict(point.policy.settings()),
        "turns_cut": round(point.cost.cut, 4),
        "mean_wait": round(point.cost.wait, 3),
    }


def _dominated(cost: Cost | str, shown: _Plane) -> dict[str, Any] | None:
    point = None if isinstance(cost, str) else fit.dominated_by(cost, shown.frontier)
    return _point(point) if point else None


def _lines(request: Request, shown: _Plane, result: Fitted | None) -> Iterator[str]:
    look = terminal.style(sys.stdout)
    yield look.bold("frontier")
    head = ("", "turns cut", "mean wait", "unlikely_threshold", "min_delay", "max_delay")
    rows = [("", *_row(point)) for point in _thinned(shown.frontier)]
    yield from terminal.lines([head, *rows])
    yield look.bold("profiles")
    yield from terminal.lines(_profiles(shown))
    for name, cost in shown.profiles.items():
        if isinstance(cost, str):
            yield look.wrapped(f"{name}: unknown: {cost}", "  ", "    ")
    if result is None:
        yield f"no policy cuts at most {printable(request.most)} of these turns"
        return
    yield look.bold(f"fitted to at most {result.most:.0%} of turns cut")
    cut = summary.share(*result.confirmed.turns_cut)
    yield look.wrapped(f"in LiveKit's session: {cut}", "  ", "    ")
    for words in result.remarks:
        yield look.wrapped(words, "  ", "    ")
    if request.output is None:
        yield look.bold(f"profiles/{request.name}.yaml")
        yield result.text().rstrip()


def _profiles(shown: _Plane) -> Iterator[tuple[str, ...]]:
    yield "", "turns cut", "mean wait", ""
    for name, cost in shown.known.items():
        better = fit.dominated_by(cost, shown.frontier)
        words = "on the frontier, or near it"
        if better:
            cut, wait, threshold, low, high = _row(better)
            words = f"dominated by {threshold}, {low}, {high}: {cut} cut, {wait}"
        yield f"  {name}", f"{cost.cut:.1%}", f"{cost.wait:.2f} s", words


def _row(point: Point) -> tuple[str, ...]:
    policy, cost = point.policy, point.cost
    delays = (f"{policy.min_delay:g} s", f"{policy.max_delay:g} s")
    return f"{cost.cut:.1%}", f"{cost.wait:.2f} s", f"{policy.threshold:g}", *delays


def _thinned(frontier: Sequence[Point]) -> Sequence[Point]:
    """Return at most so many points, evenly, the first and the last among them."""
    last = len(frontier) - 1
    if last < _MOST_ROWS:
        return frontier
    places = {round(at * last / (_MOST_ROWS - 1)) for at in range(_MOST_ROWS)}
    return [frontier[at] for at in sorted(places)]


def _create(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise _unwritten(path, error) from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise _unwritten(path, error) from None


def _unwritten(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{printable(path.as_posix())}: cannot be written: {strerror(error)}")
