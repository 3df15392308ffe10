"""The files of end-to-end tests that begin before others."""

from sandbox.fixtures import FIRST, ROOT


def test_files_that_begin_first_exist() -> None:
    """A file that is renamed keeps its place."""
    assert [file for file in FIRST if not (ROOT / file).is_file()] == []
    assert len(set(FIRST)) == len(FIRST)
