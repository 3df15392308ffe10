"""What is to be seen in conversations that are held for tests."""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.fields.conversation import Conversation, Scene
from tests.e2e.fields.looks import Look
from tests.e2e.fields.rehearsal import Held, Rehearsal, Sets, hold, rehearsal
from timing_profiles.call.sdk_internals import UNSUPPORTED


@dataclass(frozen=True, slots=True)
class Claim:
    """What is seen of one scene with several settings.

    Attributes:
        of: The field, or the reason, that it is about.
        scene: What happens.
        look: What is looked at.
        settings: Each with what is expected of it.
        within: How far a number may be off.
    """

    of: str
    scene: Scene
    look: Look
    settings: Sequence[tuple[Sets, Any]]
    within: float

    @property
    def rehearsals(self) -> list[Rehearsal]:
        """The conversations that show it."""
        return [rehearsal(self.scene, sets) for sets, _ in self.settings]

    @property
    def expected(self) -> Any:
        """What is to be seen, for each setting."""
        expected = {json.dumps(sets): value for sets, value in self.settings}
        return pytest.approx(expected, abs=self.within)

    def seen(self, held: Held) -> dict[str, Any]:
        """What was seen, for each setting."""
        return {
            json.dumps(sets): self.look(held[one])
            for (sets, _), one in zip(self.settings, self.rehearsals, strict=True)
        }


def rehearsed(claims: Sequence[Claim], folder: Path) -> dict[Rehearsal, Conversation]:
    """Hold the conversations that show what is claimed.

    Args:
        claims: What is to be seen.
        folder: For the profiles.
    """
    return hold(itertools.chain.from_iterable(claim.rehearsals for claim in claims), folder)


def unless_unsupported(claims: Iterable[Claim]) -> list[Any]:
    """Parameters of a test: a claim on a field that the installed SDK lacks is skipped."""
    return [
        pytest.param(
            claim,
            marks=pytest.mark.skipif(claim.of in UNSUPPORTED, reason=UNSUPPORTED.get(claim.of, "")),
        )
        for claim in claims
    ]


def selected(request: pytest.FixtureRequest) -> list[Claim]:
    """The claims of those tests of the fixture's file that will run."""
    items = (item for item in request.session.items if item.path == request.path)
    calls = [getattr(item, "callspec", None) for item in items]
    claims = [call.params["claim"] for call in calls if call and "claim" in call.params]
    return [claim for claim in claims if claim.of not in UNSUPPORTED]
