"""A hash over the names and bytes of a set; after an edit only what changed is hashed anew."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_SIZE = 64


@dataclass(frozen=True, slots=True)
class Digests:
    """A digest for each file of a set.

    Attributes:
        names: Of the files, sorted.
        digests: 64 bytes for each of them, in this order.
    """

    names: tuple[str, ...] = ()
    digests: bytes = b""

    def updated(self, fresh: Mapping[str, bytes], gone: Iterable[str]) -> Digests:
        """Those of a set in which some files have come, changed or gone.

        Args:
            fresh: The bytes of those that have come or changed, by name.
            gone: The names of those that have gone.
        """
        names, digests = list(self.names), bytearray(self.digests)
        for name in gone:
            at = bisect_left(names, name)
            del names[at], digests[_SIZE * at : _SIZE * (at + 1)]
        for name in sorted(fresh):
            at = bisect_left(names, name)
            known = at < len(names) and names[at] == name
            digests[_SIZE * at : _SIZE * (at + known)] = _digest(name, fresh[name])
            if not known:
                names.insert(at, name)
        return Digests(tuple(names), bytes(digests))

    def revision(self, schema: str) -> str:
        """12 hex digits, of the set and of the text of its schema."""
        digest = hashlib.sha256(schema.encode())
        digest.update(self.digests)
        return digest.hexdigest()[:12]


def _digest(name: str, content: bytes) -> bytes:
    parts = (name.encode("utf-8", "surrogateescape"), content)
    return b"".join(hashlib.sha256(part).digest() for part in parts)
