"""`timing-profiles init`: a first set of profiles in a repository."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from tests.command_line import ROOT, CommandLine
from timing_profiles.authoring.scaffold import EXTENSIONS, SETTINGS
from timing_profiles.cli.init import AGENT

PROFILES = sorted(f"profiles/{path.name}" for path in (ROOT / "profiles").glob("*.yaml"))
HOOK = ".pre-commit-config.yaml"
FILES = [*PROFILES, "schema.json", ".vscode/settings.json", ".vscode/extensions.json", HOOK]

SNIPPET = f"\nYour agent needs three lines, numbered here:\n\n{AGENT}"


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty."""
    made = tmp_path / "repository"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def contents(directory: Path) -> dict[str, bytes | str]:
    """All that is in a directory: the bytes of files, where links lead."""
    return {
        str(path.relative_to(directory)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_an_empty_directory_gets_all(repository: Path, run: CommandLine) -> None:
    """Each file is named, then the agent is shown; the set is clean."""
    wrote = "".join(f"wrote {file}\n" for file in FILES)
    assert run("init") == (0, wrote + SNIPPET, "")
    assert sorted(contents(repository)) == sorted(FILES)
    for file in [*PROFILES, "schema.json"]:
        assert (repository / file).read_bytes() == (ROOT / file).read_bytes()
    assert run("check", "--strict") == (0, "", "")


def test_the_settings_of_the_editor_are_those_of_this_project() -> None:
    """Which are tried with a real language server."""
    for name, text in [("settings", SETTINGS), ("extensions", EXTENSIONS)]:
        assert text == (ROOT / ".vscode" / f"{name}.json").read_text(encoding="utf-8")


def test_the_first_line_of_each_profile_leads_to_the_schema(
    repository: Path, run: CommandLine
) -> None:
    """As an editor follows it, from the file's directory."""
    run("init")
    for file in PROFILES:
        first, _, _ = (repository / file).read_text(encoding="utf-8").partition("\n")
        found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
        assert found
        schema = (repository / file).parent / found.group(1)
        assert schema.resolve() == (repository / "schema.json").resolve()


def test_the_hook_is_that_of_other_repositories(repository: Path, run: CommandLine) -> None:
    """But that the command is on PATH already."""
    run("init")
    (repo,) = yaml.safe_load((repository / HOOK).read_text())["repos"]
    (hook,) = repo["hooks"]
    (published,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert repo["repo"] == "local"
    assert hook.pop("language") == "system"
    assert hook == {name: published[name] for name in hook}


def test_second_run_keeps_each_file(repository: Path, run: CommandLine) -> None:
    """Exit 0; each file is kept."""
    run("init")
    before = contents(repository)
    times = {path: path.stat().st_mtime_ns for path in repository.rglob("*")}
    kept = "".join(f"kept {file} (exists)\n" for file in FILES)
    assert run("init") == (0, kept + SNIPPET, "")
    assert contents(repository) == before
    assert {path: path.stat().st_mtime_ns for path in repository.rglob("*")} == times


def test_a_directory_that_is_absent_is_created(repository: Path, run: CommandLine) -> None:
    """With those above it; paths are shown from the working directory."""
    status, out, err = run("init", "services/voice/")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[:2] == ["created services/voice", "wrote services/voice/profiles/brisk.yaml"]
    assert sorted(contents(repository / "services" / "voice")) == sorted(FILES)
    assert run("init", str(repository / "services" / "voice")).out.startswith(
        f"kept {repository}/services/voice/profiles/brisk.yaml (exists)\n"
    )


def test_files_that_exist_are_kept(repository: Path, run: CommandLine) -> None:
    """With any content, and any target of a link; the others are written."""
    run("init")
    own = (
        (repository / "profiles/default.yaml").read_text().replace("max_delay: 2.5", "max_delay: 3")
    )
    (repository / "profiles/default.yaml").write_text(own)
    (repository / "profiles/brisk.yaml").unlink()
    (repository / "schema.json").rename(repository / "ours.json")
    (repository / "schema.json").symlink_to("ours.json")
    status, out, err = run("init")
    assert (status, err) == (0, "")
    assert [line for line in out.splitlines() if line.startswith("wrote")] == [
        "wrote profiles/brisk.yaml"
    ]
    assert (repository / "profiles/default.yaml").read_text() == own
    assert (repository / "schema.json").is_symlink()


def test_problems_of_the_existing_set_are_reported(repository: Path, run: CommandLine) -> None:
    """Exit 1, as `check` ends with; the files are written all the same."""
    (repository / "profiles").mkdir()
    (repository / "profiles/default.yaml").write_text("description: Ours.\n")
    status, out, err = run("init")
    assert (status, out.splitlines()[2]) == (1, "kept profiles/default.yaml (exists)")
    assert err == run("check").out
    assert "profiles/default.yaml: stt.nova.model: default sets every field\n" in err
    assert sorted(contents(repository)) == sorted(FILES)


def test_the_hook_is_added_to_a_configuration(repository: Path, run: CommandLine) -> None:
    """With its mode, and all that it held."""
    text = "# Ours.\nrepos:\n  - repo: meta\n    hooks: [{id: identity}]  # see all\n"
    (repository / HOOK).write_text(text)
    (repository / HOOK).chmod(0o640)
    assert f"added the hook to {HOOK}\n" in run("init").out
    after = (repository / HOOK).read_text()
    assert after.startswith(text)
    assert [repo["repo"] for repo in yaml.safe_load(after)["repos"]] == ["meta", "local"]
    assert (repository / HOOK).stat().st_mode & 0o777 == 0o640
    assert f"kept {HOOK} (exists)\n" in run("init").out


@pytest.mark.parametrize("text", ["repos: []\n", "repos: [\n", b"\xff"], ids=ascii)
def test_lines_that_cannot_be_added_are_printed(
    text: str | bytes, repository: Path, run: CommandLine
) -> None:
    """Once more at each run, until they are there."""
    content = text if isinstance(text, bytes) else text.encode()
    (repository / HOOK).write_bytes(content)
    for _ in range(2):
        status, out, err = run("init")
        assert (status, err) == (0, "")
        assert f"kept {HOOK} (exists)\n\nAdd to {HOOK}:\n\n- repo: local\n  hooks:\n" in out
    assert (repository / HOOK).read_bytes() == content


def test_a_linked_configuration_is_not_written_through(repository: Path, run: CommandLine) -> None:
    """It may be shared with other repositories."""
    shared = repository.parent / "shared.yaml"
    shared.write_text("repos:\n- repo: meta\n  hooks: [{id: identity}]\n")
    (repository / HOOK).symlink_to(shared)
    assert f"\nAdd to {HOOK}:\n\n- repo: local\n" in run("init").out
    assert "timing-profiles" not in shared.read_text()
    assert (repository / HOOK).is_symlink()


def test_settings_of_an_editor_are_not_rewritten(repository: Path, run: CommandLine) -> None:
    """They may hold comments; the lines to add are printed until they are there."""
    text = '{\n  // ours\n  "editor.tabSize": 2,\n}\n'
    (repository / ".vscode").mkdir()
    for name in ("settings", "extensions"):
        (repository / ".vscode" / f"{name}.json").write_text(text)
    out = run("init").out
    assert "kept .vscode/settings.json (exists)\nkept .vscode/extensions.json (exists)\n" in out
    assert f"\nAdd to .vscode/settings.json:\n\n{SETTINGS}" in out
    assert f"\nAdd to .vscode/extensions.json:\n\n{EXTENSIONS}" in out
    assert (repository / ".vscode" / "settings.json").read_text() == text
    added = SETTINGS.replace("{\n", "{ // ours\n", 1)
    (repository / ".vscode" / "settings.json").write_text(added)
    assert "Add to .vscode/settings.json" not in run("init").out


def test_below_the_top_of_a_work_tree_the_hook_is_printed(
    repository: Path, run: CommandLine
) -> None:
    """pre-commit reads the configuration at the top, and runs there."""
    (repository / ".git").mkdir()
    status, out, err = run("init", "services/voice")
    assert (status, err) == (0, "")
    assert f"\nAdd to {HOOK}:\n\nrepos:\n  - repo: local\n" in out
    assert "      entry: timing-profiles check services/voice/profiles\n" in out
    assert sorted(contents(repository / "services" / "voice")) == sorted(set(FILES) - {HOOK})
    assert not (repository / HOOK).exists()
    (repository / HOOK).write_text("repos:\n- repo: meta\n  hooks: [{id: identity}]\n")
    out = run("init", "services/voice").out
    assert f"kept {HOOK} (exists)\n\nAdd to {HOOK}:\n\n- repo: local\n" in out
    assert f"wrote {HOOK}\n" not in run("init").out
    assert "Add to" not in run("init", "services/voice").out


def test_json_has_the_same_steps(repository: Path, run: CommandLine) -> None:
    """For a program that sets repositories up."""
    (repository / "voice" / ".vscode").mkdir(parents=True)
    (repository / "voice" / ".vscode" / "settings.json").write_text("{}")
    status, out, err = run("init", "voice", "--format", "json")
    assert (status, err) == (0, "")
    files = [{"file": file, "action": "wrote", "to_add": ""} for file in FILES]
    settings = {"file": ".vscode/settings.json", "action": "kept", "to_add": SETTINGS}
    files[FILES.index(".vscode/settings.json")] = settings
    assert json.loads(out) == {
        "directory": str(repository / "voice"),
        "created": False,
        "files": files,
        "agent": AGENT,
        "problems": [],
    }
    (repository / "voice" / "profiles" / "a.yaml").write_text("x: 1\n")
    status, out, err = run("init", "voice", "--format", "json")
    assert (status, err) == (1, "")
    assert [problem["code"] for problem in json.loads(out)["problems"]] == ["unknown-field"]


def test_a_directory_that_the_environment_names_is_not_written(
    repository: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine
) -> None:
    """The set is that of the repository; a line states that agents read another one."""
    monkeypatch.setenv("PROFILES_DIR", "config/profiles")
    note = "\nPROFILES_DIR is config/profiles: agents and commands read that directory\n"
    assert run("init").out.endswith(f"{AGENT}{note}")
    assert sorted(contents(repository)) == sorted(FILES)
    monkeypatch.setenv("PROFILES_DIR", str(repository / "profiles"))
    assert run("init").out.endswith(AGENT)


@pytest.mark.parametrize("name", ["", "file", "link", "\ud800"], ids=ascii)
def test_path_that_cannot_be_a_directory_is_a_wrong_command_line(
    name: str, repository: Path, run: CommandLine
) -> None:
    """Exit 2, and one line."""
    (repository / "file").touch()
    (repository / "link").symlink_to("nowhere")
    shown = {"": "DIR", "\ud800": "\\ud800"}.get(name, name)
    assert run("init", name) == (2, "", f"timing-profiles: {shown}: is not a directory\n")


def test_obstacles_are_reported_and_no_file_is_written(repository: Path, run: CommandLine) -> None:
    """All of it in one run: files for directories, links, directories for files, pipes."""
    (repository / "elsewhere" / "profiles").mkdir(parents=True)
    (repository / "profiles").symlink_to("elsewhere/profiles")
    (repository / ".vscode").touch()
    (repository / "schema.json").symlink_to("nowhere")
    os.mkfifo(repository / HOOK)
    before = contents(repository)
    where = (repository / "elsewhere").resolve()
    assert run("init") == (
        1,
        "",
        (
            f"{HOOK}: is not a regular file\n"
            ".vscode: is not a directory\n"
            "profiles: is a link; init does not write through links\n"
            f"  hint: run `timing-profiles init` in its target: {where}\n"
            "schema.json: is not a regular file\n"
        ),
    )
    assert contents(repository) == before


def test_profiles_that_are_a_file_are_reported(repository: Path, run: CommandLine) -> None:
    """Or a link to nowhere."""
    (repository / "profiles").touch()
    assert run("init") == (1, "", "profiles: is not a directory\n")
    (repository / "profiles").unlink()
    (repository / "profiles").symlink_to("nowhere")
    assert run("init") == (1, "", "profiles: is a link; init does not write through links\n")
    assert list(contents(repository)) == ["profiles"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"openapi": "3.1.0"}', "a section must have `additionalProperties: false`"),
        ("type Query {}", "invalid JSON: Expecting value"),
    ],
)
def test_a_schema_of_something_else_is_in_the_way(
    text: str, reason: str, repository: Path, run: CommandLine
) -> None:
    """Beside profiles, it would be theirs."""
    (repository / "schema.json").write_text(text)
    assert run("init") == (
        1,
        "",
        (
            f"schema.json: exists and is not a schema of profiles: {reason}\n"
            "  hint: use another directory: `timing-profiles init DIR`\n"
        ),
    )
    assert list(contents(repository)) == ["schema.json"]
