"""A catalog <-> the published file that job processes read.

One SQLite file holds what each profile sets itself. A job reads the few rows of one chain, so
that its cost does not grow with the number of profiles.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from timing_profiles.profile import DEFAULT, Layer, Profile, merged
from timing_profiles.schema import Schema

_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE published (revision TEXT NOT NULL, schema TEXT NOT NULL);
    CREATE TABLE layer (name TEXT PRIMARY KEY, layer TEXT NOT NULL) WITHOUT ROWID;
"""


class SnapshotError(Exception):
    """The published file is missing or damaged."""


class Snapshot:
    """The published profiles, while the file is open.

    Attributes:
        revision: Of the set that was published.
        schema: The schema that metadata is held to.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read the head of a published file."""
        self._connection = connection
        self.revision, text = connection.execute(
            "SELECT revision, schema FROM published"
        ).fetchone()
        self.schema = _schema(text)
        if self._layer(DEFAULT) is None:
            raise ValueError("there is no default profile in it")

    def names(self) -> list[str]:
        """The names of all profiles, sorted."""
        return [
            name for (name,) in self._connection.execute("SELECT name FROM layer ORDER BY name")
        ]

    def profile(self, name: str) -> Profile | None:
        """A profile with everything that it inherits; None where there is none of that name."""
        chain: dict[str, Layer] = {}
        following: str | None = name
        while following and following not in chain:
            layer = self._layer(following)
            if layer is None:
                return None
            chain[following] = layer
            following = layer.extends
        return merged(reversed(chain.values()))

    def _layer(self, name: str) -> Layer | None:
        row = self._connection.execute("SELECT layer FROM layer WHERE name = ?", (name,)).fetchone()
        return _from_json(row[0]) if row else None


def publish(revision: str, schema: Schema, layers: Iterator[Layer], path: Path) -> None:
    """Put a set in place of the one that is published, whole or not at all.

    Args:
        revision: Of the set.
        schema: That it was checked against.
        layers: What each profile sets itself.
        path: The published file; the file is built beside it.

    Raises:
        OSError: It cannot be written.
    """
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(aside)) as connection:
            connection.executescript(_TABLES)
            connection.execute("INSERT INTO published VALUES (?, ?)", (revision, schema.text))
            rows = ((layer.name, json.dumps(asdict(layer))) for layer in layers)
            connection.executemany("INSERT INTO layer VALUES (?, ?)", rows)
            connection.commit()
    except sqlite3.Error as error:
        raise OSError(f"{aside}: {error}") from error
    aside.replace(path)


@contextmanager
def opened(path: Path) -> Iterator[Snapshot]:
    """The published profiles, for as long as the block runs.

    Raises:
        SnapshotError: The file is missing or damaged.
    """
    try:
        # Immutable: the file is only ever replaced, so a reader takes no lock and stays whole.
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            yield Snapshot(connection)
    except (sqlite3.Error, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SnapshotError(f"{path}: {error}") from error


@lru_cache(maxsize=2)
def _schema(text: str) -> Schema:
    return Schema(text)


def _from_json(text: str) -> Layer:
    data: dict[str, Any] = json.loads(text)
    allow = data.pop("allow")
    return Layer(**data, allow=None if allow is None else tuple(allow))
