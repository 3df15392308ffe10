"""A step of the conversation borrows a profile: on real calls."""

from pathlib import Path

import pytest

import timing_profiles
from sandbox.caller import Caller, Script
from sandbox.inference import ToolCall
from sandbox.worker import ROOT, Worker, worker
from tests.e2e.read_back import session_options
from tests.e2e.running_call import BackEnd, attributes, joined, metadata, says, waited
from timing_profiles.call.sdk_internals import UNSUPPORTED

ASKING = Script("You can write me an email.").turns()[0]
SPELLING = Script("a n n [1.5] at example dot com").turns()[0]
AGREEING = Script("Yes, that is right.").turns()[0]

ADDRESS = "ann@example.com"

CALLS = {
    "email": ToolCall("ask_for_email"),
    "spelled": ToolCall("update_email_address", {"email": ADDRESS}),
    "right": ToolCall("confirm_email_address"),
}


async def delays(caller: Caller) -> tuple[float, float]:
    """What the session has in force."""
    endpointing = (await session_options(caller))["endpointing"]
    return endpointing["min_delay"], endpointing["max_delay"]


@pytest.mark.measured
async def test_borrowed_profile_allows_slow_spelling(email_worker: Worker) -> None:
    """Quick before and after it; in between, a pause of 1.5 s does not end the address.

    Meanwhile the caller's application asks for another profile: that is what is given back.
    """
    worker = email_worker
    worker.llm.calls = CALLS
    async with joined(worker, metadata("brisk")) as caller, BackEnd(worker, caller) as back_end:
        worker.deepgram.words = ("email",)
        asked = await caller.say(ASKING)
        await caller.agent_listens()
        dictating = await delays(caller)
        worker.deepgram.words = ("spelled",)
        spelled = await caller.say(SPELLING)
        await back_end.write(metadata("courier"))
        await says(caller, "timing.profile", "courier")
        still_dictating = await delays(caller)
        worker.deepgram.words = ("right",)
        await caller.agent_listens()
        await caller.say(AGREEING)
        await caller.agent_listens()
        given_back = await delays(caller)
        worker.deepgram.words = ("one",)
        wait = await waited(caller)
    results = [request.results for request in worker.llm.requests if request.results]
    assert f"The address is {ADDRESS}." in results[-1]
    assert (spelled.cut_in, dictating, still_dictating) == (False, (3.0, 4.0), (3.0, 4.0))
    assert asked.wait is not None
    assert spelled.wait is not None
    assert asked.wait < 2.0
    assert 3.0 < spelled.wait < 5.0
    assert given_back == (0.4, 1.28)
    assert wait < 2.0
    assert worker.tracebacks == []


async def test_call_keeps_the_profiles_of_its_start(edited_worker: Worker) -> None:
    """A profile that is first requested after an edit also comes from the set of its start."""
    worker = edited_worker
    expected = timing_profiles.resolve(metadata("elderly"), profiles_dir=worker.profiles)
    async with joined(worker, metadata()) as caller, BackEnd(worker, caller) as back_end:
        began = attributes(caller)
        profile = worker.profiles / "elderly.yaml"
        text = profile.read_text(encoding="utf-8")
        profile.write_text(text.replace("min_delay: 1.0", "min_delay: 1.2"), encoding="utf-8")
        await worker.logs(f"profiles changed, revision {expected.revision} -> ")
        await back_end.write(metadata("elderly"))
        await says(caller, "timing.profile", "elderly")
        problems = {"timing.problems": "not-applied"} if UNSUPPORTED else {}
        assert attributes(caller) == {**began, "timing.profile": "elderly", **problems}
        assert (await delays(caller))[0] == 1.0


async def test_first_agent_borrows_and_session_starts_again(tmp_path: Path) -> None:
    """A step in `on_enter` comes before `follow`; a session that starts again is followed."""
    agent = ROOT / "tests" / "e2e" / "stepping_agent.py"
    async with (
        worker(tmp_path, agent=agent, mode="dev") as running,
        joined(running, metadata("brisk")) as caller,
        BackEnd(running, caller) as back_end,
    ):

        async def ask(method: str) -> None:
            me = caller.room.local_participant
            (other,) = caller.room.remote_participants
            await me.perform_rpc(destination_identity=other, method=method, payload="")

        borrowed = await delays(caller)
        await ask("end_step")
        given_back = await delays(caller)
        await ask("restart")
        await back_end.write(metadata("patient"))
        await says(caller, "timing.profile", "patient")
        followed = await delays(caller)
    assert (borrowed, given_back, followed) == ((3.0, 4.0), (0.3, 0.8), (1.5, 4.0))
    assert running.tracebacks == []
