"""Every field of a profile is in force: on a real call, and in real sessions.

A real call shows, with exact values, what goes over a wire or can be read back from the room.
Sessions in this process show what each field does.
"""

import json
from collections.abc import AsyncGenerator

import pytest

from sandbox.caller import Dial, join
from sandbox.worker import Worker, worker
from tests.e2e.fields import parts, real_call
from tests.e2e.fields.claims import Claim, rehearsed, selected, unless_unsupported
from tests.e2e.fields.effects import EFFECTS
from tests.e2e.fields.rehearsal import ROOT, Held, nested
from tests.e2e.read_back import session_options
from timing_profiles.call.sdk_internals import UNSUPPORTED
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.turns import dead_settings

ONLY_DEEPGRAM = {
    "stt.nova.model",
    "stt.nova.language",
    "stt.nova.no_delay",
    "stt.nova.smart_format",
    "stt.nova.filler_words",
    "stt.flux.model",
    "stt.flux.language_hint",
}
"""On the wire; what they change, only Deepgram itself could show."""

NOTHING = {"vad.prefix_padding_duration", "turn_detector.backchannel_threshold"}
"""Read by nothing in this SDK; `test_idle_settings` shows it."""


@pytest.fixture(scope="module")
def profiles() -> Catalog:
    """The starter profiles."""
    return catalog.load(ROOT / "profiles")


@pytest.fixture(scope="module")
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Held:
    """The conversations of all tests that will run."""
    return rehearsed(selected(request), tmp_path_factory.mktemp("fields"))


@pytest.fixture(scope="module")
async def unusual_worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    """A worker whose profiles `nova` and `flux` differ from `default` in all that can be seen."""
    folder = tmp_path_factory.mktemp("unusual")
    (folder / "source").mkdir()
    default = (ROOT / "profiles" / "default.yaml").read_bytes()
    (folder / "source" / "default.yaml").write_bytes(default)
    for engine, sets in real_call.UNUSUAL.items():
        text = json.dumps(nested(sets))
        (folder / "source" / f"{engine}.yaml").write_text(text, encoding="utf-8")
    async with worker(folder, profiles=folder / "source") as running:
        yield running


@pytest.mark.parametrize("claim", unless_unsupported(EFFECTS), ids=lambda claim: claim.of)
def test_field_has_documented_effect(claim: Claim, held: Held) -> None:
    """Sessions that differ in this field alone differ as documented."""
    assert claim.seen(held) == claim.expected


@pytest.mark.parametrize("engine", ["nova", "flux"])
async def test_yaml_values_reach_deepgram_and_session(engine: str, unusual_worker: Worker) -> None:
    """Every value that a call can show without a word being said, exactly."""
    values = real_call.UNUSUAL[engine]
    before = len(unusual_worker.deepgram.requests)
    dial = Dial(attributes={"timing.profile": engine})
    async with join(unusual_worker.connection, dial) as caller:
        await caller.agent_listens()
        told = await session_options(caller)
    requests = unusual_worker.deepgram.requests[before:]
    assert [request.path for request in requests if request.path.endswith("/listen")] == [
        real_call.PATHS[engine]
    ]
    assert real_call.on_the_wire(values, requests) == real_call.spelled(values)
    expected = real_call.read_back(values)
    assert {name: told[name] for name in expected} == expected


def test_no_value_of_these_calls_is_a_default(profiles: Catalog) -> None:
    """Else a field that never arrives would pass."""
    default = profiles.profile("default")
    assert default
    for sets in real_call.UNUSUAL.values():
        assert [field for field, value in sets.items() if default.values[field] == value] == []


def test_every_field_is_proven(profiles: Catalog) -> None:
    """A new field of schema.json needs a proof, and a proof needs its field.

    `test_part_fields` proves those of parts that agents bring.
    """
    fields = set(profiles.schema.fields)
    acting = {claim.of for claim in EFFECTS}
    assert fields == acting | ONLY_DEEPGRAM | NOTHING | parts.PATHS
    assert not acting & (ONLY_DEEPGRAM | NOTHING)


def test_every_field_on_a_wire_or_in_the_room_is_seen_there(profiles: Catalog) -> None:
    """The calls above set each of them, including those that only Deepgram shows."""
    fields = set(profiles.schema.fields)
    seen = {field for sets in real_call.UNUSUAL.values() for field in sets}
    told = {field for field in fields if field.startswith(real_call.READ_BACK)}
    assert seen == {"stt.engine", *real_call.WIRE, *told} - UNSUPPORTED.keys()
    assert set(real_call.WIRE) >= ONLY_DEEPGRAM


def test_explain_names_fields_seen_only_by_deepgram(profiles: Catalog) -> None:
    """A session does not show their effects."""
    said = {
        field.path
        for field in profiles.schema.fields.values()
        if "Used by Deepgram only." in field.schema["description"]
    }
    assert said == ONLY_DEEPGRAM


def test_explain_names_unread_fields(profiles: Catalog) -> None:
    """No other field has this text."""
    said = {
        field
        for field in profiles.schema.fields
        if any(row.id == "never-read" for row in dead_settings.rows(field))
    }
    assert said == NOTHING
