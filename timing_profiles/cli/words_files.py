"""Find the recording that each file of words belongs to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from timing_profiles.problems import listed
from timing_profiles.rehearsal import given_words, recording
from timing_profiles.rehearsal.recording import Failed


def found(names: Iterable[str], files: Sequence[Path], failed: Failed) -> Mapping[Path, Path]:
    """Return the file of words of each recording that has one.

    A file belongs to the recording of the same name, `booking.json` to `booking.wav`; of several,
    to the one in its own directory, or in one of the same name. The only file belongs to the only
    recording, whatever their names. In a directory, files of other names are left alone.

    Args:
        names: Files, and directories of files.
        files: The recordings.
        failed: Called with each file that belongs to none or to several, and the reason.
    """
    paths = [Path(name) for name in names]
    alone = len(paths) == len(files) == 1 and not os.path.isdir(paths[0])  # noqa: PTH112
    words: dict[Path, Path] = {}
    for path in paths:
        is_directory = os.path.isdir(path)  # noqa: PTH112 - Path.is_dir may raise an error
        among = recording.below(path, given_words.SUFFIXES, failed) if is_directory else [path]
        matched = False
        for one in among:
            fitting = [*files] if alone else _fitting(one, files)
            matched = matched or bool(fitting)
            if len(fitting) > 1:
                ends = listed(recording.names(fitting), most=5)
                failed(one, f"its name is that of {len(fitting)} recordings: {ends}")
            elif not fitting and one is path:
                ends = listed(recording.names(files), most=5)
                failed(one, f"has the name of none of the recordings given: {ends}")
            elif fitting and words.setdefault(fitting[0], one) != one:
                other = words[fitting[0]].as_posix()
                failed(one, f"{fitting[0].name} has words in another file, too: {other}")
        if is_directory and not matched:
            failed(path, "the directory contains no words of a recording given")
    return words


def _fitting(words: Path, files: Sequence[Path]) -> list[Path]:
    """Return the recordings of the same name; those that share most directories of it."""
    named = [file for file in files if words.stem in {file.stem, file.name}]
    if len(named) <= 1:
        return named
    shared = [_shared(words, file) for file in named]
    return [file for file, count in zip(named, shared, strict=True) if count == max(shared)]


def _shared(words: Path, file: Path) -> tuple[int, int]:
    """Return whether two files share their directory, and how many of its last names."""
    ours, theirs = words.absolute().parent, file.absolute().parent
    pairs = zip(reversed(ours.parts), reversed(theirs.parts), strict=False)
    count = next((at for at, (one, other) in enumerate(pairs) if one != other), len(ours.parts))
    return int(ours == theirs), count
