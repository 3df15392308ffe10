"""Observations -> a table, in the terminal and on its page."""

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import markdown
from lab.scale.calls import Answered
from lab.scale.cluster import Active
from lab.scale.scenario import LOOKED_AT, Disturbed, Found, NodeDeath, Outcome, WorkerDeath

PUBLISHED_WITHIN = 1.0
"""Seconds from a swap until the worker of that machine has published it.

`make bench` holds 0.3 s (p99) for one worker that has the machine to itself.
"""

_BEGIN, _END = "<!-- make scale ARGS=--write -->", "<!-- end of make scale -->"
_MARKED = re.compile(f"{_BEGIN}.*{_END}", re.DOTALL)
_AT_ONCE = 10.0  # seconds in which an unharmed call answers, on a busy machine too
_WENT_ON = f"answered at once and {LOOKED_AT:g} s later"
_NONE = "there was none"
_HEAD = ("", "seen", "held")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Attributes:
        what: What it is about.
        seen: What was seen of it.
        held: Whether that is as it must be; None where nothing is promised.
    """

    what: str
    seen: str
    held: bool | None = None

    @property
    def cells(self) -> tuple[str, str, str]:
        """Return the cells."""
        return self.what, self.seen, {True: "yes", False: "NO", None: ""}[self.held]


def rows(found: Found) -> list[Row]:
    """Return all rows."""
    return [
        *_calls(found),
        *_changes(found),
        *_worker(found.worker),
        *_node(found.node),
    ]


def text(table: Sequence[Row]) -> str:
    """Return rows as a table."""
    return markdown.table(_HEAD, (row.cells for row in table))


def write(page: Path, result: str) -> None:
    """Put a result between the two markers of a page.

    Raises:
        ValueError: It has no markers.
    """
    before = page.read_text(encoding="utf-8")
    if not _MARKED.search(before):
        raise ValueError(f"{page}: markers {_BEGIN} ... {_END} are missing")
    after = _MARKED.sub(lambda _: f"{_BEGIN}\n\n{result}\n\n{_END}", before)
    page.write_text(after, encoding="utf-8")


def wrong_revision(call: Answered, history: Sequence[Active]) -> str:
    """Why a call may not have reported its revision; empty where it may.

    It may be one that was in force at its own worker at some moment from when the caller began to
    join until the job had taken its settings.
    """
    names = [one.revision for one in history]
    if call.reported != call.taken.revision:
        return f"a call reported {call.reported}, and its job took {call.taken.revision}"
    if call.reported not in names:
        return f"a call reported {call.reported}, which {call.machine.name} never had"
    place = names.index(call.reported)
    if history[place].since > call.taken.at:
        return f"a call reported {call.reported} before {call.machine.name} had its files"
    if place + 1 < len(history) and history[place + 1].published < call.began:
        return f"a call reported {call.reported}, which {call.machine.name} had replaced before it"
    return ""


def _calls(found: Found) -> Iterator[Row]:
    answered = _answered(found.calls)
    yield Row("**all is well**: calls answered", *_share(len(answered), len(found.calls)))
    for name, node in found.machines.items():
        count = sum(call.machine.name == name for call in answered)
        yield Row(f"by {name}, registered at node {node}", str(count), _all_get_some(found, count))
    yield Row("room at node A / node B", _rooms(answered))
    crossed = sum(call.room_at is not call.machine.node for call in answered)
    yield Row("worker registered at another node than the room's", str(crossed))
    entered = sum(call.room_at is not call.by_way_of for call in answered)
    yield Row("caller joined by another node than the room's", str(entered))
    yield Row("from joining until the agent listened", _times([call.seconds for call in answered]))
    for why in sorted({outcome for outcome in found.calls if isinstance(outcome, str)}):
        yield Row("a call was lost", why, held=False)


def _changes(found: Found) -> Iterator[Row]:
    histories = [history[1:] for history in found.histories.values()]
    seconds = [one.seconds for history in histories for one in history]
    machines, changes = len(histories), found.plan.changes
    yield Row(
        "**a change**: swap of `..data` until published",
        f"{_times(seconds)}; {changes} changes, {machines} workers",
        len(seconds) == changes * machines and max(seconds) <= PUBLISHED_WITHIN,
    )
    spread = [
        max(one.published for one in change) - min(one.since for one in change)
        for change in zip(*histories, strict=True)
    ]
    yield Row("from the first machine's swap until all published", _times(spread))
    answered = _answered(found.calls)
    older, newer = _amid(answered, histories)
    yield Row(
        "calls that began while two revisions were in force",
        f"{older + newer}: {older} got the older one, {newer} the newer",
    )
    reasons = [wrong_revision(call, found.histories[call.machine.name]) for call in answered]
    wrong = sorted({reason for reason in reasons if reason})
    yield Row(
        "calls whose revision was not in force at their worker",
        "; ".join(wrong) or f"0 of {len(answered)}",
        not wrong,
    )


def _worker(death: WorkerDeath) -> Iterator[Row]:
    held = len(death.own) + len(death.others)
    yield Row(
        f"**{death.name} killed** in {held} calls: its own calls, lost",
        f"{_lost(death.own)} of {len(death.own)}",
    )
    left = [one.agent_left for one in death.own if one.agent_left is not None]
    yield Row("LiveKit reported to their callers that the agent had left", f"after {_times(left)}")
    yield Row(f"calls of other workers, {_WENT_ON}", *_went_on(death.others))
    yield _following("the next calls, at once, by way of both nodes", death.following)
    yield Row(
        "started again: registered with the newest revision",
        f"after {death.again:.1f} s",
        death.revision == death.distributed,
    )


def _node(death: NodeDeath) -> Iterator[Row]:
    held = len(death.rooms) + len(death.ways) + len(death.others)
    yield Row(
        f"**node {death.name} killed** in {held} calls: calls in its rooms", _fate(death.rooms)
    )
    yield Row("room elsewhere, caller or worker connected by way of it", _fate(death.ways))
    yield Row(f"calls that had nothing to do with it, {_WENT_ON}", *_went_on(death.others))
    yield _following("the next calls, at once, by way of the other node", death.following)
    yield Row(
        "a change meanwhile, at all workers",
        _times(death.published),
        max(death.published) <= PUBLISHED_WITHIN,
    )
    yield Row(
        "started again: all of its workers registered", f"after {death.again:.1f} s", held=True
    )
    yield _following("the next calls, by way of both nodes", death.both)


def _following(what: str, calls: Sequence[Outcome]) -> Row:
    answered = _answered(calls)
    by = ", ".join(str(number) for number in sorted({call.machine.number for call in answered}))
    seconds = _times([call.seconds for call in answered])
    seen = f"{len(answered)} of {len(calls)} answered, by worker {by}, after {seconds}"
    lost = [outcome for outcome in calls if isinstance(outcome, str)]
    return Row(what, "; ".join([seen, *lost]), not lost)


def _all_get_some(found: Found, count: int) -> bool | None:
    """LiveKit asks the node whose workers have more room: where it has more workers, them alone."""
    workers = Counter(found.machines.values()).values()
    return count > 0 if len(set(workers)) == 1 else None


def _rooms(answered: Sequence[Answered]) -> str:
    count = Counter(call.room_at.name for call in answered)
    return f"{count['A']} / {count['B']}"


def _answered(outcomes: Iterable[Outcome]) -> list[Answered]:
    return [outcome for outcome in outcomes if isinstance(outcome, Answered)]


def _amid(answered: Sequence[Answered], histories: Sequence[Sequence[Active]]) -> tuple[int, int]:
    """How many calls took the older and the newer revision while two were in force."""
    older = newer = 0
    for change in zip(*histories, strict=True):
        begin, end = min(one.since for one in change), max(one.published for one in change)
        amid = [call for call in answered if begin <= call.taken.at <= end]
        newer += sum(call.reported == change[0].revision for call in amid)
        older += sum(call.reported != change[0].revision for call in amid)
    return older, newer


def _share(count: int, whole: int) -> tuple[str, bool]:
    return f"{count} of {whole}", count == whole


def _went_on(calls: Sequence[Disturbed]) -> tuple[str, bool | None]:
    if not calls:
        return _NONE, None
    unharmed = sum(one.back is not None and one.back < _AT_ONCE for one in calls)
    return _share(unharmed, len(calls))


def _lost(calls: Sequence[Disturbed]) -> int:
    return sum(one.back is None for one in calls)


def _fate(calls: Sequence[Disturbed]) -> str:
    if not calls:
        return _NONE
    back = sorted(one.back for one in calls if one.back is not None)
    agents = max(one.agents for one in calls)
    beside = f" by one of {agents} agents" if agents > 1 else ""
    again = f", {len(back)} answered again after {_times(back)}{beside}" if back else ""
    return f"{_lost(calls)} of {len(calls)} lost{again}"


def _times(seconds: Sequence[float]) -> str:
    if not seconds:
        return "never"
    if len(seconds) == 1:
        return f"{seconds[0]:.2f} s"
    return f"{statistics.median(seconds):.2f} s (median), {max(seconds):.2f} s (most)"
