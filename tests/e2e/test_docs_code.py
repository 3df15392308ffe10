"""The code of the pages that needs a process: node, git, mypy, a worker on a real server."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from livekit.api import access_token

import timing_profiles
from sandbox import repository
from sandbox.caller import Dial, join
from sandbox.repository import Repository
from sandbox.worker import ROOT, Worker, worker
from tests import shown
from tests.markdown import Block, commands, of_sort

NODE_MODULES = Path(sys.prefix) / "npm" / "node_modules"

KEY, SECRET = "key", "a secret of thirty-two bytes or more"

WISH = {"profile": "patient", "overrides": {"tts": {"speed": 0.9}}}

STRICT = {
    "compilerOptions": {
        "strict": True,
        "noUnusedLocals": True,
        "noEmit": True,
        # What node runs as it stands.
        "erasableSyntaxOnly": True,
        "allowImportingTsExtensions": True,
        "module": "nodenext",
        "target": "es2024",
        "lib": ["es2024", "dom"],
        "types": ["node"],
        "skipLibCheck": True,
    }
}

# Prints what the documented back end answers to the request that it is given.
ANSWER = """
import { credentials } from "./credentials.ts";
console.log(JSON.stringify(await credentials("ada", JSON.parse(process.argv[2]!))));
"""

# What a page leaves out at both ends of a worker.
# Pages that show parts of an agent.
PARTS = {"docs/existing-agents.md", "docs/phone.md", "docs/running-calls.md"}
BEFORE = """
import timing_profiles
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

server = AgentServer()
timing_profiles.attach(server)
"""
AFTER = """
if __name__ == "__main__":
    cli.run_app(server)
"""


def named(mark: str) -> Block:
    """The block with the name of a file."""
    (block,) = (block for block in of_sort("python", "ts") if block.mark == mark)
    return block


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of npm with the TypeScript of the pages, each block a file."""
    folder = tmp_path_factory.mktemp("package")
    shown.project(folder)
    (folder / "node_modules").symlink_to(NODE_MODULES)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (folder / "tsconfig.json").write_text(json.dumps(STRICT), encoding="utf-8")
    (folder / "answer.ts").write_text(ANSWER, encoding="utf-8")
    for block in of_sort("ts"):
        (folder / block.mark).write_text(block.text, encoding="utf-8")
    return folder


def node(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of the package, with the key of a LiveKit server."""
    keys = {"LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
    return repository.run(["node", *arguments], package, {**keys, "LIVEKIT_URL": "wss://x"})


def test_typescript_passes_type_check(package: Path) -> None:
    """The compiler finds nothing, at its strictest."""
    ran = node(package, "node_modules/typescript/bin/tsc", "--project", ".")
    assert (ran.stdout, ran.returncode) == ("", 0)


def test_request_of_typescript_client_is_applied(package: Path) -> None:
    """The worker finds no problem in it."""
    (line,) = (line for line in named("client.ts").text.splitlines() if "const timing" in line)
    ran = node(package, "--print", f"{line} JSON.stringify(timing)")
    found = timing_profiles.resolve(ran.stdout, profiles_dir=ROOT / "profiles")
    assert (found.profile, found.problems) == ("patient", ())


def test_typescript_back_end_puts_request_into_token(package: Path) -> None:
    """As the one in Python does: the worker applies it without a problem."""
    ran = node(package, "answer.ts", json.dumps({"participant_metadata": json.dumps(WISH)}))
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    signed = access_token.TokenVerifier(KEY, SECRET).verify(answer["participant_token"])
    found = timing_profiles.resolve(signed.metadata, profiles_dir=ROOT / "profiles")
    assert (found.profile, found.problems, found.values["tts.speed"]) == ("patient", (), 0.9)
    assert (signed.identity, answer["server_url"]) == ("ada", "wss://x")
    assert signed.video
    assert not signed.video.can_update_own_metadata


@pytest.mark.parametrize(
    ("wish", "refused"),
    [
        ({"profile": "patint"}, "must be equal to one of the allowed values"),
        ({"profile": "patient", "overrides": {"tts": {"speed": 9}}}, "must be <= 1.5"),
    ],
    ids=["an unknown profile", "out of bounds"],
)
def test_typescript_back_end_refuses_invalid_requests(
    package: Path, wish: Any, refused: str
) -> None:
    """The client gets the error at once."""
    ran = node(package, "answer.ts", json.dumps({"participant_metadata": json.dumps(wish)}))
    assert ran.returncode != 0
    assert refused in ran.stderr


def test_python_passes_type_check(tmp_path: Path) -> None:
    """Strict mypy finds no error in the code of a page, from top to bottom."""
    pages = sorted({block.page for block in of_sort("python") if block.page.startswith("docs/")})
    for page in pages:
        texts = [block.text for block in of_sort("python") if block.page == page]
        whole = "\n".join([BEFORE, *texts] if page in PARTS else texts)
        (tmp_path / f"{Path(page).stem}_page.py").write_text(whole, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(tmp_path)]
    ran = repository.run(command, ROOT)
    assert (ran.stdout, ran.returncode) == ("", 0)


async def test_python_client_reads_active_timing(
    shared_worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It joins with the token of the documented back end; the agent announces the timing."""
    shown.project(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, value in shared_worker.connection.environment().items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {}
    for block in (named("credentials.py"), named("client.py")):
        exec(compile(block.text, str(block), "exec"), names)  # noqa: S102 - our own pages
    answer = names["credentials"]("ada", {"participant_metadata": json.dumps(WISH)})
    announced = await names["active_timing"](**answer)
    expected = timing_profiles.resolve(WISH, profiles_dir=shared_worker.profiles)
    assert {name: text for name, text in announced.items() if name.startswith("timing.")} == {
        "timing.profile": "patient",
        "timing.revision": expected.revision,
    }


async def test_agent_identifies_callers_by_number(tmp_path: Path) -> None:
    """The worker of docs/phone.md gives a known caller the profile of that caller."""
    program = tmp_path / "known.py"
    program.write_text(BEFORE + named("known.py").text + AFTER, encoding="utf-8")
    phones = {"elderly": "+15105550123", "default": "+15105550199"}
    in_force = {}
    # In dev mode a worker takes calls at any load below 1.
    async with worker(tmp_path, agent=program, mode="dev") as running:
        for expected, number in phones.items():
            dial = Dial(kind="sip", attributes={"sip.phoneNumber": number})
            async with join(running.connection, dial) as caller:
                await caller.agent_listens()
                in_force[expected] = caller.result([]).profile
        assert running.tracebacks == []
    assert in_force == {name: name for name in phones}


def test_commands_that_read_git_run(tmp_path: Path) -> None:
    """Those that the pages show, in a repository that has the starter profiles on `main`."""
    made = Repository.init(tmp_path / "repository")
    made.add_profiles()
    made.commit()
    made.commit("Change something")
    for block in of_sort("console"):
        for command, output in commands(block):
            words = shlex.split(command, comments=True)
            if "--git" in words:
                ran = repository.run(["timing-profiles", *words[1:]], made.folder)
                assert (ran.returncode, output) == (0, ""), f"{block}: {ran.stderr}"
