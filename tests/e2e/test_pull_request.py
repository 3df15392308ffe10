"""The examples for a pull request: their steps and targets are run, as they stand in the files."""

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from sandbox.repository import ROOT, Repository, environment, run
from tests import recorded
from tests.e2e import gh

pytestmark = pytest.mark.behind

EXAMPLES = ROOT / "examples" / "pull_request"
WORKFLOW = EXAMPLES / "timing-profiles.yaml"
MAKEFILE = EXAMPLES / "timing-profiles.mk"

MARKER = "<!-- timing-profiles -->\n"
TOO_MUCH = "stt:\n  nova: {endpointing_ms: 99999}\n"
TOO_MUCH_LINE = (
    "profiles/patient.yaml:2:26: stt.nova.endpointing_ms: "
    "99999 is more than the maximum of 10000 (ms)"
)

SILENCE = "turn_handling: {{turn_detection: vad, endpointing: {{min_delay: {}}}}}\n"

# What the runner puts in the places of the expressions that the steps use.
EXPRESSIONS = {
    "${{ github.token }}": "a token",
    "${{ github.event.pull_request.number }}": "5",
}


@dataclass(frozen=True, slots=True)
class Runner:
    """What GitHub's runner does: steps of the workflow, in a checkout of the pull request.

    Attributes:
        checkout: The merge of the pull request into its base, and that base; nothing older.
        folder: Where the runner keeps its own files.
    """

    checkout: Repository
    folder: Path

    def step(self, name: str) -> CompletedProcess[str]:
        """Run a step of that name."""
        step = steps()[name]
        script = self.folder / "step.sh"
        script.write_text(step["run"])
        values = {**workflow()["env"], **step.get("env", {})}
        env = {key: EXPRESSIONS.get(value, value) for key, value in values.items()}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        return run(command, self.checkout.folder, {**self._environment(), **env})

    @property
    def summary(self) -> str:
        """What the run shows on its page."""
        return (self.folder / "summary.md").read_text()

    @property
    def comments(self) -> list[dict[str, Any]]:
        """What stands under the pull request."""
        found: list[dict[str, Any]] = json.loads((self.folder / "comments.json").read_text())
        return found

    def say(self, *comments: Mapping[str, Any]) -> None:
        """Put comments under the pull request."""
        (self.folder / "comments.json").write_text(json.dumps(comments))

    def _environment(self) -> dict[str, str]:
        command = self.folder / "bin" / "gh"
        command.parent.mkdir(exist_ok=True)
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{gh.__file__}" "$@"\n')
        command.chmod(0o755)
        return {
            "PATH": f"{command.parent}{os.pathsep}{environment()['PATH']}",
            "GITHUB_BASE_REF": "main",
            "GITHUB_REPOSITORY": "acme/agent",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "RUNNER_TEMP": str(self.folder),
            gh.COMMENTS: str(self.folder / "comments.json"),
        }


def workflow() -> dict[Any, Any]:
    """The workflow, as data."""
    found: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text())
    return found


def steps() -> dict[str, Any]:
    """Its steps that run a script, by name."""
    found = workflow()["jobs"]["timing-profiles"]["steps"]
    return {step["name"]: step for step in found if "run" in step}


@pytest.fixture
def origin(tmp_path: Path) -> Repository:
    """A repository with the starter profiles, and a branch `topic` to change them on."""
    made = Repository.init(tmp_path / "origin")
    made.add_profiles()
    made.commit("Add profiles")
    made.git("switch", "--quiet", "--create", "topic")
    return made


def checked_out(origin: Repository, tmp_path: Path) -> Runner:
    """What `actions/checkout` fetches of a pull request of `topic` into `main`."""
    origin.git("switch", "--quiet", "--detach", "main")
    origin.git("merge", "--quiet", "--no-ff", "--message", "Merge topic into main", "topic")
    origin.git("update-ref", "refs/pull/5/merge", "HEAD")
    made = Repository.init(tmp_path / "checkout")
    depth = workflow()["jobs"]["timing-profiles"]["steps"][0]["with"]["fetch-depth"]
    made.git("remote", "add", "origin", f"file://{origin.folder}")
    fetched = "+refs/pull/5/merge:refs/remotes/pull/5/merge"
    made.git("fetch", "--quiet", "--no-tags", f"--depth={depth}", "origin", fetched)
    made.git("checkout", "--quiet", "--force", "refs/remotes/pull/5/merge")
    folder = tmp_path / "runner"
    folder.mkdir()
    runner = Runner(made, folder)
    runner.say()
    return runner


def comment(number: int, user: str, body: str) -> dict[str, Any]:
    """A comment as GitHub's interface gives it."""
    return {"id": number, "user": {"login": user}, "body": body}


def answer_sooner(repository: Repository) -> None:
    """Edit default.yaml, on which every profile builds."""
    default = repository.profiles / "default.yaml"
    default.write_text(default.read_text().replace("min_delay: 0.3", "min_delay: 0.2"))
    repository.commit("Answer sooner")


def test_workflow_rehearses_recorded_calls(origin: Repository, tmp_path: Path) -> None:
    """With the profiles that change, against the base; a turn that is newly cut fails the run."""
    (origin.folder / "calls").mkdir()
    pause = "My number is five five five [1.2] zero one two three."
    recorded.write(origin.folder / "calls" / "order.wav", *recorded.sides(pause, "Yes please."))
    origin.write("profiles/slow.yaml", SILENCE.format(2.0))
    origin.commit("Wait for slow callers")
    origin.git("branch", "--force", "main", "topic")
    origin.write("profiles/slow.yaml", SILENCE.format(0.6))
    origin.commit("Answer sooner")
    runner = checked_out(origin, tmp_path)
    assert runner.step("Compare").returncode == 0
    ran = runner.step("Rehearse")
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "")
    text = (runner.folder / "changes.md").read_text()
    assert "    slow: newly cut 1, saved 0 of 2 turns (may be chance, p 1); waits: 0" in text
    assert "    gate newly_cut<=0: slow: fails (1 of 2)\n" in text
    assert runner.summary.endswith(text[text.index("\nRecorded calls, rehearsed") :])


def test_workflow_is_valid() -> None:
    """By the schema of GitHub's workflows."""
    schema = "vendor.github-workflows"
    ran = run(["check-jsonschema", "--builtin-schema", schema, str(WORKFLOW)], ROOT)
    assert ran.returncode == 0, ran.stdout


def test_workflow_gives_no_secret_to_pull_requests() -> None:
    """A fork's code gets no write token; text of strangers is never part of a script."""
    made = workflow()
    # `on` is a boolean in YAML 1.1, which this reader takes it for.
    assert list(made[True]) == ["pull_request"]
    assert made["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert [name for name, step in steps().items() if "${{" in step["run"]] == []
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert own in steps()["Comment"]["if"]


def test_fault_86_actions_are_pinned_by_commit() -> None:
    """A tag can be moved to other code; the version stands in a comment, for people and bots."""
    lines = [line for line in WORKFLOW.read_text("utf-8").splitlines() if "uses:" in line]
    pinned = re.compile(r" {6}- uses: actions/[a-z-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+")
    assert len(lines) == 2
    assert [line for line in lines if not pinned.fullmatch(line)] == []


def test_a_problem_is_marked_on_its_line(origin: Repository, tmp_path: Path) -> None:
    """The step fails, with an annotation that GitHub shows beside the line."""
    origin.write("profiles/patient.yaml", TOO_MUCH)
    origin.commit()
    ran = checked_out(origin, tmp_path).step("Check")
    assert ran.returncode == 1
    assert ran.stdout == (
        "::error file=profiles/patient.yaml,line=2,col=26::stt.nova.endpointing_ms: "
        "99999 is more than the maximum of 10000 (ms)\n"
    )


def test_edit_of_default_shows_every_affected_profile(origin: Repository, tmp_path: Path) -> None:
    """In the summary and in the comment; profiles that set the value themselves are not there."""
    answer_sooner(origin)
    runner = checked_out(origin, tmp_path)
    assert runner.step("Check").returncode == 0
    compared = runner.step("Compare")
    assert compared.returncode == 0, compared.stderr
    commented = runner.step("Comment")
    assert commented.returncode == 0, commented.stderr
    assert runner.comments == [comment(0, gh.BOT, MARKER + runner.summary)]
    assert runner.summary.startswith("### What changes for callers from `main` to `HEAD`\n")
    moved = set(re.findall(r"^\| `([a-z-]+)` \| changed \|", runner.summary, re.MULTILINE))
    assert {"default", "noisy-line"} <= moved
    assert "patient" not in moved
    assert "`0.3 s` | `0.2 s`" in runner.summary


def test_the_next_push_changes_the_comment(origin: Repository, tmp_path: Path) -> None:
    """There is one, and those of others stay, even where they begin like ours."""
    answer_sooner(origin)
    runner = checked_out(origin, tmp_path)
    others = comment(0, "ada", f"{MARKER}Not from here."), comment(1, gh.BOT, "Coverage: 100 %")
    runner.say(*others, comment(2, gh.BOT, f"{MARKER}Of old."))
    runner.step("Compare")
    assert runner.step("Comment").returncode == 0
    assert runner.comments == [*others, comment(2, gh.BOT, MARKER + runner.summary)]


def test_edit_without_effect_is_reported_as_such(origin: Repository, tmp_path: Path) -> None:
    """So that a comment of an earlier push does not stay."""
    origin.write("profiles/README.md", "Our profiles.\n")
    origin.commit()
    runner = checked_out(origin, tmp_path)
    runner.step("Compare")
    assert runner.step("Comment").returncode == 0
    assert runner.comments[0]["body"] == (
        f"{MARKER}No caller notices a difference between `main` and `HEAD`.\n"
    )


def test_base_without_profiles_shows_all_profiles_as_added(tmp_path: Path) -> None:
    """The pull request that brings the first profiles."""
    origin = Repository.init(tmp_path / "origin")
    origin.commit("Begin")
    origin.git("switch", "--quiet", "--create", "topic")
    origin.add_profiles()
    origin.commit("Add profiles")
    runner = checked_out(origin, tmp_path)
    compared = runner.step("Compare")
    assert compared.returncode == 0, compared.stderr
    added = re.findall(r"^\| `([a-z-]+)` \| added \|", runner.summary, re.MULTILINE)
    assert added == sorted(path.stem for path in (ROOT / "profiles").iterdir())


@pytest.mark.parametrize(("broken", "side"), [("main", "main"), ("topic", "HEAD")])
def test_broken_profiles_on_either_side_are_named(
    origin: Repository, tmp_path: Path, broken: str, side: str
) -> None:
    """The sides cannot be compared, and the comment has the reason."""
    sound = (origin.profiles / "patient.yaml").read_bytes()
    origin.git("switch", "--quiet", broken)
    origin.write("profiles/patient.yaml", TOO_MUCH)
    origin.commit("Break it")
    if broken == "main":
        origin.git("switch", "--quiet", "topic")
        origin.git("merge", "--quiet", "main")
        origin.write("profiles/patient.yaml", sound)
        origin.commit("Repair it")
    runner = checked_out(origin, tmp_path)
    assert runner.step("Check").returncode == (1 if broken == "topic" else 0)
    assert runner.step("Compare").returncode == 0
    assert runner.step("Comment").returncode == 0
    head = "The changes for callers are unknown, because the profiles are invalid:"
    text = f"{head}\n\n    {side}:{TOO_MUCH_LINE}\n"
    assert runner.summary == text
    assert runner.comments[0]["body"] == MARKER + text


def test_long_comment_is_cut_and_links_to_the_whole(origin: Repository, tmp_path: Path) -> None:
    """GitHub refuses one of more than 65,536 characters."""
    answer_sooner(origin)
    runner = checked_out(origin, tmp_path)
    runner.step("Compare")
    changes = runner.folder / "changes.md"
    changes.write_text("| a line of a table |\n" * 10_000)
    assert runner.step("Comment").returncode == 0
    (cut,) = runner.comments
    assert 59_000 < len(cut["body"]) < 65_536
    assert cut["body"].endswith("| a line of a table |\n\nThe summary has the rest.\n")


def make(target: str, folder: Path, **variables: str) -> CompletedProcess[str]:
    """`make` a target of the example."""
    given = [f"{name}={value}" for name, value in variables.items()]
    return run(["make", "--file", MAKEFILE, target, *given], folder)


def test_make_prints_problems(origin: Repository) -> None:
    """`make timing-check` is silent until there is something to say."""
    clean = make("timing-check", origin.folder)
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "", "")
    origin.write("profiles/patient.yaml", TOO_MUCH)
    broken = make("timing-check", origin.folder)
    assert broken.returncode != 0
    assert broken.stdout == f"{TOO_MUCH_LINE}\n"


def test_make_prints_changes_of_branch(origin: Repository) -> None:
    """Since it left its base: with uncommitted edits, without later changes of the base."""
    origin.git("switch", "--quiet", "main")
    origin.write("profiles/brisk.yaml", "description: Quick.\n")
    origin.commit("Of the base")
    origin.git("switch", "--quiet", "topic")
    origin.write("profiles/dictation.yaml", "description: Spelling.\n")
    shown = make("timing-diff", origin.folder, BASE="main")
    assert shown.returncode == 0, shown.stderr
    assert "dictation" in shown.stdout
    assert "brisk" not in shown.stdout


def test_make_writes_the_comment_for_any_other_service(origin: Repository) -> None:
    """`FORMAT=markdown`, for those who post it by other means."""
    answer_sooner(origin)
    shown = make("timing-diff", origin.folder, BASE="main", FORMAT="markdown")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("### What changes for callers from `")


def test_make_names_missing_base(origin: Repository) -> None:
    """In the words of the command, with a near miss."""
    shown = make("timing-diff", origin.folder, BASE="mian")
    assert shown.returncode != 0
    assert shown.stderr.splitlines()[0] == (
        'timing-profiles: unknown commit "mian"; did you mean main?'
    )


def test_the_targets_can_be_included(origin: Repository) -> None:
    """The first target of the Makefile that includes them stays the first."""
    path = str(MAKEFILE).replace(" ", "\\ ")
    origin.write("Makefile", f"all:\n\t@echo all\n\ninclude {path}\n")
    shown = run(["make"], origin.folder)
    assert (shown.returncode, shown.stdout) == (0, "all\n")
