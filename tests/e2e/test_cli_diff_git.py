"""`timing-profiles diff --git`: what changes for callers between commits."""

import json
import re
import shutil
from pathlib import Path

import pytest

from sandbox.repository import ROOT, Repository, run

pytestmark = pytest.mark.behind

NAMES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))


@pytest.fixture
def folder(starters: Path) -> Path:
    """A folder with the starter profiles in `profiles`."""
    return starters.parent


def diff(repository: Repository, *words: str) -> str:
    """What `diff --git` prints."""
    ran = run(["timing-profiles", "diff", "--git", *words], repository.folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def edit(repository: Repository) -> None:
    """Move `default`, add a profile, and remove one."""
    path = repository.profiles / "default.yaml"
    path.write_text(path.read_text().replace("max_delay: 2.5", "max_delay: 2.0"))
    (repository.profiles / "phone-menu.yaml").unlink()
    repository.write("profiles/fresh.yaml", "turn_handling: {endpointing: {max_delay: 1.0}}\n")


EDITED = """\
default, noisy-line                    {a:15} {b}
  default answers after                0.39 to 2.59 s  0.39 to 2.09 s
  noisy-line answers after             0.39 to 2.59 s  0.39 to 2.09 s
  turn_handling.endpointing.max_delay  2.5 s           2.0 s

fresh  added
  answers after 0.39 to 1.09 s

phone-menu  removed
  answers after 2.09 to 5.09 s
"""


def test_uncommitted_edit_shows_its_effects(repository: Repository) -> None:
    """Every profile that inherits it is shown, also from a new file that git does not track."""
    assert diff(repository, "HEAD") == (
        "no caller notices a difference between HEAD and the work tree\n"
    )
    edit(repository)
    assert diff(repository, "HEAD") == EDITED.format(a="HEAD", b="the work tree")


def test_comparison_of_commits_ignores_work_tree(repository: Repository) -> None:
    """In the order in which they are named."""
    edit(repository)
    repository.commit()
    shutil.rmtree(repository.profiles)
    assert diff(repository, "main~1", "main") == EDITED.format(a="main~1", b="main")
    back = diff(repository, "main", "main~1")
    assert "fresh  removed\n" in back
    assert "phone-menu  added\n" in back
    assert "  turn_handling.endpointing.max_delay  2.0 s           2.5 s\n" in back


def test_json_of_commits_has_documented_shape(repository: Repository) -> None:
    """`b` is null where it is the work tree."""
    edit(repository)
    found = json.loads(diff(repository, "HEAD", "--format", "json"))
    assert set(found) == {"a", "b", "profiles", "bounds"}
    assert {*map(tuple, found["profiles"])} == {("profile", "status", "changes", "wait")}
    assert (found["a"], found["b"]) == ("HEAD", None)
    assert [(one["profile"], one["status"]) for one in found["profiles"]] == [
        ("default", "changed"),
        ("fresh", "added"),
        ("noisy-line", "changed"),
        ("phone-menu", "removed"),
    ]
    assert found["profiles"][0]["changes"] == [
        {"field": "turn_handling.endpointing.max_delay", "a": 2.5, "b": 2.0}
    ]
    assert found["profiles"][1]["wait"]["a"] is None
    assert found["profiles"][1]["wait"]["b"]["seconds"] == [0.39, 1.09]
    repository.commit()
    assert json.loads(diff(repository, "HEAD~1", "HEAD", "--format", "json"))["b"] == "HEAD"


def test_markdown_of_commits_has_tables(repository: Repository) -> None:
    """Every row of a table has as many cells as its head."""
    edit(repository)
    text = diff(repository, "HEAD", "--format", "markdown")
    assert text.startswith("### What changes for callers from `HEAD` to the work tree\n\n|")
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 2
    for table in tables:
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in table} == {table[0].count("|")}


def test_commit_without_profiles_is_an_empty_set(repository: Repository) -> None:
    """All of them are new."""
    repository.git("checkout", "--quiet", "--orphan", "bare")
    repository.git("rm", "--quiet", "-r", "--cached", "profiles")
    repository.git("commit", "--quiet", "--message", "Begin", "--", "README.md")
    text = diff(repository, "bare")
    assert [line for line in text.splitlines() if "added" in line] == [f"{', '.join(NAMES)}  added"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], 'unknown commit "nowhere"'),
        (["mian"], 'unknown commit "mian"; did you mean main?'),
        (["HEAD", "nowhere"], 'unknown commit "nowhere"'),
        (["main..HEAD"], "main..HEAD is a range, not a commit; name its two ends: main HEAD"),
        (["\x1b[31m"], 'invalid revision "\\u001b[31m"'),
    ],
    ids=["unknown", "near-miss", "second", "range", "escape-sequence"],
)
def test_unknown_commit_is_a_usage_error(
    words: list[str], message: str, repository: Repository
) -> None:
    """Exit 2, one line, nothing on stdout."""
    ran = run(["timing-profiles", "diff", "--git", *words], repository.folder)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"timing-profiles: {message}\n"


def test_directory_outside_a_repository_is_a_usage_error(folder: Path) -> None:
    """One line, from git."""
    ran = run(["timing-profiles", "diff", "--git", "HEAD"], folder)
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)
    assert "not a git repository" in ran.stderr


def test_invalid_commit_has_problems_of_its_files(repository: Repository) -> None:
    """Exit 1, with the commit in the place of the file."""
    repository.write("profiles/brisk.yaml", "tts: {speed: 9}\n")
    repository.commit()
    ran = run(["timing-profiles", "diff", "--git", "HEAD~1", "HEAD"], repository.folder)
    assert (ran.returncode, ran.stdout, ran.stderr) == (
        1,
        "",
        "HEAD:profiles/brisk.yaml:1:14: tts.speed: 9 is more than the maximum of 1.5 (factor)\n",
    )
