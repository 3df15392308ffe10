"""The examples, as people run them."""

import json
from pathlib import Path

import timing_profiles
from sandbox.caller import Dial, Script, join
from sandbox.worker import ROOT, worker
from tests.e2e.read_back import session_options

EXISTING_AGENT = ROOT / "examples" / "existing_agent.py"
SENTENCE = Script("I would like a table for two.").turns()[0]

BRISK = {"profile": "brisk"}

# Empty, not absent: so that no developer's .env.local fills it in.
NO_DEEPGRAM = {"DEEPGRAM_API_KEY": ""}


async def test_existing_agent_without_deepgram_answers_with_the_requested_profile(
    tmp_path: Path,
) -> None:
    """Another provider's speech, no Deepgram key: the profile is active, the call is answered."""
    async with (
        worker(tmp_path, agent=EXISTING_AGENT, mode="dev", env=NO_DEEPGRAM) as running,
        join(running.connection, Dial(metadata=json.dumps(BRISK))) as caller,
    ):
        await caller.agent_listens()
        in_force = (await session_options(caller))["endpointing"]
        made = caller.result([await caller.say(SENTENCE)])
    expected = timing_profiles.resolve(BRISK, profiles_dir=running.profiles)
    assert (made.profile, made.revision, made.problems) == ("brisk", expected.revision, ())
    assert made.waits[0] is not None
    assert in_force == {
        name: expected.values[f"turn_handling.endpointing.{name}"]
        for name in ("mode", "min_delay", "max_delay", "alpha")
    }
    inference = {request.path: request for request in running.llm.requests}
    assert running.deepgram.requests == []
    assert inference["/stt"].query == {"model": ["assemblyai/universal-streaming"]}
    assert inference["/stt"].bodies("final_transcript") != []
    assert inference["/tts"].query == {"model": ["cartesia/sonic-3"]}
    # In dev mode the SDK would take these two models; the profile has pinned others.
    assert not {"/eot", "/bargein"} & set(inference)
