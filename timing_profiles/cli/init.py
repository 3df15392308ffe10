"""`init`: write a first set of profiles, with the files for an editor and pre-commit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from timing_profiles.authoring import scaffold
from timing_profiles.authoring.scaffold import Step
from timing_profiles.catalog import folder
from timing_profiles.cli import UsageError, terminal
from timing_profiles.cli.check import problems_of_set
from timing_profiles.cli.output import print_json, print_problems, print_text
from timing_profiles.cli.terminal import Style
from timing_profiles.problems import printable

AGENT = """\
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

import timing_profiles

server = AgentServer()
# 1. Load, check and watch the profiles. `deepgram=False` for an agent
#    that brings its own speech-to-text and text-to-speech.
timing_profiles.attach(server)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    # 2. Wait for the caller, and find its profile.
    timing = await timing_profiles.for_call(ctx)
    # 3. Use its timing; all arguments of AgentSession can be given.
    session = AgentSession(**timing.session_kwargs(llm="openai/gpt-4.1-mini"))
    await session.start(
        agent=Agent(instructions="You are a friendly assistant."),
        room=ctx.room,
        room_options=timing.room_options(),
    )
    timing.follow(session)


if __name__ == "__main__":
    cli.run_app(server)
"""
"""An agent with the lines that use the profiles."""


def run(directory: str, form: str) -> int:
    """Write the missing files of a repository, and print each step.

    Args:
        directory: The repository; it is created if absent.
        form: `text` or `json`.

    Returns:
        1 if the set has errors, else 0.

    Raises:
        UsageError: The argument is not a directory.
        ProfilesError: A file cannot be written; nothing has changed.
    """
    repository = _repository(directory)
    created = not repository.exists()
    steps = scaffold.plan(repository)
    scaffold.write(repository, steps)
    found = problems_of_set(repository / folder.DEFAULT_NAME)
    problems = [problem for problem in found if problem.severity == "error"]
    if form == "json":
        print_json(
            {
                "directory": str(repository.absolute()),
                "created": created,
                "files": [
                    {"file": step.file.as_posix(), "action": step.action, "to_add": step.to_add}
                    for step in steps
                ],
                "agent": AGENT,
                "problems": [problem.to_json() for problem in problems],
            }
        )
        return int(bool(problems))
    if created:
        print_text(f"created {_shown(repository)}")
    for line in _lines(repository, steps, terminal.style(sys.stdout)):
        print_text(line)
    sys.stdout.flush()
    print_problems(problems, sys.stderr)
    return int(bool(problems))


def _repository(directory: str) -> Path:
    repository = Path(directory)
    try:
        repository.lstat()
        is_other = not repository.is_dir()
    except OSError:
        is_other = False  # absent, or the error of the first write has the reason
    except ValueError:  # an invalid character
        is_other = True
    if is_other or not directory:
        raise UsageError(f"{repository.as_posix() if directory else 'DIR'}: is not a directory")
    return repository


def _lines(repository: Path, steps: Sequence[Step], look: Style) -> Iterator[str]:
    for step in steps:
        path = _shown(repository / step.file)
        match step.action:
            case "wrote":
                yield f"wrote {path}"
            case "kept":
                yield look.dim(f"kept {path} (exists)")
            case "extended":
                yield f"added the hook to {path}"
            case "absent":
                pass
    for step in steps:
        if step.to_add:
            yield f"\n{look.bold(f'Add to {_shown(repository / step.file)}:')}\n"
            yield step.to_add.rstrip("\n")
    yield f"\n{look.bold('Your agent needs three lines, numbered here:')}\n"
    yield AGENT.rstrip("\n")
    chosen = folder.profiles_dir()
    if os.environ.get(folder.PROFILES_DIR) and not _is_same(chosen, repository):
        note = f"{folder.PROFILES_DIR} is {_shown(chosen)}: agents and commands read that directory"
        yield f"\n{look.wrapped(note)}"


def _is_same(chosen: Path, repository: Path) -> bool:
    return os.path.realpath(chosen) == os.path.realpath(repository / folder.DEFAULT_NAME)


def _shown(path: Path) -> str:
    return printable(Path(os.path.normpath(path)).as_posix())
