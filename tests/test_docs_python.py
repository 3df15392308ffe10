"""The Python of the pages runs, and does what they say."""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from livekit.agents import Agent, AgentServer, AgentSession, JobContext
from livekit.api import access_token

import timing_profiles
from tests import shown
from tests.markdown import PAGES, of_sort

KEY, SECRET = "key", "a secret of thirty-two bytes or more"

# What the beginning of a worker has imported and made, where a page shows what follows it.
WORKER = {
    "Agent": Agent,
    "AgentServer": AgentServer,
    "AgentSession": AgentSession,
    "JobContext": JobContext,
    "timing_profiles": timing_profiles,
}

WISH = {"profile": "patient", "overrides": {"tts": {"speed": 0.9}}}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, in which the code runs, and its LiveKit server."""
    shown.project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVEKIT_URL", "wss://livekit.example.com")
    monkeypatch.setenv("LIVEKIT_API_KEY", KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
    return tmp_path


def run(page: str) -> dict[str, Any]:
    """Run the Python of a page, from top to bottom; return the names that it leaves behind."""
    names = {**WORKER, "server": AgentServer()}
    for block in of_sort("python"):
        if block.page == page:
            exec(compile(block.text, str(block), "exec"), names)  # noqa: S102 - our own pages
    return names


def claims(credentials: Mapping[str, str]) -> access_token.Claims:
    """What the token of an answer says."""
    assert set(credentials) == {"server_url", "participant_token"}
    return access_token.TokenVerifier(KEY, SECRET).verify(credentials["participant_token"])


@pytest.mark.parametrize("page", sorted({block.page for block in of_sort("python")} & set(PAGES)))
def test_code_block_runs(page: str) -> None:
    """From top to bottom, without a warning."""
    assert set(run(page)) > set(WORKER)


def test_back_end_signs_the_request_into_the_token() -> None:
    """The worker applies it without a problem, and the client cannot change it afterwards."""
    request = {"participant_metadata": json.dumps(WISH)}
    signed = claims(run("docs/clients.md")["credentials"]("ada", request))
    found = timing_profiles.resolve(signed.metadata)
    assert (found.profile, found.problems) == ("patient", ())
    assert found.values["tts.speed"] == 0.9
    assert signed.identity == "ada"
    assert signed.video
    assert not signed.video.can_update_own_metadata


def test_back_end_accepts_a_client_without_a_request() -> None:
    """The call has the default profile."""
    signed = claims(run("docs/clients.md")["credentials"]("ada", {}))
    found = timing_profiles.resolve(signed.metadata)
    assert (found.profile, found.problems) == ("default", ())


@pytest.mark.parametrize(
    "wish",
    [
        {"profile": "patint"},
        {"profile": "patient", "overrides": {"tts": {"speed": 9}}},
        {"profile": "patient", "overrides": {"stt": {"nova": {"model": "nova-2"}}}},
    ],
    ids=["an unknown profile", "out of bounds", "a forbidden field"],
)
def test_back_end_refuses_overrides_that_the_worker_would_leave_out(wish: Any) -> None:
    """The client gets the error at once."""
    credentials = run("docs/clients.md")["credentials"]
    with pytest.raises(jsonschema.ValidationError):
        credentials("ada", {"participant_metadata": json.dumps(wish)})


def test_dispatch_of_the_back_end_is_below_the_callers_request() -> None:
    """It decides only where the client requests nothing."""
    (agent,) = run("docs/clients.md")["room_config"].agents
    assert timing_profiles.resolve(dispatch=agent.metadata).profile == "brisk"
    assert timing_profiles.resolve(WISH, dispatch=agent.metadata).profile == "patient"


def test_stored_request_becomes_metadata() -> None:
    """It is applied without a problem, until it is deleted."""
    with closing(run("docs/storing.md")["Store"](":memory:")) as store:
        assert store.save("ada", WISH) == []
        found = timing_profiles.resolve(store.metadata("ada"))
        assert (found.profile, found.problems) == ("patient", ())
        store.forget("ada")
        assert store.metadata("ada") == ""


def test_invalid_request_is_not_stored() -> None:
    """The problem is reported, and the former request stays."""
    with closing(run("docs/storing.md")["Store"](":memory:")) as store:
        store.save("ada", WISH)
        assert store.save("ada", {"profile": "patient", "overrides": {"tts": {"speed": 9}}}) != []
        assert json.loads(store.metadata("ada")) == WISH


def test_stored_request_survives_the_removal_of_its_profile(project: Path) -> None:
    """It is sent unchanged and ends no call; the store can list the callers it concerns."""
    with closing(run("docs/storing.md")["Store"]("wishes.db")) as before:
        before.save("ada", WISH)
        before.save("bob", {"profile": "brisk"})
    for name in ("patient", "elderly", "slow"):
        (project / "profiles" / f"{name}.yaml").unlink()
    shown.write_metadata_schema(project)
    with closing(run("docs/storing.md")["Store"]("wishes.db")) as after:
        assert after.outdated() == ["ada"]
        found = timing_profiles.resolve(after.metadata("ada"))
    assert (found.profile, [problem.code for problem in found.problems]) == (
        "default",
        ["profile-unknown"],
    )


def test_former_name_of_a_profile_still_works() -> None:
    """A client that still has it gets the profile of the new name."""
    former, new = (timing_profiles.resolve({"profile": name}) for name in ("slow", "patient"))
    assert (former.problems, former.values) == ((), new.values)
