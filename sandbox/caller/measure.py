"""Measurements of a call."""

import itertools
from dataclasses import dataclass, field

from sandbox.caller.sound import Track
from timing_profiles.rehearsal.interval import Interval


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the caller, and the sound of the agent from then on.

    Attributes:
        parts: the caller's stretches of speech between the pauses.
        sounds: the agent's stretches of sound.
    """

    parts: tuple[Interval, ...]
    sounds: tuple[Interval, ...]

    @property
    def pauses(self) -> tuple[Interval, ...]:
        """Return the caller's silences between the parts."""
        pairs = itertools.pairwise(self.parts)
        return tuple(Interval(before.end, after.start) for before, after in pairs)

    @property
    def wait(self) -> float | None:
        """Return the seconds from the last audible sample sent to the first one heard, to 1 ms.

        None without one. An agent that cuts into a pause has answered the speech before it.
        """
        answer = next((s.start for s in self.sounds if s.start > self.parts[0].end), None)
        if answer is None:
            return None
        return round(answer - max(part.end for part in self.parts if part.end < answer), 3)

    @property
    def cut_at(self) -> float | None:
        """Return when the agent first spoke between the first and the last part of the turn."""
        first, last = self.parts[0].end, self.parts[-1].end
        return next((s.start for s in self.sounds if first < s.start < last), None)

    @property
    def cut_in(self) -> bool:
        """Return whether the agent interrupted the caller."""
        return self.cut_at is not None

    @property
    def verdict(self) -> str:
        """Return a summary in one line."""
        cut = self.cut_at
        if cut is None:
            return "no answer" if self.wait is None else f"answered after {self.wait:.2f} s"
        pause = [pause for pause in self.pauses if pause.start < cut][-1]
        length = f"the {round(pause.seconds, 2):g} s pause"
        if cut < pause.end:
            return f"cut in {cut - pause.start:.2f} s into {length}"
        return f"cut in {cut - pause.end:.2f} s after {length}"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was answered.

    Attributes:
        profile: active, as the agent reports it; empty when it reports none.
        revision: of the profiles, as above.
        problems: codes of the metadata that the agent left out.
        turns: one for each turn of the script.
        said: the caller's side.
        heard: the agent's side.
    """

    profile: str
    revision: str
    problems: tuple[str, ...]
    turns: tuple[Turn, ...]
    said: Track = field(repr=False)
    heard: Track = field(repr=False)

    @property
    def waits(self) -> list[float | None]:
        """Return the wait of each turn, in seconds."""
        return [turn.wait for turn in self.turns]

    @property
    def cut_in(self) -> bool:
        """Return whether the agent spoke into a pause."""
        return any(turn.cut_in for turn in self.turns)
