"""How text looks on a stream; on a terminal, a real pseudo-terminal."""

import fcntl
import io
import os
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from timing_profiles.cli import terminal
from timing_profiles.cli.terminal import Style

PLAIN = Style()
COLOURED = Style(colour=True, width=30)


@contextmanager
def pseudo_terminal(columns: int) -> Iterator[TextIO]:
    """A stream to a terminal of that width."""
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(writer, "w") as stream:
        try:
            yield stream
        finally:
            os.close(reader)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal without wishes."""
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_file_gets_plain_text_of_any_width() -> None:
    """Whoever reads it, cuts it."""
    assert terminal.style(io.StringIO()) == PLAIN


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_terminal_gets_colour_and_its_own_width(columns: int) -> None:
    """Also when stdout is another one."""
    with pseudo_terminal(columns) as stream:
        assert terminal.style(stream) == Style(colour=True, width=columns)


def test_terminal_of_unknown_width_has_the_usual_one() -> None:
    """As a serial line."""
    with pseudo_terminal(0) as stream:
        assert terminal.style(stream) == Style(colour=True, width=80)


@pytest.mark.parametrize(("wish", "width"), [("100", 100), ("0", 40), ("-5", 40), ("wide", 40)])
def test_columns_of_the_environment_win(
    wish: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they are a number of columns."""
    monkeypatch.setenv("COLUMNS", wish)
    with pseudo_terminal(40) as stream:
        assert terminal.style(stream).width == width


@pytest.mark.parametrize(
    ("name", "value", "style"),
    [
        ("NO_COLOR", "1", Style(width=80)),
        ("NO_COLOR", "0", Style(width=80)),
        ("NO_COLOR", "", Style(colour=True, width=80)),
        ("TERM", "dumb", Style(width=80)),
        ("TERM", "vt100", Style(colour=True, width=80)),
    ],
)
def test_no_color_disables_colour(
    name: str, value: str, style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any value of NO_COLOR that is not empty counts, https://no-color.org."""
    monkeypatch.setenv(name, value)
    with pseudo_terminal(80) as stream:
        assert terminal.style(stream) == style


def test_colour_ends_where_the_text_does() -> None:
    """And nothing is painted where there is nothing."""
    assert COLOURED.bold("a") == "\x1b[1ma\x1b[0m"
    assert COLOURED.error("a") == "\x1b[1;31ma\x1b[0m"
    assert [COLOURED.dim(""), PLAIN.bold("a"), PLAIN.changed("a")] == ["", "a", "a"]


def test_text_is_wrapped_at_the_width() -> None:
    """Later lines may be indented; no word is broken, a path stays whole."""
    text = "one two three four five six a/long/path/that/cannot/be/broken/anywhere seven"
    assert COLOURED.wrapped(text, "- ", "  ").split("\n") == [
        "- one two three four five six",
        "  a/long/path/that/cannot/be/broken/anywhere",
        "  seven",
    ]
    assert PLAIN.wrapped(text * 100, "- ", "  ") == f"- {text * 100}"


def test_a_narrow_terminal_still_gets_words() -> None:
    """Not a letter in each line."""
    narrow = Style(width=3)
    assert narrow.wrapped("one two three four five").split("\n") == ["one two three four", "five"]


def test_text_is_cut_where_the_line_ends() -> None:
    """After the columns that are used already; a few letters are always left."""
    assert COLOURED.cut("x" * 20, 10) == "x" * 20
    assert COLOURED.cut("x" * 21, 10) == f"{'x' * 17}..."
    assert COLOURED.cut("one two three four five", 14) == "one two three..."
    assert COLOURED.cut("x" * 21, 1000) == f"{'x' * 7}..."
    assert PLAIN.cut("x" * 5000, 80) == "x" * 5000


def test_rows_are_aligned() -> None:
    """The last cell is as long as it is; lines do not end in spaces."""
    rows = [("a", "bb", "c"), ("aaa", "b", ""), ("a",), ("", "", "c")]
    assert list(terminal.lines(rows)) == ["a    bb  c", "aaa  b", "a", "         c"]
    assert list(terminal.lines([])) == []


def test_rows_are_parted_by_section() -> None:
    """A field by its name alone below it; the order is kept."""
    rows = [("stt.engine", "1"), ("stt.nova.model", "2"), ("stt.nova.language", "3"), ("tts.x",)]
    assert list(terminal.by_section(rows)) == [
        ("stt", [["engine", "1"]]),
        ("stt.nova", [["model", "2"], ["language", "3"]]),
        ("tts", [["x"]]),
    ]
