"""Thousands of swaps and of cuts, against a reader that accepts no mixture and no half."""

import itertools
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.deliveries import ConfigMap, Trees
from sandbox.fixtures import Happened
from tests.e2e.faults.followed_folder import PROFILES, FollowedFolder, following, published
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.problems import ProfilesError
from timing_profiles.worker.watch import DEBOUNCE

SWAPS = 1000
SWAPS_BETWEEN_RESTS = 50
RESTS = [count / 50 for count in range(20)]
"""Seconds: some too short for a set to be published, some long enough."""

POLL = 0.01
"""Seconds between two reads: some fall into a publication, and others have the processor."""

AWAY = "session.user_away_timeout"
DEFAULT = (PROFILES / "default.yaml").read_text(encoding="utf-8")

_RELOAD = re.compile(r"^INFO profiles changed, .*\n((?:  .*\n)*)", re.MULTILINE)
_CHANGE = re.compile(rf"  (.+): {re.escape(AWAY)}: (\S+) -> (\S+)")


def generation(number: int) -> Mapping[str, bytes]:
    """Twenty files, each of which carries the number."""
    seconds = f"user_away_timeout: {number / 10 + 1}"
    profiles = {f"caller-{count}.yaml": f"session: {{{seconds}}}\n" for count in range(19)}
    default = DEFAULT.replace("user_away_timeout: 15.0", seconds)
    return {name: text.encode() for name, text in {**profiles, "default.yaml": default}.items()}


@pytest.mark.parametrize("layout", [ConfigMap, Trees])
def test_fault_15_a_thousand_swaps_never_publish_a_mixture(
    tmp_path: Path, happened: Happened, layout: type[ConfigMap | Trees]
) -> None:
    """A thousand swaps of 20 files, at full speed, with a pause of up to 0.4 s after every 50."""
    delivered = layout(tmp_path / "delivered")
    delivered.update(generation(0))
    rests = itertools.cycle(RESTS)
    read: set[float] = set()
    with following(delivered.folder) as followed:
        for number in range(1, SWAPS + 1):
            delivered.update(generation(number))
            if number % SWAPS_BETWEEN_RESTS == 0:
                read |= read_for(next(rests), followed)
        took = followed.serves()
        reloads = [_CHANGE.findall(lines) for lines in _RELOAD.findall(followed.log)]
        assert len(reloads) == len(followed.served()) - 1
        for changes in reloads:
            assert len({name for name, _, _ in changes}) == 20
            assert len({(old, new) for _, old, new in changes}) == 1
        assert "ERROR" not in followed.log
    happened(f"{layout.__name__}: {SWAPS} swaps, {len(reloads)} reloads, no mixture", took)
    assert len(read) > 5


def read_for(seconds: float, followed: FollowedFolder) -> set[float]:
    """Read what is published, over and over; the generations that were seen, each of one piece."""
    seen, deadline = set(), time.monotonic() + seconds
    while time.monotonic() < deadline:
        _, profiles = published(followed.published_file)
        numbers = {profile.values[AWAY] for profile in profiles.values() if profile}
        assert (len(profiles), len(numbers)) == (20, 1)
        seen |= numbers
        time.sleep(POLL)
    return seen


# Cuts

PATIENT = (PROFILES / "patient.yaml").read_bytes()
HOLD = 0.07
"""Seconds for which a cut lies there while its writer has the file open."""

GAP = 0.005
"""Seconds between the halves of a writer that closes the file, which must be under `DEBOUNCE`: one
that rests for longer, after half a profile that is a sound one, is like one that has finished."""


def test_fault_10_truncated_profile_is_never_published(
    followed: FollowedFolder, happened: Happened
) -> None:
    """Cut at every byte, by a writer that closes the file; at each valid cut, by a slow one."""
    first = followed.in_force
    sound = dict(sound_cuts(catalog.load(followed.folder)))
    assert len(sound) > 50
    late = set()
    for cut in range(len(PATIENT)):
        gap = write_closing(followed.folder / "patient.yaml", cut)
        if gap > DEBOUNCE:  # this machine did not keep the time
            late.add(sound.get(cut, first))
    for cut in sound:
        write_slowly(followed.folder / "patient.yaml", cut)
    followed.serves()
    assert set(followed.served()) <= {first, *late}
    followed.write("patient.yaml", PATIENT.replace(b"min_delay: 1.5", b"min_delay: 1.6"))
    took = followed.serves()
    happened(f"{len(PATIENT)} cuts, {len(sound)} of them sound: none published", took)


def sound_cuts(starters: Catalog) -> Iterator[tuple[int, str]]:
    """Where the profile can be cut so that it passes; the revision that this would be."""
    files = {name: entry.content for name, entry in starters.files.items()}
    for cut in range(len(PATIENT)):
        files["patient.yaml"] = PATIENT[:cut]
        try:
            found = catalog.build(files, starters.schema, starters, starters.label)
        except ProfilesError:
            continue
        if found.revision != starters.revision:
            yield cut, found.revision


def write_closing(profile: Path, cut: int) -> float:
    """Write both halves, the file closed between them; the seconds between them."""
    begun = time.monotonic()
    profile.write_bytes(PATIENT[:cut])
    time.sleep(GAP)
    with profile.open("ab", buffering=0) as file:
        file.write(PATIENT[cut:])
    return time.monotonic() - begun


def write_slowly(profile: Path, cut: int) -> None:
    """Write both halves, the file open all along."""
    with profile.open("wb", buffering=0) as file:
        file.write(PATIENT[:cut])
        time.sleep(HOLD)
        file.write(PATIENT[cut:])
