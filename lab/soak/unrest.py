"""Constant edits of a directory of profiles: every kind, one after the other."""

import contextlib
import itertools
import random
import shutil
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from lab.soak.beside import beside

EVERY = 0.1
"""Seconds from one edit to the next: in most of them a reload fits."""

_EDITED = "patient.yaml"
_RENAMED = ("courier.yaml", "courier-by-bike.yaml")
_BROKEN = ("vad: {min_silence: 1}\n", "turn_handling: [\n", "", "extends: nobody\n")


class Unrest:
    """Edits of a folder of profiles, for as long as a block runs.

    `brisk` and `default` keep what they say: calls ask for them.

    Attributes:
        edits: How many there were.
    """

    def __init__(self, profiles: Path) -> None:
        self.edits = 0
        self._folder = profiles
        self._sound = (profiles / _EDITED).read_text(encoding="utf-8")
        self._generation = 0

    @contextlib.contextmanager
    def going_on(self) -> Generator[None]:
        """Edit for as long as the block runs; the profiles are valid afterwards."""
        try:
            with beside(self._edit):
                yield
        finally:
            self._save_over()

    def _edit(self, ended: threading.Event) -> None:
        for edit in self._edits():
            if ended.wait(EVERY):
                return
            edit()
            self.edits += 1

    def _edits(self) -> Iterator[Callable[[], None]]:
        each = (
            *(self._save, self._save_over, self._break, self._mend),
            *(self._rename, self._swap, self._save_in_pieces),
        )
        return itertools.cycle(each)

    def _save(self) -> None:
        """Write in place."""
        (self._folder / _EDITED).write_text(self._text(), encoding="utf-8")

    def _save_over(self) -> None:
        """Write beside the file, then rename."""
        aside = self._folder / f".{_EDITED}.new"
        aside.write_text(self._text(), encoding="utf-8")
        aside.replace(self._folder / _EDITED)

    def _break(self) -> None:
        broken = random.choice(_BROKEN)  # noqa: S311 - no secret
        (self._folder / _EDITED).write_text(broken, encoding="utf-8")

    def _mend(self) -> None:
        (self._folder / _EDITED).write_text(self._sound, encoding="utf-8")

    def _rename(self) -> None:
        """Rename a profile, and back."""
        old, new = (self._folder / name for name in _RENAMED)
        if old.exists():
            old.rename(new)
        else:
            new.rename(old)

    def _save_in_pieces(self) -> None:
        with (self._folder / _EDITED).open("w", encoding="utf-8") as file:
            for piece in self._text().splitlines(keepends=True):
                file.write(piece)
                file.flush()

    def _swap(self) -> None:
        """As the kubelet puts a ConfigMap in place: files are links through one that it swaps."""
        self._generation += 1
        fresh, current = self._folder / f"..{self._generation}", self._folder / "..data"
        before = current.resolve() if current.is_symlink() else None
        fresh.mkdir()
        for file in self._folder.glob("[!.]*.yaml"):
            shutil.copyfile(file, fresh / file.name)
        _link(current, fresh.name)
        for file in fresh.iterdir():
            _link(self._folder / file.name, f"..data/{file.name}")
        if before:
            shutil.rmtree(before)

    def _text(self) -> str:
        """Return another valid text each time."""
        return f"{self._sound}\n# edit {self.edits}\n"


def _link(path: Path, target: str) -> None:
    if path.is_symlink() and str(path.readlink()) == target:
        return
    aside = path.with_name(f"{path.name}_tmp")
    aside.symlink_to(target)
    aside.replace(path)
