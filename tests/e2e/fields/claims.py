"""What is to be seen in conversations that are held for tests."""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.fields.conversation import Conversation, Scene
from tests.e2e.fields.looks import Look
from tests.e2e.fields.rehearsal import Held, Rehearsal, Sets, hold, rehearsal
from timing_profiles.call.sdk_internals import UNSUPPORTED

# How many conversations are held side by side: at first, and when what was claimed was not seen.
# A busy machine makes things late. What is wrong stays wrong when it is looked at in peace.
_ATTEMPTS: Final = (16, 8, 4, 4)


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

    def holds(self, held: Held) -> bool:
        """Whether what was seen is what is expected; not, where there was nothing to look at."""
        try:
            return bool(self.seen(held) == self.expected)
        except (LookupError, ValueError):
            return False


async def rehearsed(claims: Sequence[Claim], folder: Path) -> dict[Rehearsal, Conversation]:
    """Hold the conversations that show what is claimed; again, where it was not to be seen.

    Args:
        claims: What is to be seen.
        folder: For the profiles.
    """
    held: dict[Rehearsal, Conversation] = {}
    for together in _ATTEMPTS:
        unseen = [claim.rehearsals for claim in claims if not claim.holds(held)]
        held.update(await hold(itertools.chain.from_iterable(unseen), folder, together))
    return held


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
