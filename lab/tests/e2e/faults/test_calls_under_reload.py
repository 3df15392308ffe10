"""Real calls while profiles change every 50 ms: each is the call that it began as."""

from pathlib import Path

from lab.soak import calls
from sandbox.fixtures import Happened
from sandbox.livekit_binary import silent


async def test_fault_47_calls_keep_their_revision_while_profiles_change(
    tmp_path: Path, happened: Happened
) -> None:
    """Four calls, two at once: answered, with the timing of the state that each began with."""
    found = await calls.run(tmp_path, calls=4, at_once=2, progress=silent)
    assert found.failures == []
    assert len(found.outcomes) == 4
    revisions = {outcome.revision for outcome in found.outcomes}
    assert len(revisions) > 1
    happened(f"4 calls of {len(revisions)} revisions, {found.edits} edits, {found.reloads} reloads")
