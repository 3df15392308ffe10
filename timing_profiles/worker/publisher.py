"""Load the profiles in a worker's main process, publish them for its jobs, and watch them."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from timing_profiles.catalog import catalog, folder
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.handoff import snapshot, variables
from timing_profiles.handoff.call_reports import Reports
from timing_profiles.problems import Problem, ProfilesError
from timing_profiles.worker import metrics, state_dir
from timing_profiles.worker.reload_status import Serving
from timing_profiles.worker.state_dir import State
from timing_profiles.worker.watch import Watcher

_MOST_WARNINGS_LOGGED = 20

_logger = logging.getLogger("timing_profiles")


class Publisher:
    """Publishes the profiles of one worker, from its start to its end."""

    def __init__(self, profiles_dir: Path) -> None:
        """Load nothing before `start`."""
        self._profiles_dir = folder.absolute(profiles_dir)
        self._state: State | None = None
        self._watcher: Watcher | None = None
        self._watching: asyncio.Task[None] | None = None
        self._reports: Reports | None = None

    def start(self, problems: Iterable[Problem] = ()) -> None:
        """Load, publish, and begin to watch.

        Args:
            problems: Other problems that prevent the start, to be reported together.

        Raises:
            ProfilesError: The profiles are invalid, or there are other problems.
        """
        first = self._load([*problems, *state_dir.problems()])
        for directory in state_dir.remove_abandoned():
            _logger.info("removed stale state directory %s", directory)
        try:
            self._state = State()
            self._watcher = self._begun(first, self._state)
        except OSError as error:
            problem = Problem("unpublished", f"cannot be published: {error}")
            raise ProfilesError([problem]) from None
        self._log(first)
        self._watching = asyncio.create_task(self._watcher.run())

    @property
    def serving(self) -> Serving | None:
        """The state of the published set; None before there is one."""
        return self._watcher.serving if self._watcher else None

    def stop(self) -> None:
        """Stop watching, and remove what was published.

        Nothing is awaited: when a worker ends, its loop cancels whatever still runs.
        """
        if self._watching:
            self._watching.cancel()
        if self._reports:
            self._reports.close()
        if self._state:
            self._state.remove()

    def _begun(self, first: Catalog, state: State) -> Watcher:
        """Publish a first set; return what watches from then on."""
        published, calls = state.path / "profiles.sqlite", state.path / "calls"

        def publish(fresh: Catalog) -> None:
            state.restore()
            snapshot.publish(published, fresh.revision, fresh.schema, fresh.layers)

        def is_published() -> bool:
            return _exists(published) and (self._reports is None or _exists(calls))

        def published_again() -> None:
            if not _exists(calls):
                self._count_calls(calls)

        publish(first)
        os.environ[variables.PUBLISHED] = str(published)
        metrics.activated(first.revision)
        self._count_calls(calls)
        return Watcher(self._profiles_dir, first, publish, is_published, published_again)

    def _count_calls(self, path: Path) -> None:
        if self._reports:
            self._reports.close()
            self._reports = None
        try:
            self._reports = Reports(path, metrics.called)
        except OSError as error:
            _logger.warning("calls are not counted: %s", error)
        else:
            os.environ[variables.REPORTS] = str(path)

    def _load(self, problems: list[Problem]) -> Catalog:
        try:
            first = catalog.load(self._profiles_dir)
        except ProfilesError as error:
            raise ProfilesError([*problems, *error.problems]) from None
        if problems:
            raise ProfilesError(problems)
        return first

    def _log(self, first: Catalog) -> None:
        for warning in first.warnings[:_MOST_WARNINGS_LOGGED]:
            _logger.warning("%s", warning)
        more = len(first.warnings) - _MOST_WARNINGS_LOGGED
        if more > 0:
            _logger.warning("... and %d more warnings; see timing-profiles check", more)
        _logger.info(
            "%d profiles active, revision %s: %s",
            len(first.layers),
            first.revision,
            self._profiles_dir,
        )


def _exists(path: Path) -> bool:
    """Return whether a path exists; not where its directory may not be searched any more."""
    return os.path.exists(path)  # noqa: PTH110 - never raises, as `Path.exists` does
