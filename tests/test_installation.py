"""`make install-check`, as far as it needs no installation."""

import zipfile
from pathlib import Path

import pytest
import tomli

from installation import environments
from installation.command import environment
from installation.environments import PLANS, VERSIONS, Plan
from installation.package import differences
from installation.table import Row, table
from tests.markdown import ROOT


def test_every_supported_python_is_tried() -> None:
    """Each that the metadata names, and each choice of versions."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    classifiers = [line.rpartition(" :: ") for line in project["classifiers"]]
    named = [last for first, _, last in classifiers if first == "Programming Language :: Python"]
    assert [plan.python for plan in PLANS] == [last for last in named if "." in last]
    assert {plan.versions for plan in PLANS} == set(VERSIONS)


def test_an_environment_is_named_by_its_python() -> None:
    """With the versions after a colon, or those that are tried by default."""
    assert environments.plan("3.13") == Plan("3.13", "newest")
    assert environments.plan("3.13:lowest") == Plan("3.13", "lowest")


@pytest.mark.parametrize("text", ["3.9", "3.13:", "3.13:oldest", "newest", ""])
def test_unknown_environment_is_refused(text: str) -> None:
    """With all that is allowed."""
    with pytest.raises(ValueError, match="expected") as caught:
        environments.plan(text)
    assert str(caught.value) == (
        f"{text}: expected a Python (3.10, 3.11, 3.12, 3.13),"
        " with :lowest or :lock or :newest after it to choose versions"
    )


def test_different_wheels_name_their_files(tmp_path: Path) -> None:
    """Those with other bytes, and those that only one has."""
    for name, files in {
        "one": {"same": "1", "changed": "1", "gone": "1"},
        "other": {"same": "1", "changed": "2", "new": "1"},
    }.items():
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for file, text in files.items():
                archive.writestr(file, text)
    assert differences(tmp_path / "one", tmp_path / "one") == []
    assert differences(tmp_path / "one", tmp_path / "other") == ["changed", "gone", "new"]


def test_the_table_has_a_row_for_each_environment() -> None:
    """Failures, unreached steps and a missing Python are shown differently."""
    rows = [
        Row(PLANS[0], "3.10.9", "1.8.0", 4.25, "after 0.91 s", "7 passed"),
        Row(PLANS[1], "3.11.7", "1.8.2", 4.0, "after 1.02 s", failed=["unit tests"]),
        Row(PLANS[2], failed=["install"]),
        Row(PLANS[3], found=False),
    ]
    assert table(rows).splitlines() == [
        "environment  Python               livekit-agents  install  call          unit tests",
        "3.10 lowest  3.10.9               1.8.0           4.2 s    after 0.91 s  7 passed",
        "3.11 lock    3.11.7               1.8.2           4.0 s    after 1.02 s  FAILED",
        "3.12 newest  -                    -               FAILED   -             -",
        "3.13 newest  not on this machine  -               -        -             -",
    ]


def test_environment_has_no_development_variables() -> None:
    """Nothing of it reaches the package, or lets another one be imported."""
    ours = {"PYTHONPATH": ".", "PROFILES_DIR": "x", "CI": "true", "VIRTUAL_ENV": ".venv"}
    assert environment({**ours, "PATH": "/bin", "CITY": "Ulm"}) == {"PATH": "/bin", "CITY": "Ulm"}
