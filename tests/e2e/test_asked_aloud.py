"""The caller asks aloud for another timing: on a real call, by the clock."""

import pytest

from sandbox.caller import Script
from sandbox.inference import ToolCall
from sandbox.worker import Worker
from tests.e2e.running_call import BackEnd, attributes, joined, metadata, says, waited

pytestmark = pytest.mark.measured

PLEASE = Script("Please don't rush me.").turns()[0]


async def test_spoken_request_for_more_time_changes_profile(email_worker: Worker) -> None:
    """The LLM calls the tool; the next turn has patient's wait, until the client's next request."""
    worker = email_worker
    worker.llm.calls = {"rush": ToolCall("give_more_time")}
    worker.deepgram.words = ("one",)
    async with joined(worker, metadata("brisk")) as caller, BackEnd(worker, caller) as back_end:
        began = attributes(caller)
        before = await waited(caller)
        worker.deepgram.words = ("rush",)
        await caller.agent_listens()
        await caller.say(PLEASE)
        await says(caller, "timing.profile", "patient")
        assert attributes(caller) == {**began, "timing.profile": "patient"}
        worker.deepgram.words = ("one",)
        after = await waited(caller)
        await back_end.write(metadata("brisk", nothing=1))
        await back_end.write(metadata("courier"))
        await says(caller, "timing.profile", "courier")
    (result,) = [r.results for r in worker.llm.requests if r.user and "rush" in r.user.lower()][-1]
    assert result == "Done. Say so in a few words."
    assert before < 1.5
    assert 1.5 < after < 5.0
    assert worker.tracebacks == []
