"""The profiles of a commit, beside those that are rehearsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from timing_profiles.authoring import comparison, git
from timing_profiles.authoring.git import GitError
from timing_profiles.catalog import folder
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.cli import UsageError
from timing_profiles.problems import quoted
from timing_profiles.rehearsal.paired import Pair
from timing_profiles.rehearsal.result import ProfileResult
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns.fields import Values


def catalog_at(revision: str) -> Catalog:
    """Load the set of a commit.

    Raises:
        UsageError: There is no such commit, or it has no profiles.
        ProfilesError: The set is broken there.
    """
    try:
        found = git.catalog_at(revision, folder.profiles_dir())
    except GitError as error:
        raise UsageError(str(error)) from None
    if not found.layers:
        where = folder.profiles_dir().as_posix()
        raise UsageError(f"{quoted(revision)} has no folder {where}")
    return found


def resolved(found: Catalog, name: str, metadata: str) -> Settings:
    """Return the settings of a call with a profile and a participant's metadata, maybe empty."""
    request.check_metadata_key()
    return settings.resolve(found, request.layers(name, metadata=metadata))


@dataclass(frozen=True, slots=True)
class Against:
    """A former set.

    Attributes:
        git: The commit, as it was typed.
        former: Its set.
        later: The set that is compared with it.
    """

    git: str
    former: Catalog
    later: Catalog

    @property
    def changed(self) -> Sequence[str]:
        """The names of the profiles whose callers notice a difference, new ones among them."""
        found = comparison.of_sets(self.former, self.later)
        return [one.profile for one in found if one.status != "removed"]

    def values(self, names: Iterable[str], metadata: str) -> Mapping[str, Values]:
        """Return the former settings of profiles that were there, under names of their own."""
        return {
            self._key(name): resolved(self.former, name, metadata).values
            for name in names
            if name in self.former.layers
        }

    def pairs(
        self, profiles: Sequence[ProfileResult], results: Mapping[str, ProfileResult]
    ) -> Sequence[Pair]:
        """Return each profile beside its former version, of the results of both."""
        return [Pair(results.get(self._key(one.profile)), one) for one in profiles]

    def _key(self, name: str) -> str:
        return f"{name} at {self.git}"  # no name of a profile contains a space
