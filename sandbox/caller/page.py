"""Measured calls for people: pictures on one scale, and what differs from default in each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.caller.call import Dial
from sandbox.caller.measure import Call
from sandbox.caller.picture import Picture, Symbols
from sandbox.caller.report import resolved
from timing_profiles import Settings
from timing_profiles.catalog import folder, schema_file
from timing_profiles.catalog.schema import Schema
from timing_profiles.cli import output, terminal
from timing_profiles.cli.terminal import Style

# For problems whose text only the worker has. The codes are those of the README.
_MEANINGS = {
    "metadata-invalid": "the metadata is not JSON, has duplicate keys or is nested too deep",
    "metadata-too-large": "the metadata is too long",
    "profile-unknown": "the worker has no profile of this name",
    "override-unknown": "unknown field",
    "override-type": "a value of the wrong type",
    "override-range": "a value out of bounds",
    "override-forbidden": "the profile does not allow metadata to change the field",
    "override-conflict": "values that break a rule together",
    "profiles-unavailable": "the job could not read the published profiles",
    "next-call": "a field that cannot change in a running call",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that was answered.

    Attributes:
        call: the measured call.
        settings: those of the metadata, resolved here; a note, when the agent used others.
        schema: the one of the settings, for units; None beside a note.
    """

    call: Call
    settings: Settings | str
    schema: Schema | None

    @property
    def title(self) -> str:
        """Return the active profile."""
        return self.call.profile or "no profile"


def answered(dial: Dial, call: Call) -> Answered:
    """Return a call with the settings that its metadata resolves to here."""
    settings = resolved(call, dial)
    if isinstance(settings, str):
        return Answered(call, settings, None)
    return Answered(call, settings, schema_file.load(folder.profiles_dir()))


def page(calls: Sequence[Answered], symbols: Symbols, style: Style) -> str:
    """Draw calls, one below the other, and list the differences of each from default."""
    picture = Picture([turn for one in calls for turn in one.call.turns], symbols, style)
    blocks = [
        *(_picture(one, picture, style) for one in calls),
        picture.legend(),
        *(_settings(one, style) for one in calls),
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _picture(one: Answered, picture: Picture, style: Style) -> Iterator[str]:
    turns = one.call.turns
    verdict = style.wrapped(f"{one.title}: {'; '.join(turn.verdict for turn in turns)}")
    yield verdict.replace(one.title, style.bold(one.title), 1)
    yield from _problems(one, style)
    for number, turn in enumerate(turns, 1):
        if len(turns) > 1:
            yield style.wrapped(f"turn {number}: {turn.verdict}")
        yield from picture.lines(turn)


def _problems(one: Answered, style: Style) -> Iterator[str]:
    """Yield the problems of the call: each message, or the meaning of its code."""
    here = () if isinstance(one.settings, str) else one.settings.problems
    for code in one.call.problems:
        known = [str(problem) for problem in here if problem.code == code]
        for text in known or [f"{_MEANINGS.get(code, code)}; see the log of the worker"]:
            first, *more = f"left out: {text}".split("\n")
            yield style.wrapped(first, later="  ").replace("left out", style.warning("left out"), 1)
            yield from (style.wrapped(line, later="    ") for line in more)


def _settings(one: Answered, style: Style) -> Iterator[str]:
    here, title = one.settings, style.bold(one.title)
    if not one.call.profile:
        yield style.wrapped("the agent reports no timing profile")
    elif isinstance(here, str) or one.schema is None:
        found = f"{one.title} of revision {one.call.revision}: values unknown: {here}"
        yield style.wrapped(found).replace(one.title, title, 1)
    elif here.changed:
        yield f"{title} differs from default in:"
        yield from _table(here, one.schema, style)
    else:
        yield f"{title}: nothing differs from default"


def _table(settings: Settings, schema: Schema, style: Style) -> Iterator[str]:
    """List field, value and origin; each field on two lines where the terminal is too narrow."""
    rows = [
        (path, output.with_unit(schema, path, settings.values[path]), settings.origins[path])
        for path in settings.changed
    ]
    lines = [f"  {line}" for line in terminal.lines(rows)]
    if max(map(len, lines)) <= style.width:
        yield from lines
        return
    for path, value, origin in rows:
        yield f"  {path}"
        yield style.wrapped(f"{value}  {origin}", "    ", "    ")
