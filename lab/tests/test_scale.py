"""The checks of `make scale`, and how it writes its result."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.scale import table
from lab.scale.__main__ import main
from lab.scale.calls import Answered
from lab.scale.cluster import Active, Machine, Node, Taken
from lab.scale.redis_server import RedisMissingError, redis_server
from lab.scale.table import Row
from sandbox.deepgram import Deepgram
from sandbox.deliveries import ConfigMap
from sandbox.inference import Inference
from sandbox.livekit_server import LiveKitServer
from sandbox.worker import Services

HISTORY = (
    Active("first", since=0.0, published=0.5),
    Active("second", since=10.0, published=10.5),
    Active("third", since=20.0, published=20.5),
)

Call = Callable[..., Answered]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """A call that began at one time, and whose job took a revision at another one."""
    node = Node("A", LiveKitServer(), tmp_path / "node.log")
    services = Services(node.server, Deepgram(), Inference())
    machine = Machine(1, node, ConfigMap(tmp_path / "profiles"), services)

    def made(revision: str, began: float, taken: float, reported: str = "") -> Answered:
        took = Taken(machine, revision, taken)
        return Answered(node, node, "agent", took, reported or revision, began, seconds=1.0)

    return made


def test_call_may_report_the_revision_active_at_its_start(call: Call) -> None:
    """A revision counts from the swap of the files: the worker publishes just before it logs."""
    assert table.wrong_revision(call("second", 12.0, 13.0), HISTORY) == ""
    assert table.wrong_revision(call("second", 9.0, 10.2), HISTORY) == ""


def test_in_a_change_a_call_may_report_either_revision(call: Call) -> None:
    """Its job reads the profiles at some moment between its start and its report."""
    found = {table.wrong_revision(call(name, 9.5, 11.0), HISTORY) for name in ("first", "second")}
    assert found == {""}


def test_call_may_not_report_a_revision_replaced_before_its_start(call: Call) -> None:
    """The second revision was active at its start."""
    why = table.wrong_revision(call("first", 11.0, 12.0), HISTORY)
    assert why == "a call reported first, which worker 1 had replaced before it"


def test_call_may_not_report_a_later_or_foreign_revision(call: Call) -> None:
    """Nor a revision of another machine."""
    later = table.wrong_revision(call("third", 11.0, 12.0), HISTORY)
    foreign = table.wrong_revision(call("fourth", 11.0, 12.0), HISTORY)
    other = table.wrong_revision(call("second", 11.0, 12.0, reported="first"), HISTORY)
    assert later == "a call reported third before worker 1 had its files"
    assert foreign == "a call reported fourth, which worker 1 never had"
    assert other == "a call reported first, and its job took second"


def test_table_is_aligned_and_names_failures() -> None:
    """Measurements without a limit have no verdict."""
    rows = [Row("calls", "3 of 4", held=False), Row("rooms", "2"), Row("x", "", held=True)]
    assert table.text(rows) == (
        "|       | seen   | held |\n"
        "| ----- | ------ | ---- |\n"
        "| calls | 3 of 4 | NO   |\n"
        "| rooms | 2      |      |\n"
        "| x     |        | yes  |"
    )


def test_result_replaces_the_former_one_on_its_page(tmp_path: Path) -> None:
    """Text around the markers is kept."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- make scale ARGS=--write -->\n<!-- end of make scale -->\nafter\n")
    table.write(page, "one \\1")
    table.write(page, "two \\1")
    assert page.read_text() == (
        "before\n<!-- make scale ARGS=--write -->\n\ntwo \\1\n\n<!-- end of make scale -->\nafter\n"
    )


def test_a_page_without_its_markers_is_an_error(tmp_path: Path) -> None:
    """A result is not lost silently."""
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="markers <!-- make scale") as raised:
        table.write(page, "result")
    assert str(page) in str(raised.value)


async def test_missing_redis_message_names_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is started."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RedisMissingError) as raised:
        async with redis_server(tmp_path):
            pass
    assert str(raised.value) == (
        "redis-server is not on PATH: install it (Debian: apt-get install redis-server)"
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--workers", "1"], "--workers 1 is too few: one of them is killed; 2 is the least"),
        (["--calls", "4"], "--calls 4 is too few for 4 changes among them"),
    ],
)
def test_too_few_workers_or_calls_is_a_usage_error(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No other worker could take the calls of a single one."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert why in capsys.readouterr().err
