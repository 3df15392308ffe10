"""Deliver profiles to a directory as the kubelet and git-sync do in a cluster."""

import itertools
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from sandbox.repository import Repository


class ConfigMap:
    """A directory that is filled like the kubelet's AtomicWriter fills it from a ConfigMap.

    The steps are those of pkg/volume/util/atomic_writer.go: a folder `..<time>.<number>` with the
    files, a link `..data_tmp` to it that is renamed to `..data`, links to `..data/<file>` for new
    files, and the former folder removed.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    def update(self, files: Mapping[str, bytes]) -> None:
        """Replace the files by a new generation."""
        data = self.folder / "..data"
        former = data.readlink() if data.is_symlink() else None
        fresh = self.folder / f"..2026_11_23_00_00_00.{uuid.uuid4().int % 10**10}"
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        swap_link(data, fresh.name, aside=self.folder / "..data_tmp")
        for name in files:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        if former:
            shutil.rmtree(self.folder / former)


class GitSync:
    """A root folder that git-sync keeps: a work tree for each commit, and a link to the last one.

    Attributes:
        link: The link, as applications name it.
    """

    def __init__(self, root: Path, origin: Path) -> None:
        self.link = root / "current"
        self._root = Repository(root)
        Repository(origin).git("clone", "--quiet", "--no-checkout", origin, root)

    def sync(self) -> None:
        """Fetch, check out aside, swap the link, remove the former work tree."""
        self._root.git("fetch", "--quiet", "origin", "main")
        commit = self._root.git("rev-parse", "FETCH_HEAD").strip()
        tree = self._root.folder / ".worktrees" / commit
        former = self.link.resolve() if self.link.is_symlink() else None
        self._root.git("worktree", "add", "--quiet", "--force", "--detach", tree, commit)
        swap_link(self.link, f".worktrees/{commit}", aside=self.link.with_name("tmp-link"))
        if former:
            self._root.git("worktree", "remove", "--force", former)


class Trees:
    """As `GitSync`, without git: for more swaps than git has commits in a minute.

    Attributes:
        folder: The folder, behind the link.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / "current" / "profiles"
        self._root = root
        self._trees = itertools.count()
        (root / ".worktrees").mkdir(parents=True)

    def update(self, files: Mapping[str, bytes]) -> None:
        """Replace the files by a new generation."""
        link = self._root / "current"
        former = link.readlink() if link.is_symlink() else None
        fresh = Path(".worktrees") / f"{next(self._trees):040x}"
        profiles = self._root / fresh / "profiles"
        profiles.mkdir(parents=True)
        for name, content in files.items():
            (profiles / name).write_bytes(content)
        swap_link(link, str(fresh), aside=self._root / "tmp-link")
        if former:
            shutil.rmtree(self._root / former)


def swap_link(link: Path, target: str, *, aside: Path) -> None:
    """Replace the target of a link, in one step."""
    aside.symlink_to(target)
    aside.replace(link)
