"""Write a catalog to the published file, and read it in job processes.

One SQLite file has the layer of each profile. A job reads only the rows of one chain, so that its
cost does not grow with the number of profiles.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from timing_profiles.catalog.schema import Schema
from timing_profiles.profile import DEFAULT, Layer, Profile, merged, walk

_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE published (revision TEXT NOT NULL, schema TEXT NOT NULL);
    CREATE TABLE layer (name TEXT PRIMARY KEY, layer TEXT NOT NULL) WITHOUT ROWID;
"""


class SnapshotError(Exception):
    """The published file is missing or damaged."""


class Snapshot:
    """A published set; it stays the same after another one is published.

    Attributes:
        revision: The revision of the set.
        schema: The schema that the set was checked against.
    """

    def __init__(self, path: Path) -> None:
        """Open a published file.

        Raises:
            SnapshotError: The file is missing or damaged.
        """
        self._path = path
        self._identity = _identity(path)
        self._profiles: dict[str, Profile] = {}  # a running call reads the same ones again
        with self.reading():
            # Immutable: the file is only ever replaced, so a reader takes no lock and stays whole.
            uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True)
        try:
            with self.reading():
                self.revision, self.schema = self._head()
        except SnapshotError:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Convert the errors of SQLite and JSON in a block that reads.

        Raises:
            SnapshotError: The file is damaged.
        """
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, KeyError, AttributeError) as error:
            raise SnapshotError(f"{self._path}: {error}") from error

    def names(self) -> list[str]:
        """Return the names of all profiles, sorted."""
        return [
            name for (name,) in self._connection.execute("SELECT name FROM layer ORDER BY name")
        ]

    def profile(self, name: str) -> Profile | None:
        """Return a profile with everything that it inherits; None where the name is unknown."""
        if name not in self._profiles:
            chain, end = walk(name, self._layer)
            if end:
                return None
            self._profiles[name] = merged(reversed(chain))
        return self._profiles[name]

    def is_replaced(self) -> bool:
        """Whether the path has another file by now, or none: the one here only takes up disk."""
        return _identity(self._path) != self._identity

    def copy(self) -> None:
        """Go on with a copy in memory, and close the file: of 2,000 profiles, about 1 MB.

        Raises:
            SnapshotError: The file is damaged.
        """
        memory = sqlite3.connect(":memory:")
        try:
            with self.reading():
                self._connection.backup(memory)
        except SnapshotError:
            memory.close()
            raise
        self._connection.close()
        self._connection = memory

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _head(self) -> tuple[str, Schema]:
        rows = self._connection.execute("SELECT revision, schema FROM published")
        revision, text = rows.fetchone()
        if self._layer(DEFAULT) is None:
            raise ValueError("the profile default is missing")
        return revision, _schema(text)

    def _layer(self, name: str) -> Layer | None:
        row = self._connection.execute("SELECT layer FROM layer WHERE name = ?", (name,)).fetchone()
        return _from_json(row[0]) if row else None


def publish(path: Path, revision: str, schema: Schema, layers: Mapping[str, Layer]) -> None:
    """Replace the published set, atomically.

    Args:
        path: The published file; the new one is written beside it.
        revision: The revision of the set.
        schema: The schema that the set was checked against.
        layers: What each profile sets itself, by its name.

    Raises:
        OSError: It cannot be written.
    """
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    try:
        _write(aside, revision, schema, layers)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)  # a partial file would fill the disk


def _write(path: Path, revision: str, schema: Schema, layers: Mapping[str, Layer]) -> None:
    rows = ((layer.name, _to_json(layer)) for layer in layers.values())
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(_TABLES)
            connection.execute("INSERT INTO published VALUES (?, ?)", (revision, schema.text))
            connection.executemany("INSERT INTO layer VALUES (?, ?)", rows)
            connection.commit()
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from error


def _identity(path: Path) -> tuple[int, int] | None:
    """Identify the file that has a path now; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@lru_cache(maxsize=2)
def _schema(text: str) -> Schema:
    return Schema(text)


def _to_json(layer: Layer) -> str:
    return json.dumps(layer._asdict())


def _from_json(text: str) -> Layer:
    data: dict[str, Any] = json.loads(text)
    allow = data.pop("allow")
    return Layer(**data, allow=None if allow is None else tuple(allow))
