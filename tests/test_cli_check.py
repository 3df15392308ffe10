"""`timing-profiles check`: all that is wrong with folders and files of profiles."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.command_line import ROOT, CommandLine
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog

CASES = Path(__file__).parent / "cases"
DEFAULT = ROOT / "profiles" / "default.yaml"

UNKNOWN_VAD = (
    "vad.nothing: unknown field; vad takes min_speech_duration, min_silence_duration, "
    "prefix_padding_duration, activation_threshold, deactivation_threshold"
)
NO_SUCH_FILE = "cannot be read: No such file or directory"
NO_FILE = "cannot be read: not a regular file"
TOO_LONG = "cannot be read: File name too long"
IN_A_LOOP = "cannot be read: Too many levels of symbolic links"
NO_PROFILE = "the name must end in .yaml and not begin with a dot"
NO_MAPPING = "expected a mapping at the top, found text"
NO_DEFAULT = "is missing; it sets every field"
NAMES = "use a-z, 0-9 and hyphens\n  hint: at most 63 characters, no hyphen at either end\n"


def cases(kind: str) -> list[Path]:
    """The folders of a kind."""
    return sorted((CASES / kind).iterdir())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of `default` alone: the folder `profiles` of the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profiles").mkdir()
    shutil.copy(DEFAULT, tmp_path / "profiles")
    return tmp_path / "profiles"


def lay_out(case: Path, folder: Path) -> None:
    """The files of a case, over `default` unless the case has its own, or none."""
    shutil.copytree(case / "profiles", folder, dirs_exist_ok=True)
    if (case / "no-default").exists():
        (folder / "default.yaml").unlink()


@pytest.mark.usefixtures("starters")
def test_the_starter_profiles_are_clean(run: CommandLine) -> None:
    """Not even a warning."""
    assert run("check", "--strict") == (0, "", "")


@pytest.mark.parametrize("case", cases("invalid"), ids=lambda case: case.name)
def test_broken_set_is_printed_with_all_its_problems(
    case: Path, folder: Path, run: CommandLine
) -> None:
    """File, line, column, what was found, what is allowed, and a hint; sorted."""
    lay_out(case, folder)
    assert run("check") == (1, (case / "expected.txt").read_text(), "")


@pytest.mark.parametrize("case", cases("valid"), ids=lambda case: case.name)
def test_valid_set_has_only_warnings(case: Path, folder: Path, run: CommandLine) -> None:
    """They fail the check only when it is strict."""
    lay_out(case, folder)
    expected = (case / "expected.txt").read_text().splitlines(keepends=True)
    warnings = "".join(line for line in expected if ": warning: " in line)
    assert run("check") == (0, warnings, "")
    assert run("check", "--strict") == (int(warnings != ""), warnings, "")


@pytest.mark.parametrize("case", cases("invalid"), ids=lambda case: case.name)
def test_annotation_is_one_printable_line_for_each_problem(
    case: Path, folder: Path, run: CommandLine
) -> None:
    """Whatever is in the files, GitHub reads one command for each problem of the JSON form."""
    lay_out(case, folder)
    problems = json.loads(run("check", "--format", "json").out)
    annotations = run("check", "--format", "github").out.splitlines()
    starts = [f"::{problem['severity']} file=profiles/" for problem in problems]
    found = zip(annotations, starts, strict=True)
    assert [line for line, start in found if not line.startswith(start)] == []
    assert [line for line in annotations if not line.isprintable() or len(line) > 1000] == []


def lay_out_odd_files(folder: Path) -> None:
    """All that may lie in a folder in the place of a profile."""
    (folder / "dangling.yaml").symlink_to("nowhere")
    (folder / "folder.yaml").mkdir()
    os.mkfifo(folder / "queue.yaml")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    # A file that nobody can read, whoever runs the tests: its first bytes are no memory.
    (folder / "memory.yaml").symlink_to("/proc/self/mem")
    (folder / "no name.yaml").write_text("text\n")
    (folder / "line\nbreak.yaml").write_text("text\n")
    (folder / os.fsdecode(b"caf\xe9.yaml")).write_text("text\n")


def test_files_that_cannot_be_read_are_named_beside_those_that_can(
    folder: Path, run: CommandLine
) -> None:
    """Nothing blocks, and nothing hides the rest."""
    lay_out_odd_files(folder)
    (folder / "a.yaml").write_text("vad: {nothing: 1}\n")
    assert run("check") == (
        1,
        (
            f"profiles/a.yaml:1:7: {UNKNOWN_VAD}\n"
            f'profiles/caf\\udce9.yaml: invalid profile name "caf\\udce9": {NAMES}'
            f"profiles/caf\\udce9.yaml:1:1: {NO_MAPPING}\n"
            f"profiles/dangling.yaml: {NO_SUCH_FILE}\n"
            "profiles/folder.yaml: cannot be read: is a directory\n"
            f'profiles/line\\nbreak.yaml: invalid profile name "line\\nbreak": {NAMES}'
            f"profiles/line\\nbreak.yaml:1:1: {NO_MAPPING}\n"
            f"profiles/loop.yaml: {IN_A_LOOP}\n"
            "profiles/memory.yaml: cannot be read: Input/output error\n"
            f'profiles/no name.yaml: invalid profile name "no name": {NAMES}'
            f"profiles/no name.yaml:1:1: {NO_MAPPING}\n"
            f"profiles/queue.yaml: {NO_FILE}\n"
        ),
        "",
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("profiles/dangling.yaml", f"profiles/dangling.yaml: {NO_SUCH_FILE}\n"),
        ("profiles/folder.yaml", f"profiles/folder.yaml/default.yaml: {NO_DEFAULT}\n"),
        ("profiles/queue.yaml", f"profiles/queue.yaml: {NO_FILE}\n"),
        ("profiles/loop.yaml", f"profiles/loop.yaml: {IN_A_LOOP}\n"),
        ("profiles/memory.yaml", "profiles/memory.yaml: cannot be read: Input/output error\n"),
        (
            "profiles/line\nbreak.yaml",
            (
                f'profiles/line\\nbreak.yaml: invalid profile name "line\\nbreak": {NAMES}'
                f"profiles/line\\nbreak.yaml:1:1: {NO_MAPPING}\n"
            ),
        ),
        (
            "profiles/caf\udce9.yaml",
            (
                f'profiles/caf\\udce9.yaml: invalid profile name "caf\\udce9": {NAMES}'
                f"profiles/caf\\udce9.yaml:1:1: {NO_MAPPING}\n"
            ),
        ),
        ("profiles/nothing.yaml", f"profiles/nothing.yaml: {NO_SUCH_FILE}\n"),
        ("nowhere", f"nowhere: {NO_SUCH_FILE}\n"),
        ("profiles/default.yaml/x", "profiles/default.yaml/x: cannot be read: Not a directory\n"),
        ("/dev/null", f"/dev/null: {NO_FILE}\n"),
        ("empty", f"empty/default.yaml: {NO_DEFAULT}\n"),
        ("profiles/notes.txt", f"profiles/notes.txt: {NO_PROFILE}\n"),
        ("profiles/.hidden.yaml", f"profiles/.hidden.yaml: {NO_PROFILE}\n"),
        ("profiles/x.yml", "profiles/x.yml: the file name must end in .yaml\n"),
        ("\x1b[31m\n", f"\\x1b[31m\\n: {NO_SUCH_FILE}\n"),
        ("x" * 300, f"{'x' * 300}: {TOO_LONG}\n"),
        ("x" * 5000, f"{'x' * 5000}: {TOO_LONG}\n"),
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_path_that_is_not_a_profile_is_reported(
    path: str, expected: str, folder: Path, run: CommandLine
) -> None:
    """Exit 1: the command line is right, the files are not."""
    lay_out_odd_files(folder)
    (folder.parent / "empty").mkdir()
    for name in ("notes.txt", ".hidden.yaml", "x.yml"):
        (folder / name).write_text("tts: {speed: 1.0}\n")
    assert run("check", path) == (1, expected, "")


def test_the_environment_names_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine
) -> None:
    """As for the worker."""
    shutil.move(folder, folder.parent / "timing")
    (folder.parent / "timing" / "a.yaml").write_text("vad: {nothing: 1}\n")
    monkeypatch.setenv("PROFILES_DIR", "timing")
    assert run("check") == (1, f"timing/a.yaml:1:7: {UNKNOWN_VAD}\n", "")


def test_a_file_is_checked_within_its_set(folder: Path, run: CommandLine) -> None:
    """Only its own problems are shown, in the form that programs read."""
    (folder / "a.yaml").write_text("vad: {nothing: 1}\n")
    (folder / "b.yaml").write_text("extends: nowhere\n")
    status, out, err = run("check", "profiles/a.yaml", "--format", "json")
    assert (status, json.loads(out), err) == (
        1,
        [
            {
                "code": "unknown-field",
                "message": UNKNOWN_VAD.removeprefix("vad.nothing: "),
                "path": "vad.nothing",
                "file": "profiles/a.yaml",
                "line": 1,
                "column": 7,
                "severity": "error",
                "hint": "",
            }
        ],
        "",
    )


def test_valid_file_beside_an_invalid_one_has_no_problems(folder: Path, run: CommandLine) -> None:
    """An empty list in JSON, and nothing else."""
    (folder / "a.yaml").write_text("vad: {nothing: 1}\n")
    (folder / "b.yaml").write_text("tts: {speed: 1.0}\n")
    assert run("check", "profiles/b.yaml") == (0, "", "")
    assert run("check", "profiles/b.yaml", "--format", "github") == (0, "", "")
    assert run("check", "profiles/b.yaml", "--format", "json") == (0, "[]\n", "")


def test_file_is_checked_with_its_inherited_values(folder: Path, run: CommandLine) -> None:
    """A rule is broken by two files, and reported where this one sets its part."""
    (folder / "slow.yaml").write_text("turn_handling: {endpointing: {min_delay: 2.0}}\n")
    (folder / "a.yaml").write_text(
        "extends: slow\nturn_handling: {endpointing: {max_delay: 1.0}}\n"
    )
    assert run("check", "profiles/a.yaml").out == (
        "profiles/a.yaml:2:42: turn_handling.endpointing.max_delay: "
        "min_delay 2.0 is more than max_delay 1.0 (s)\n"
    )


def test_a_cycle_is_reported_for_each_of_its_files(folder: Path, run: CommandLine) -> None:
    """The set reports it once, at its first file; the other ones are not valid, either."""
    (folder / "a.yaml").write_text("extends: b\n")
    (folder / "b.yaml").write_text("extends: a\n")
    (folder / "c.yaml").write_text("extends: b\n")
    cycle = "profiles/a.yaml:1:10: extends: extends itself: a <- b <- a\n"
    assert run("check") == (1, cycle, "")
    assert run("check", "profiles/b.yaml") == (1, cycle, "")
    assert run("check", "profiles/c.yaml") == (0, "", "")


def test_a_file_in_a_set_without_default_cannot_be_right(folder: Path, run: CommandLine) -> None:
    """The missing default is reported for every file."""
    (folder / "default.yaml").rename(folder / "standard.yaml")
    assert run("check", "profiles/standard.yaml") == (
        1,
        f"profiles/default.yaml: {NO_DEFAULT}\n",
        "",
    )


@pytest.mark.parametrize(
    ("inside", "path", "shown"),
    [
        ("profiles", "a.yaml", "a.yaml"),
        ("profiles", "./a.yaml", "a.yaml"),
        ("profiles", ".", "./a.yaml"),
        ("profiles", "../profiles/a.yaml", "../profiles/a.yaml"),
        (".", "profiles//a.yaml", "profiles/a.yaml"),
        (".", "./profiles/", "profiles/a.yaml"),
    ],
)
def test_path_is_shown_as_typed(
    inside: str,
    path: str,
    shown: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: CommandLine,
) -> None:
    """A terminal or an editor can open it from the current directory."""
    (folder / "a.yaml").write_text("vad: {nothing: 1}\n")
    monkeypatch.chdir(inside)
    assert run("check", path) == (1, f"{shown}:1:7: {UNKNOWN_VAD}\n", "")


def test_several_sets_and_files_are_checked_in_one_run(folder: Path, run: CommandLine) -> None:
    """All problems of all of them, sorted, each once."""
    shutil.copytree(folder, "other/profiles")
    Path("other/profiles/z.yaml").write_text("vad: {nothing: 1}\n")
    (folder / "a.yaml").write_text("vad: {nothing: 1}\n")
    (folder / "b.yaml").write_text("vad: {nothing: 1}\n")
    words = ["profiles/b.yaml", "other/profiles", "nowhere", "profiles/b.yaml", "other/profiles/"]
    assert run("check", *words) == (
        1,
        (
            f"nowhere: {NO_SUCH_FILE}\n"
            f"other/profiles/z.yaml:1:7: {UNKNOWN_VAD}\n"
            f"profiles/b.yaml:1:7: {UNKNOWN_VAD}\n"
        ),
        "",
    )


def test_a_set_is_read_once_for_all_files_that_are_named(
    folder: Path, run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook may name each file of a large set."""
    reads: list[Path] = []
    load = catalog.load

    def counted(profiles_dir: Path, **options: str) -> Catalog:
        reads.append(profiles_dir)
        return load(profiles_dir, label=options["label"])

    monkeypatch.setattr(catalog, "load", counted)
    names = [f"profiles/p{number}.yaml" for number in range(5)]
    for name in names:
        Path(name).write_text("tts: {speed: 1.0}\n")
    assert run("check", *names) == (0, "", "")
    assert reads == [Path(folder.name)]


def test_a_schema_is_a_file_that_can_be_checked(folder: Path, run: CommandLine) -> None:
    """The one in force for a set is checked with it, and shown where it lies."""
    shutil.copytree(folder, "other/profiles")
    Path("other/schema.json").write_text("{}\n")
    expected = "a section must have `additionalProperties: false`\n"
    assert run("check", "other/schema.json") == (1, f"other/schema.json: {expected}", "")
    assert run("check", "profiles", "other/profiles").out == f"other/schema.json: {expected}"
    assert run("check", "other/profiles/default.yaml").out == f"other/schema.json: {expected}"
    shutil.copy(ROOT / "schema.json", "other/schema.json")
    assert run("check", "other/schema.json", "other/profiles") == (0, "", "")


def test_a_schema_that_lies_above_is_shown_there(
    folder: Path, run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from inside the folder of profiles."""
    Path("schema.json").write_text("[")
    monkeypatch.chdir(folder)
    assert run("check", ".") == (1, "../schema.json:1:2: invalid JSON: Expecting value\n", "")


def test_warning_fails_only_the_strict_check(folder: Path, run: CommandLine) -> None:
    """It has the reason of a dead setting; GitHub shows it at its line."""
    (folder / "a.yaml").write_text("turn_handling: {endpointing: {alpha: 0.5}}\n")
    text = "turn_handling.endpointing.alpha: has no effect: endpointing.mode is fixed"
    warning = f"profiles/a.yaml:1:31: warning: {text}\n"
    annotation = f"::warning file=profiles/a.yaml,line=1,col=31::{text}\n"
    assert run("check") == (0, warning, "")
    assert run("check", "--strict") == (1, warning, "")
    assert run("check", "--format", "github") == (0, annotation, "")
    assert run("check", "--strict", "--format", "github") == (1, annotation, "")


def test_annotation_escapes_its_delimiters(folder: Path, run: CommandLine) -> None:
    """GitHub's own escapes: `%`, and in a file's name `:` and `,`, too."""
    (folder / "a,b:c%.yaml").write_text("tts: {speed: '50%'}\n")
    assert run("check", "--format", "github") == (
        1,
        (
            "::error file=profiles/a%2Cb%3Ac%25.yaml,line=1,col=1::"
            'invalid profile name "a,b:c%25": use a-z, 0-9 and hyphens; '
            "at most 63 characters, no hyphen at either end\n"
            "::error file=profiles/a%2Cb%3Ac%25.yaml,line=1,col=14::"
            'tts.speed: "50%25" is not a number or null (factor)\n'
        ),
        "",
    )
    (folder / "a,b:c%.yaml").rename(folder / "a.yaml")
    assert run("check", "--format", "github") == (
        1,
        (
            "::error file=profiles/a.yaml,line=1,col=14::"
            'tts.speed: "50%25" is not a number or null (factor)\n'
        ),
        "",
    )


def test_a_file_that_is_not_plain_ascii_keeps_its_name(folder: Path, run: CommandLine) -> None:
    """GitHub finds an annotated file by its path."""
    shutil.copytree(folder, "Größe/profiles")
    Path("Größe/profiles/a.yaml").write_text("vad: {nothing: 1}\n")
    assert run("check", "Größe/profiles").out == f"Größe/profiles/a.yaml:1:7: {UNKNOWN_VAD}\n"
    annotation = f"::error file=Größe/profiles/a.yaml,line=1,col=7::{UNKNOWN_VAD}\n"
    assert run("check", "Größe/profiles", "--format", "github").out == annotation


def test_thousands_of_problems_are_all_printed(folder: Path, run: CommandLine) -> None:
    """None is hidden behind another, nor the last one cut."""
    keys = "".join(f"k{number}: 1\n" for number in range(90))
    for number in range(25):
        (folder / f"a{number}.yaml").write_text(keys)
    assert len(run("check").out.splitlines()) == 25 * 90
