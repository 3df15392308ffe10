"""Settings that do nothing: in real sessions they do nothing, and otherwise something."""

import pytest

from tests.e2e.fields.claims import Claim, rehearsed, selected
from tests.e2e.fields.idle import IDLE, NOT_IDLE, WITHOUT_CLAIM, Idle
from tests.e2e.fields.rehearsal import ROOT, Held, Sets
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.turns import dead_settings

pytestmark = pytest.mark.behind


@pytest.fixture(scope="module")
def profiles() -> Catalog:
    """The starter profiles."""
    return catalog.load(ROOT / "profiles")


@pytest.fixture(scope="module")
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Held:
    """The conversations of all tests that will run."""
    return rehearsed(selected(request), tmp_path_factory.mktemp("idle"))


@pytest.mark.parametrize("claim", [idle.claim for idle in IDLE], ids=lambda claim: claim.of)
def test_dead_setting_takes_effect_once_its_reason_is_gone(claim: Claim, held: Held) -> None:
    """While the reason holds a change has no effect; without it, the same change has one."""
    assert claim.seen(held) == claim.expected


@pytest.mark.parametrize("idle", IDLE, ids=lambda idle: idle.row)
def test_rules_match_observed_dead_settings(idle: Idle, profiles: Catalog) -> None:
    """With the very settings of the conversations; and nothing that was seen to act."""
    for sets in idle.idling:
        assert _named(profiles, sets, idle) == list(idle.fields)
    for sets in idle.acting:
        assert _named(profiles, sets, idle) == []


def _named(profiles: Catalog, sets: Sets, idle: Idle) -> list[str]:
    """The fields that the rule calls idle for this reason."""
    default = profiles.profile("default")
    assert default
    values = {**default.values, **sets}
    (row,) = (row for row in dead_settings.DEAD_WHEN if row.id == idle.row)
    return [path for path in idle.fields if row in dead_settings.rows(path) and row.applies(values)]


@pytest.mark.parametrize("claim", NOT_IDLE, ids=lambda claim: claim.of)
def test_setting_that_seems_dead_takes_effect(claim: Claim, held: Held, profiles: Catalog) -> None:
    """Rules that called these idle were wrong: a change has an effect, and no rule is left."""
    assert claim.seen(held) == claim.expected
    default = profiles.profile("default")
    assert default
    for sets, _ in claim.settings:
        assert dead_settings.reasons({**default.values, **sets}, [claim.of]) == {}


def test_every_reason_has_a_proof() -> None:
    """A new row of the rules needs a conversation that shows it, or a reason why none can."""
    known = {row.id for row in dead_settings.DEAD_WHEN}
    assert known == {*(idle.row for idle in IDLE), *WITHOUT_CLAIM}
