"""Function tools by which a caller asks the LLM for another timing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from livekit.agents import llm

_PATIENT = (
    "Give the caller more time. Call this once when the caller asks not to be rushed or"
    " interrupted, to wait, or for time to think."
)
_BRISK = (
    "Answer the caller sooner. Call this once when the caller asks you to hurry, or complains that"
    " you wait too long before you answer."
)

Choose = Callable[[str], bool]
"""Changes the call to a profile; returns whether it is active now."""


def asking_tools(patient: str, brisk: str, choose: Choose) -> list[llm.Tool | llm.Toolset]:
    """Return the tools, one for each profile that has a name.

    Args:
        patient: The profile for callers who want more time; empty for none.
        brisk: The profile for callers who are in a hurry; empty for none.
        choose: Changes the call to a profile.
    """
    return [
        *_tool("give_more_time", _PATIENT, patient, choose),
        *_tool("answer_sooner", _BRISK, brisk, choose),
    ]


def _tool(name: str, description: str, profile: str, choose: Choose) -> Iterator[llm.Tool]:
    async def move() -> str:
        return "Done. Say so in a few words." if choose(profile) else "That is not possible here."

    if profile:
        yield llm.function_tool(move, name=name, description=description)
