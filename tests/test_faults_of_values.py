"""Values that no call may get: refused at their place, from a file and from metadata."""

from pathlib import Path

from sandbox.fixtures import Happened
from timing_profiles.catalog import catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import ProfilesError
from timing_profiles.profile import Layer
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.settings import Settings

ROOT = Path(__file__).parent.parent
SCHEMA = Schema((ROOT / "schema.json").read_text(encoding="utf-8"))
FILES = {
    "default.yaml": (ROOT / "profiles" / "default.yaml").read_bytes(),
    "open.yaml": b"overrides: {allow: ['*']}",
}
PROFILES = catalog.build(FILES, SCHEMA, None, "profiles")

ENABLED = "turn_handling.interruption.enabled"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MODE = "turn_handling.endpointing.mode"
DETECTION = "turn_handling.turn_detection"
ENDPOINTING = "stt.nova.endpointing_ms"
UTTERANCE_END = "stt.nova.utterance_end_ms"
SPEED = "tts.speed"

UNKNOWN = (
    "turn_handling.endpointing.mindelay: unknown field; turn_handling.endpointing takes "
    "mode, min_delay, max_delay, alpha\n  hint: did you mean min_delay?"
)
NO_END = "nothing ends a turn: turn_detection stt needs endpointing_ms or utterance_end_ms"


def from_file(content: str | bytes) -> list[str]:
    """The problems of a profile `x`."""
    written = content.encode() if isinstance(content, str) else content
    try:
        catalog.build({**FILES, "x.yaml": written}, SCHEMA, None, "profiles")
    except ProfilesError as error:
        return [str(problem).removeprefix("profiles/x.yaml:") for problem in error.problems]
    return []


def layer(text: str) -> Layer:
    """What a profile `x` says."""
    files = {**FILES, "x.yaml": text.encode()}
    return catalog.build(files, SCHEMA, None, "profiles").layers["x"]


def asked(metadata: str) -> Settings:
    """What a caller gets who may change everything."""
    text = metadata.replace("{", '{"profile": "open", ', 1)
    return settings.resolve(PROFILES, [request.read(text, "participant")])


def from_metadata(metadata: str) -> list[str]:
    """The problems of such a caller, whose call has nothing but the profile's own values."""
    found = asked(metadata)
    assert found.changed == ()
    return [str(problem).removeprefix("participant: ") for problem in found.problems]


WORDS = {
    f"{ENABLED}: yes": '"yes" is not true or false\n  hint: write true',
    f"{ENABLED}: off": '"off" is not true or false\n  hint: write false',
    f"{MIN_DELAY}: 12:30": (
        '"12:30" is not a number (s)\n  hint: YAML 1.1 read this as base 60; write the number'
    ),
    f"{MIN_DELAY}: 2026-01-01": (
        '"2026-01-01" is not a number (s)\n  hint: YAML 1.1 read this as a date; write the number'
    ),
    f"{ENDPOINTING}: 017": "017 is 17 in YAML 1.2 and octal in YAML 1.1\n  hint: write 17",
}

IN_QUOTES = "keys must be text\n  hint: write it in quotes"
KEYS = {
    "12": f'1:1: key "12" is a number; {IN_QUOTES}',
    "1.5": f'1:1: key "1.5" is a number; {IN_QUOTES}',
    "true": f'1:1: key "true" is a boolean; {IN_QUOTES}',
    "~": f'1:1: key "~" is null; {IN_QUOTES}',
    "? [a]\n": "1:3: a key must be plain text\n  hint: write a name, a colon and a value",
}


def nested(setting: str) -> tuple[str, str]:
    """`a.b: c` as a file nests it, and the path alone."""
    path, _, value = setting.partition(": ")
    *outer, last = path.split(".")
    return "".join(f"{key}: {{" for key in outer) + f"{last}: {value}" + "}" * len(outer), path


def test_fault_36_words_follow_yaml_1_2_or_are_refused_with_a_hint(
    happened: Happened,
) -> None:
    """No word is read as YAML 1.1 would: it is what it looks like, or a problem with a way out."""
    for setting, message in WORDS.items():
        text, path = nested(setting)
        column = text.index(setting.partition(": ")[2]) + 1
        assert from_file(text) == [f"1:{column}: {path}: {message}"]
    assert {key: from_file(f"{key}: 1\n") for key in KEYS} == {
        key: [message] for key, message in KEYS.items()
    }
    assert layer("stt: {nova: {endpointing_ms: 1e3}}").sets == {ENDPOINTING: 1000}
    assert layer("description: 2026-01-01").description == "2026-01-01"
    hints = [f"{s.partition(': ')[2]}: {m.partition('hint: ')[2]}" for s, m in WORDS.items()]
    happened(f"{'; '.join(hints)}; {len(KEYS)} keys: keys must be text; 1e3 is 1000")


def test_fault_37_non_finite_number_is_refused(happened: Happened) -> None:
    """Bounds would let NaN pass: it is refused before they are asked, in files and in metadata."""
    written = {
        ".nan": ".nan is not a finite number",
        "-.inf": "-.inf is not a finite number",
        "1e999": "1e999 is not a finite number",
        "NaN": '"NaN" is not a number or null (factor)',
        "inf": '"inf" is not a number or null (factor)',
    }
    assert {word: from_file(f"tts: {{speed: {word}}}") for word in written} == {
        word: [f"1:14: {SPEED}: {message}"] for word, message in written.items()
    }
    sent = {
        "NaN": "metadata: is not JSON: NaN is not a JSON number",
        "-Infinity": "metadata: is not JSON: -Infinity is not a JSON number",
        "1e999": f"{MIN_DELAY}: Infinity is more than the maximum of 10 (s)",
        '"NaN"': f'{MIN_DELAY}: "NaN" is not a number (s)',
    }
    assert {word: from_metadata(f'{{"min_endpointing_delay": {word}}}') for word in sent} == {
        word: [message] for word, message in sent.items()
    }
    happened(f"{len(written)} spellings refused in files, {len(sent)} in metadata")


def test_fault_38_an_integer_is_one_or_refused(happened: Happened) -> None:
    """What reaches Deepgram's URL is a real int, however it was spelled."""
    refused = {
        "true": "true is not an integer (ms)",
        '"800"': '"800" is not an integer (ms)\n  hint: write the number without quotes',
        "800.5": "800.5 is not an integer (ms)",
        "1e308": "1e+308 is more than the maximum of 10000 (ms)",
    }
    for word, message in refused.items():
        assert from_file(f"stt: {{nova: {{endpointing_ms: {word}}}}}") == [
            f"1:30: {ENDPOINTING}: {message}"
        ]
        assert from_metadata(f'{{"endpointing_ms": {word}}}') == [f"{ENDPOINTING}: {message}"]
    whole = [
        layer("stt: {nova: {endpointing_ms: 800.0}}").sets[ENDPOINTING],
        asked('{"endpointing_ms": 800.0}').values[ENDPOINTING],
        asked('{"endpointing_ms": 8e2}').values[ENDPOINTING],
    ]
    assert [repr(value) for value in whole] == ["800", "800", "800"]
    happened(f"{', '.join(refused)} refused; 800.0 is 800, from a file and from metadata")


def test_fault_39_what_the_session_would_take_without_a_word_is_refused(
    happened: Happened,
) -> None:
    """A misspelled field, a floor above its ceiling and a mode that does not exist."""
    assert from_file("turn_handling: {endpointing: {mindelay: 1}}") == [f"1:31: {UNKNOWN}"]
    assert from_file("turn_handling: {endpointing: {min_delay: 3, max_delay: 1}}") == [
        f"1:42: {MIN_DELAY}: min_delay 3 is more than max_delay 1 (s)"
    ]
    assert from_file("turn_handling: {endpointing: {mode: slow}}") == [
        f'1:37: {MODE}: "slow" is not fixed or dynamic'
    ]
    assert from_metadata(
        '{"overrides": {"turn_handling": {"endpointing": {"mindelay": 1, "mode": "slow"}}},'
        ' "min_endpointing_delay": 3, "max_endpointing_delay": 1}'
    ) == [
        UNKNOWN,
        f'{MODE}: "slow" is not fixed or dynamic',
        f"{MIN_DELAY}: min_delay 3 is more than max_delay 1 (s)",
        "turn_handling.endpointing.max_delay: min_delay 3 is more than max_delay 1 (s)",
    ]
    happened("3 refused in a file, with a hint at the field that was meant, and 3 in metadata")


ODD = {
    "tts: {speed: " + "9" * 5000 + "}": f"1:14: {SPEED}: number of 5000 characters is too long",
    "tts: {speed: 0x" + "f" * 30_000 + "}": (
        f"1:14: {SPEED}: number of 30002 characters is too long"
    ),
    f"tts: {{speed: 1e{'9' * 30}}}": f"1:14: {SPEED}: 1e{'9' * 30} is not a finite number",
    'description: "\\ud800"': "1:17: invalid YAML: found invalid Unicode character escape code",
    "tts: !!python/name:os.system {}": (
        '1:6: tag "tag:yaml.org,2002:python/name:os.system" is not supported'
    ),
    "tts: {speed: !!int 0x}": '1:14: tag "tag:yaml.org,2002:int" is not supported',
    "tts: {speed: !!float .}": '1:14: tag "tag:yaml.org,2002:float" is not supported',
    "tts: {speed: !!timestamp x}": '1:14: tag "tag:yaml.org,2002:timestamp" is not supported',
    "description: !!binary x": '1:14: tag "tag:yaml.org,2002:binary" is not supported',
    "!!set {a}": '1:1: tag "tag:yaml.org,2002:set" is not supported',
    f"%YAML {'9' * 20}.1\n---\n{{}}": "1:16: invalid YAML: found extremely long version number",
}


def test_fault_42_what_makes_a_yaml_reader_raise_is_refused_in_words(happened: Happened) -> None:
    """Huge integers, lone surrogates and odd tags raise all sorts of errors elsewhere."""
    assert {text: from_file(text) for text in ODD} == {text: [said] for text, said in ODD.items()}
    surrogate = b"description: \xed\xa0\x80\n"
    assert from_file(surrogate) == ["1:14: byte 0xed is not UTF-8\n  hint: save the file as UTF-8"]
    happened(f"{len(ODD) + 1} files refused with their line and column")


def test_fault_63_what_costs_the_call_is_refused(happened: Happened) -> None:
    """The SDK takes both: one mutes the agent, with the other nothing ever ends a turn."""
    duration = "turn_handling.interruption.min_duration"
    too_short = f"{duration}: 0 is less than the minimum of 0.03 (s)"
    assert from_file("turn_handling: {interruption: {min_duration: 0}}") == [f"1:46: {too_short}"]
    assert from_metadata('{"min_interruption_duration": 0}') == [too_short]
    assert asked('{"turn_detection": "stt"}').values[UTTERANCE_END] is None
    never = (
        "turn_handling: {turn_detection: stt}\n"
        "stt: {nova: {endpointing_ms: 0, utterance_end_ms: null}}\n"
    )
    assert from_file(never) == [f"2:30: {ENDPOINTING}: {NO_END}"]
    assert from_metadata('{"turn_detection": "stt", "endpointing_ms": 0}') == [
        f"{ENDPOINTING}: {NO_END}",
        f"{DETECTION}: {NO_END}",
    ]
    happened("refused in files and metadata: 0.03 s is the least; a turn must be able to end")
