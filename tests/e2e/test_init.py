"""`timing-profiles init` as a process: on a full disk, as any user, up to an answered call."""

import json
import re
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

import timing_profiles
from sandbox.caller import Dial, Script, join
from sandbox.connection import Connection
from sandbox.repository import ROOT, Repository, run
from sandbox.worker import Services, services, worker
from tests.e2e.shell import typed
from tests.e2e.test_command_line import AS_ANY_USER
from timing_profiles.catalog.location import INIT_HINT

HOOK = ".pre-commit-config.yaml"
META = "repos:\n- repo: meta\n  hooks: [{id: identity}]\n"

# As on a disk that is full: no file may be longer than the profiles are.
FULL = """
import resource, signal, sys
from timing_profiles import cli
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
sys.exit(cli.main(sys.argv[1:]))
"""


def below(directory: Path) -> list[str]:
    """All that is in a directory."""
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


@pytest.mark.parametrize("name", ["there", "new/voice"])
def test_full_disk_leaves_no_files(name: str, tmp_path: Path) -> None:
    """Neither files nor directories, of a repository that is new and of one that is not."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / HOOK).write_text(META)
    ran = run([sys.executable, "-c", FULL, "init", name], tmp_path, {"PYTHONPATH": str(ROOT)})
    assert (ran.returncode, ran.stdout, ran.stderr) == (
        1,
        "",
        f"{name}/schema.json: cannot be written: File too large; nothing has been changed\n",
    )
    assert below(tmp_path) == ["there", f"there/{HOOK}"]
    assert (tmp_path / "there" / HOOK).read_text() == META


@pytest.mark.parametrize(
    ("closed", "named"),
    [("", "profiles"), (".vscode", ".vscode/settings.json"), ("profiles", "profiles/brisk.yaml")],
)
def test_unwritable_directory_is_left_unchanged(closed: str, named: str, tmp_path: Path) -> None:
    """Also where others have been written before it."""
    (tmp_path / closed).mkdir(exist_ok=True)
    (tmp_path / HOOK).write_text(META)
    before = below(tmp_path)
    (tmp_path / closed).chmod(0o500)
    ran = run([sys.executable, "-c", AS_ANY_USER, "timing-profiles", "init"], tmp_path)
    (tmp_path / closed).chmod(0o700)
    assert (ran.returncode, ran.stdout, ran.stderr) == (
        1,
        "",
        f"{named}: cannot be written: Permission denied; nothing has been changed\n",
    )
    assert below(tmp_path) == before
    assert (tmp_path / HOOK).read_text() == META


def test_the_hook_refuses_a_commit_of_a_broken_profile(tmp_path: Path) -> None:
    """In a configuration that was there before, by the real pre-commit."""
    repository = Repository.init(tmp_path / "user")
    repository.write(HOOK, "repos:\n- repo: meta\n  hooks: [{id: identity}]  # files\n")
    ran = run(["timing-profiles", "init"], repository.folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    repository.git("add", "--all")
    command = ["pre-commit", "run", "--all-files", "timing-profiles"]
    home = {"PRE_COMMIT_HOME": str(tmp_path / "home")}
    good = run(command, repository.folder, home)
    assert good.returncode == 0, good.stdout + good.stderr
    assert re.search(r"^timing profiles\.+Passed$", good.stdout, re.MULTILINE)
    repository.write("profiles/brisk.yaml", "tts: {speed: 9}\n")
    repository.git("add", "--all")
    bad = run(command, repository.folder, home)
    assert bad.returncode == 1
    assert "profiles/brisk.yaml:1:14: tts.speed: 9 is more than the maximum" in bad.stdout


def set_up(folder: Path) -> Path:
    """A project of `init` in an empty directory, with the agent that it printed in `src`."""
    status, out, errors = typed("timing-profiles init", folder)
    assert (status, errors) == (0, "")
    assert typed("timing-profiles check --strict", folder) == (0, "", "")
    agent = folder / "src" / "agent.py"
    agent.parent.mkdir()
    agent.write_text(out.partition("numbered here:\n\n")[2])
    return agent


@pytest.fixture(scope="module")
async def around() -> AsyncGenerator[Services]:
    """What the workers of these tests talk to, one after the other."""
    async with services() as running:
        yield running


BRISK = {"profile": "brisk"}
SENTENCE = Script("I would like a table for two.").turns()[0]

# `lk agent start` runs this.
BY_THE_SDK = 'exec "$1" -m livekit.agents start --dev "$2"'


@pytest.mark.parametrize(
    ("directory", "program"),
    [("src", []), ("elsewhere", []), ("elsewhere", ["sh", "-c", BY_THE_SDK, "sh"])],
    ids=["in src", "elsewhere", "by the SDK"],
)
async def test_agent_printed_by_init_answers_calls(
    directory: str, program: list[str], tmp_path: Path, temporary: Path, around: Services
) -> None:
    """With a relative `PROFILES_DIR`, from wherever it is started; and its job finds the folder."""
    project = tmp_path / "project"
    project.mkdir()
    agent = set_up(project)
    brisk = project / "profiles" / "brisk.yaml"
    brisk.write_text(brisk.read_text().replace("max_delay: 0.8", "max_delay: 0.9"))
    for name in ("elsewhere", "worker"):
        (tmp_path / name).mkdir()
    where = project / "src" if directory == "src" else tmp_path / directory
    async with worker(
        tmp_path / "worker",
        agent=agent,
        mode="dev",
        env={"PROFILES_DIR": "../profiles", "TMPDIR": str(temporary)},
        among=around,
        within=["env", "-C", str(where), *program],
    ) as running:
        async with join(running.connection, Dial(metadata=json.dumps(BRISK))) as caller:
            await caller.agent_listens()
            made = caller.result([])
        for published in temporary.glob("timing-profiles-*/profiles.sqlite"):
            published.write_bytes(published.read_bytes()[:5000])  # a removed one is made again
        async with join(running.connection, Dial(metadata=json.dumps(BRISK))) as caller:
            await caller.agent_listens()
            without = caller.result([await caller.say(SENTENCE)])
        log = running.log
    expected = timing_profiles.resolve(BRISK, profiles_dir=project / "profiles")
    assert expected.values["turn_handling.endpointing.max_delay"] == 0.9
    assert (made.profile, made.revision, made.problems) == ("brisk", expected.revision, ())
    assert without.problems == ("profiles-unavailable",)
    assert (without.profile, without.revision) == ("brisk", expected.revision)
    assert without.waits[0] is not None
    assert "Traceback" not in log


@pytest.mark.parametrize("program", ["src/agent.py", "-m src.agent"])
def test_agent_without_profiles_prints_next_step(program: str, tmp_path: Path) -> None:
    """Exit 1, before anything registers; together with what else is missing."""
    agent = set_up(tmp_path)
    (tmp_path / "profiles").rename(tmp_path / "away")
    connection = Connection("ws://127.0.0.1:9", "key", "secret").environment()
    environment = {**connection, "DEEPGRAM_API_KEY": "", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, *program.split(), "start"]
    ran = run(words, tmp_path, environment)
    assert ran.returncode == 1
    assert [line for line in ran.stderr.splitlines() if not line.startswith("{")] == [
        "DEEPGRAM_API_KEY: is not set; Deepgram takes no call without it",
        "  hint: an agent that brings its own parts needs none: attach(server, deepgram=False)",
        f"profiles: directory not found: {tmp_path}/profiles, {agent.parent}/profiles",
        f"  hint: {INIT_HINT}",
    ]
