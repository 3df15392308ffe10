"""The page of faults, and the tests that are named by their numbers."""

from pathlib import Path

from tests import fault_table

TESTS = (Path(__file__).parent, Path(__file__).parents[1] / "lab" / "tests")


def test_every_fault_has_a_test() -> None:
    """And each number in the name of a test is one of the page."""
    lines = [
        line
        for folder in TESTS
        for path in folder.rglob("test_*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("def test_fault_", "async def test_fault_"))
    ]
    tested = {number for line in lines for number in fault_table.numbers(line)}
    assert tested == set(fault_table.faults())
    assert tested.issuperset(range(1, 65))
