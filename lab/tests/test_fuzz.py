"""Hostile input: what is kept of it is read each time, and `make fuzz` prints the faults."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.fuzz import __main__ as command
from lab.fuzz import judgement
from lab.fuzz.exploration import FAULTY, Exploration
from lab.fuzz.judgement import Slow
from lab.fuzz.mutation import LANGUAGES
from lab.fuzz.targets import CORPUS, ROOT, TARGETS
from timing_profiles.catalog.schema import Schema

YAML = TARGETS["yaml"]
KEPT = {name: sorted((CORPUS / name).iterdir()) for name in TARGETS}
INPUTS = [(name, path) for name, paths in KEPT.items() for path in paths]


@pytest.mark.parametrize(("name", "path"), INPUTS, ids=[f"{n}-{path.name}" for n, path in INPUTS])
def test_kept_input_is_handled_correctly(name: str, path: Path) -> None:
    """Nothing uncaught, in plain letters, against no rule; `make fuzz` takes the time of it."""
    target = TARGETS[name]
    assert list(target.faults(target.read(path.read_bytes()))) == []


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_of_kept_inputs_are_handled_correctly(name: str) -> None:
    """A few of those that `make fuzz` makes by the million; the same in each run."""
    target = TARGETS[name]
    for seed, path in enumerate(KEPT[name] * 5):
        mutated = LANGUAGES[name].mutated
        data = mutated(path.read_bytes(), target.most_bytes, seed, lambda data, _: data)
        assert len(data) <= target.most_bytes
        assert list(target.faults(target.read(data))) == []


def test_kept_inputs_keep_their_bytes() -> None:
    """Git leaves their line ends and their encoding alone."""
    assert "lab/fuzz/corpus/** -text" in (ROOT / ".gitattributes").read_text().splitlines()
    assert (CORPUS / "yaml" / "not-utf-8").read_bytes() == b"a: b\nc: \xff\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to keep inputs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_input_is_read_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The outcome, the time and the verdict are printed."""
    (here / "input").write_bytes(b"tts: {sped: 1}\n")
    assert command.main(["yaml", "--input", "input"]) == 0
    problem, hint, time, verdict = capsys.readouterr().out.splitlines()
    assert problem == "profiles/fuzzed.yaml:1:7: tts.sped: unknown field; tts takes speed"
    assert hint == "  hint: did you mean speed?"
    assert time.endswith(" ms of CPU")
    assert verdict == "read as it must be"


def test_metadata_is_read_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The profile, the differences from default and the problems of metadata are printed."""
    (here / "input").write_bytes(b'{"profile":"open","overrides":{"tts":{"speed":1.1},"x":1}}')
    assert command.main(["metadata", "--input", "input"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["profile open", "tts.speed: 1.1"]
    assert lines[2].startswith("participant: x: unknown field; ")


def test_schema_is_read_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its acceptance is printed, and the results for a set and for a call."""
    (here / "input").write_bytes(TARGETS["schema"].seeds[0])
    assert command.main(["schema", "--input", "input"]) == 0
    verdict, *problems, _, _ = capsys.readouterr().out.splitlines()
    assert verdict == "accepted"
    assert [problem.partition(":")[0] for problem in problems] == ["participant"] * 2


def test_a_schema_that_takes_more_is_a_fault() -> None:
    """It must have been refused; a field is asked for values that the packaged schema refuses."""
    target = TARGETS["schema"]
    looser = target.seeds[0].replace(b'"maximum": 1.5', b'"maximum": 99')
    found = replace(target.read(target.seeds[0]), schema=Schema(looser.decode()))
    more = "2 is more than the maximum of 1.5 (factor)"
    # The pace of text-to-speech, and that of a realtime model.
    fault = f"accepted, though the packaged schema refuses it: {more}"
    assert list(target.faults(found)) == [fault, fault]


def test_a_command_is_run_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bytes of the input select the command; its output is printed."""
    (here / "input").write_bytes(b"x")
    assert command.main(["commands", "--input", "input"]) == 0
    assert re.match(r"[a-z -]+ --format [a-z]+: [01]\n", capsys.readouterr().out)


def test_terminal_control_sequence_is_a_fault() -> None:
    """In any line that a command prints."""
    target = TARGETS["commands"]
    printed = {"out": "\x1b[2J\n", "err": "::error::x\n"}
    found = replace(target.read(b"x"), command="list", form="text", **printed)
    assert list(target.faults(found)) == [
        "list --format text: a terminal or GitHub obeys '\\x1b[2J'",
        "list --format text: a terminal or GitHub obeys '::error::x'",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["yml"], "unknown: yml; choose from yaml, metadata, schema, commands"),
        (["--input", "x"], "--input goes with one of yaml, metadata, schema, commands"),
    ],
    ids=["unknown", "input-of-none"],
)
def test_wrong_word_is_a_usage_error(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, and the known names."""
    with pytest.raises(SystemExit) as caught:
        command.main(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_missing_input_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A typo gets no traceback."""
    assert command.main(["yaml", "--input", "nowhere"]) == 2
    assert capsys.readouterr().err == "fuzz: nowhere cannot be read: No such file or directory\n"


def test_input_of_uncaught_error_is_kept_with_command_to_repeat(here: Path) -> None:
    """The message has the error, the path of the input, and the commands to repeat and keep it."""
    left(here, b"a: 1\n", "KeyError: 'x'\n")
    (message,) = judgement.messages(YAML, here, Slow(0, b""))
    path = ".dev/fuzz/yaml-37b128c59f1f"
    assert message.splitlines() == [
        "yaml: KeyError: 'x'",
        f"  input: {path}, 5 bytes: 'a: 1\\n'",
        f"  again: make fuzz ARGS='yaml --input {path}'",
        f"  once it is fixed: cp {path} lab/fuzz/corpus/yaml/WHAT-IT-IS",
    ]
    assert Path(path).read_bytes() == b"a: 1\n"


def left(folder: Path, data: bytes, fault: str, growth: int = 0, objects: int = 0) -> None:
    """Leave what an exploration leaves."""
    (folder / FAULTY).write_bytes(data)
    Exploration(5, 1.0, 2**20, growth, objects, fault).write(folder)


def test_input_is_not_blamed_for_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that takes too long is measured again, after a pause each time."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    measured = iter([0.02] * 5 + [0.005, 0.001])
    assert judgement.best(lambda: next(measured), within=0.01) == 0.005
    assert (len(pauses), next(measured)) == (3, 0.001)


@pytest.mark.usefixtures("here")
def test_slow_input_is_kept(tmp_path: Path) -> None:
    """An input over the bound fails the command, as does one that libFuzzer ended at."""
    (tmp_path / "timeout-1234").write_bytes(b"[")
    timeout, slow = judgement.messages(YAML, tmp_path, Slow(0.1234, b"a"))
    assert timeout.splitlines()[0] == "yaml: timeout (libFuzzer)"
    assert slow.splitlines()[0] == "yaml: 123.4 ms of CPU, more than 100 ms"


def test_memory_that_grows_is_a_fault(here: Path) -> None:
    """In bytes of the process, or in objects of Python."""
    left(here, b"", "", growth=2**30, objects=10**6)
    assert list(judgement.messages(YAML, here, Slow(0, b""))) == [
        "yaml: memory grew by 1073741824 bytes, more than 16777216",
        "yaml: 1000000 objects stayed, more than 2000",
    ]


def test_invalid_outcome_is_a_fault() -> None:
    """A control character in a problem, or too many of them."""

    def none(_: object) -> Iterator[str]:
        yield "not sound"

    target = replace(YAML, faults=none)
    assert list(judgement.faults(target, b"a: 1\n", 0.2)) == [
        "not sound",
        "200.0 ms of CPU, more than 100 ms",
    ]
