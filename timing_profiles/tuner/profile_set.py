"""Hold the set of profiles that the page shows: the last valid one, and the problems since."""

from __future__ import annotations

import threading
from pathlib import Path

from timing_profiles.catalog import catalog, folder, schema_file
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.problems import Problem, ProfilesError


class ProfileSet:
    """The profiles of a directory, read again whenever they are asked for.

    Attributes:
        directory: The directory.
        catalog: The last valid set. If the first one is invalid: its valid part.
        problems: The problems of the files as they are now, warnings included.
    """

    def __init__(self, directory: Path) -> None:
        """Load a directory.

        Args:
            directory: The directory of profiles.

        Raises:
            ProfilesError: It cannot be read, or `default` is invalid.
        """
        self.directory = folder.absolute(directory)
        self._reading = threading.Lock()
        self.catalog = catalog.load_valid(self.directory)
        self.problems = (*self.catalog.errors, *self.catalog.warnings)
        if not self.catalog.layers:
            raise ProfilesError(self.problems)

    @property
    def broken(self) -> str:
        """Return that the files are invalid, in one message; an empty text where they are not."""
        errors = sum(problem.severity == "error" for problem in self.problems)
        if not errors:
            return ""
        revision = self.catalog.revision
        used = f"revision {revision} stays" if revision else "the valid ones stay"
        count = f"{errors} problem{'s' if errors > 1 else ''}"
        return f"{count} in {self.catalog.label}: {used} in use"

    def read(self) -> Catalog:
        """Read the files, and return the set that is valid now or was last; from any thread."""
        with self._reading:
            try:
                fresh = self._build()
            except ProfilesError as error:
                self.problems = error.problems
            else:
                self.catalog, self.problems = fresh, fresh.warnings
            return self.catalog

    def content(self, name: str) -> bytes | None:
        """Return the bytes of a file as they are now; None where the file is missing.

        Raises:
            ProfilesError: The file or the directory cannot be read.
        """
        content = self._files().get(name)
        if isinstance(content, Problem):
            raise ProfilesError([content])
        return content

    def with_file(self, name: str, content: bytes) -> tuple[Problem, ...]:
        """Return the problems that the set would have with other bytes in one file.

        Args:
            name: The name of the file.
            content: Its bytes.
        """
        try:
            files = {**self._files(), name: content}
            schema = schema_file.load(self.directory)
            built = catalog.build(files, schema, self.catalog, self.catalog.label)
        except ProfilesError as error:
            return error.problems
        return built.warnings

    def _build(self) -> Catalog:
        schema = schema_file.load(self.directory)
        files = self._files()
        same = self.catalog.revision and len(files) == len(self.catalog.files)
        if same and schema.text == self.catalog.schema.text:
            known = self.catalog.files
            if all(name in known and known[name].content is files[name] for name in files):
                return self.catalog
        return catalog.build(files, schema, self.catalog, self.catalog.label)

    def _files(self) -> folder.Contents:
        known = {name: entry.content for name, entry in self.catalog.files.items()}
        return folder.read(self.directory, self.catalog.label, known)
