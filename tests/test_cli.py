"""The command line, as a person or a program calls it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from timing_profiles import cli

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the starter profiles, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILES_DIR", raising=False)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path / "profiles"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The status and what was printed."""
    try:
        status = cli.main(arguments)
    except SystemExit as ended:
        status = int(ended.code or 0)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.mark.usefixtures("folder")
def test_the_starter_profiles_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """Not even a warning."""
    assert run(capsys, "check", "--strict") == (0, "", "")


def test_check_prints_every_problem_of_every_file(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    """Sorted, with place, finding, what is allowed, and a hint."""
    (folder / "b.yaml").write_text("turn_handling: {endpointing: {min_delay: 1200}}\n")
    (folder / "a.yaml").write_text("stt: {nova: {endpointing_ms: '400', endpoint: 3}}\n")
    status, out, _ = run(capsys, "check", "profiles")
    assert (status, out.splitlines()) == (
        1,
        [
            'profiles/a.yaml:1:30: stt.nova.endpointing_ms: "400" is not an integer (ms)',
            "  hint: write the number without quotes",
            (
                "profiles/a.yaml:1:37: stt.nova.endpoint: unknown field; stt.nova takes model, "
                "language, endpointing_ms, utterance_end_ms, no_delay, smart_format, filler_words"
            ),
            "  hint: did you mean endpointing_ms?",
            (
                "profiles/b.yaml:1:42: turn_handling.endpointing.min_delay: "
                "1200 is more than the maximum of 10 (s)"
            ),
            "  hint: 1200 ms is 1.2 s: write 1.2",
        ],
    )


def test_a_file_is_checked_within_its_set(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Only its own problems are shown."""
    (folder / "a.yaml").write_text("vad: {nothing: 1}\n")
    (folder / "b.yaml").write_text("extends: nowhere\n")
    status, out, _ = run(capsys, "check", "profiles/a.yaml", "--format", "json")
    assert (status, json.loads(out)) == (
        1,
        [
            {
                "code": "unknown-field",
                "message": (
                    "unknown field; vad takes min_speech_duration, min_silence_duration, "
                    "prefix_padding_duration, activation_threshold, deactivation_threshold"
                ),
                "path": "vad.nothing",
                "file": "profiles/a.yaml",
                "line": 1,
                "column": 7,
                "severity": "error",
                "hint": "",
            }
        ],
    )


def test_a_dead_setting_is_a_warning_and_an_error_when_strict(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    """GitHub shows it at its line."""
    (folder / "a.yaml").write_text("turn_handling: {endpointing: {alpha: 0.5}}\n")
    annotation = (
        "::warning file=profiles/a.yaml,line=1,col=31::turn_handling.endpointing.alpha: "
        "has no effect: endpointing.mode is fixed\n"
    )
    assert run(capsys, "check", "--format", "github") == (0, annotation, "")
    assert run(capsys, "check", "--strict", "--format", "github") == (1, annotation, "")


@pytest.mark.usefixtures("folder")
def test_show_tells_values_origins_wait_and_problems(capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON that programs build on."""
    metadata = '{"endpointing_ms": 500, "min_endpointing_delay": "1"}'
    status, out, _ = run(capsys, "show", "patient", "--metadata", metadata, "--format", "json")
    shown = json.loads(out)
    assert status == 0
    assert set(shown) == {"profile", "revision", "values", "origins", "wait", "problems"}
    assert shown["profile"] == "patient"
    assert shown["values"]["stt.nova.endpointing_ms"] == 500
    assert shown["origins"]["stt.nova.endpointing_ms"] == "participant"
    assert shown["origins"]["turn_handling.endpointing.min_delay"] == "profiles/patient.yaml:12"
    assert shown["wait"]["seconds"] == [1.59, 4.09]
    assert shown["wait"]["unknown"] == ["deepgram"]
    assert [problem["code"] for problem in shown["problems"]] == ["override-type"]


@pytest.mark.usefixtures("folder")
def test_list_diff_and_explain_speak_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The shapes that programs build on."""
    (brisk,) = (
        row
        for row in json.loads(run(capsys, "list", "--format", "json")[1])
        if row["name"] == "brisk"
    )
    assert (brisk["extends"], brisk["sets"], brisk["wait"]["seconds"]) == (
        "default",
        2,
        [0.39, 0.89],
    )
    diff = json.loads(run(capsys, "diff", "default", "brisk", "--format", "json")[1])
    assert (diff["a"], diff["b"], diff["changes"]) == (
        "default",
        "brisk",
        [{"field": "turn_handling.endpointing.max_delay", "a": 2.5, "b": 0.8}],
    )
    field = "turn_handling.endpointing.max_delay"
    explained = json.loads(run(capsys, "explain", field, "--format", "json")[1])
    assert (explained["unit"], explained["type"], explained["maximum"]) == ("s", ["number"], 30)
    assert explained["set_by"][0] == {
        "profile": "brisk",
        "value": 0.8,
        "origin": "profiles/brisk.yaml:7",
    }


@pytest.mark.usefixtures("folder")
def test_diff_reads_as_a_sentence_for_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    """The wait comes last, because it is what callers notice."""
    assert run(capsys, "diff", "default", "brisk") == (
        0,
        (
            "turn_handling.endpointing.max_delay: 2.5 s -> 0.8 s\n"
            "answers after: 0.39 to 2.59 s -> 0.39 to 0.89 s\n"
        ),
        "",
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "timing-profiles: nowhere: there is no such file or folder\n"),
        (
            ["show", "patint"],
            (
                'timing-profiles: there is no profile "patint"; there are brisk, courier, default, '
                "dictation, elderly, flux-conversation, noisy-line, patient, phone-menu; "
                "did you mean patient?\n"
            ),
        ),
        (
            ["explain", "tts.sped"],
            "timing-profiles: tts.sped: unknown field; tts takes speed; did you mean speed?\n",
        ),
    ],
)
def test_what_is_not_there_is_a_wrong_command_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Status 2, one line, and nothing on stdout."""
    assert run(capsys, *arguments) == (2, "", message)


def test_no_command_at_all_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, and the usage."""
    status, out, err = run(capsys)
    assert (status, out, err.splitlines()[0]) == (2, "", "usage: timing-profiles [-h] COMMAND ...")


def test_the_command_line_runs_without_the_sdk() -> None:
    """Whoever edits profiles needs no LiveKit; nothing of it is imported."""
    code = (
        "import sys; from timing_profiles import cli; cli.main(['check', 'profiles']); "
        "loaded = {name.partition('.')[0] for name in sys.modules}; "
        "print(sorted(loaded & {'livekit', 'watchfiles'}))"
    )
    ran = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


def test_a_job_process_imports_neither_yaml_nor_watchfiles_for_a_call() -> None:
    """They belong to the main process; here they would only cost start-up time and memory."""
    code = (
        "import sys; from timing_profiles import call; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'yaml', 'watchfiles'}))"
    )
    ran = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
