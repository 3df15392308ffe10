"""Files that stand in the place of a profile or of a schema."""

from __future__ import annotations

import os
from pathlib import Path


def make_device(path: Path) -> None:
    """Make a link to an endless device; only root makes devices."""
    path.symlink_to("/dev/zero")


def make_loop(path: Path) -> None:
    """Make a link to itself."""
    path.symlink_to(path.name)


def make_dangling(path: Path) -> None:
    """Make a link to a path that does not exist."""
    path.symlink_to("nowhere")


def make_fifo(path: Path) -> None:
    """Make a FIFO without a writer."""
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    """Make a directory."""
    path.mkdir()
