"""The schema in force: found, and refused where it cannot be one."""

import json
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.fixtures import Happened
from timing_profiles.catalog import catalog, schema_file
from timing_profiles.catalog.schema import Schema
from timing_profiles.catalog.schema_file import HOW_TO_ADD
from timing_profiles.problems import Problem, ProfilesError
from timing_profiles.resolution import without_a_room

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "schema.json").read_text()
FIELDS = Schema(TEXT).fields

ENDPOINTING = ("stt", "nova", "endpointing_ms")
MODEL = ("stt", "nova", "model")
LANGUAGES = ("stt", "flux", "language_hint")
DRAFT = "https://json-schema.org/draft/2020-12/schema"
UNLIKELY = ("turn_detector", "unlikely_threshold")

MISSING = "missing; a schema may tighten bounds, not omit fields"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the real default.yaml; its schema.json is the packaged one."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    shutil.copy(ROOT / "profiles" / "default.yaml", profiles)
    return profiles


def at(schema: Any, path: tuple[str, ...]) -> Any:
    """What a schema says of a field or a section."""
    for key in path:
        schema = schema["properties"][key]
    return schema


def edited(path: tuple[str, ...], **keywords: object) -> str:
    """The packaged schema, with other keywords for one field or section."""
    schema = json.loads(TEXT)
    at(schema, path).update(keywords)
    return json.dumps(schema)


def replaced(path: tuple[str, ...], instead: object, **beside: object) -> str:
    """The packaged schema, with something else in the place of one field or section."""
    schema = json.loads(TEXT) | beside
    at(schema, path[:-1])["properties"][path[-1]] = instead
    return json.dumps(schema)


def put_beside(folder: Path, text: str) -> None:
    (folder.parent / schema_file.FILE_NAME).write_text(text)


def problems(folder: Path) -> list[str]:
    with pytest.raises(ProfilesError) as caught:
        catalog.load(folder)
    return [str(problem) for problem in caught.value.problems]


def test_packaged_schema_is_active_without_own_schema(folder: Path) -> None:
    """A team that changes no bound needs no schema of its own."""
    assert schema_file.FILE_NAME == "schema.json"
    assert schema_file.active(folder) == schema_file.packaged("schema.json")
    assert schema_file.load(folder).text == TEXT


def test_schema_beside_the_directory_is_active(folder: Path) -> None:
    """A team's own schema takes the place of the packaged one."""
    own = edited(ENDPOINTING, maximum=500)
    put_beside(folder, own)
    assert schema_file.active(folder) == folder.parent / "schema.json"
    assert schema_file.load(folder).text == own


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(TEXT.encode(), True, id="same"),
        pytest.param(TEXT.encode("utf-8-sig"), True, id="byte-order-mark"),
        pytest.param(TEXT.replace("\n", "\r\n").encode(), True, id="crlf"),
        pytest.param(b"{}", False, id="another"),
        pytest.param(b"\xff", False, id="no-text"),
        pytest.param(Problem("schema", "cannot be read"), False, id="unreadable"),
    ],
)
def test_schema_is_recognised_in_any_encoding(
    folder: Path, content: bytes | Problem, *, expected: bool
) -> None:
    """An edit of a profile does not wait for writers of a schema that has not changed."""
    assert schema_file.is_of(content, schema_file.load(folder)) is expected


def test_tightened_bound_holds_for_files(folder: Path) -> None:
    """A team's own bound is checked, and named, like ours."""
    put_beside(folder, edited(ENDPOINTING, maximum=500))
    (folder / "slow.yaml").write_text("stt: {nova: {endpointing_ms: 600}}\n")
    assert problems(folder) == [
        "profiles/slow.yaml:1:30: stt.nova.endpointing_ms: 600 is more than the maximum of 500 (ms)"
    ]


def test_tightened_bound_holds_for_metadata(folder: Path) -> None:
    """A value that is refused in a file is refused in metadata, too."""
    put_beside(folder, edited(ENDPOINTING, maximum=500))
    settings = without_a_room.resolve({"endpointing_ms": 600}, profiles_dir=folder)
    assert settings.values["stt.nova.endpointing_ms"] == 25
    assert [str(problem) for problem in settings.problems] == [
        "participant: stt.nova.endpointing_ms: 600 is more than the maximum of 500 (ms)"
    ]


def test_tightened_bound_holds_for_default(folder: Path) -> None:
    """default.yaml has no privilege over the schema."""
    put_beside(folder, edited(ENDPOINTING, minimum=100))
    (problem,) = problems(folder)
    assert problem.startswith("profiles/default.yaml:")
    assert problem.endswith("stt.nova.endpointing_ms: 25 is less than the minimum of 100 (ms)")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            b'{\n  "properties": }',
            "schema.json:2:17: invalid JSON: Expecting value",
            id="not-json",
        ),
        pytest.param(
            b"[]",
            "schema.json: not a JSON Schema: [] is not of type 'object', 'boolean'",
            id="list",
        ),
        pytest.param(
            b'{"additionalProperties": false, "properties": {"stt": {"pattern": "("}}}',
            'schema.json: stt: pattern "(" is not supported: "(" without ")", at character 2',
            id="pattern",
        ),
        pytest.param(
            edited(ENDPOINTING, anyOf=[{"pattern": "a"}] * 101).encode(),
            "schema.json: 122 patterns are more than the maximum of 100",
            id="many-patterns",
        ),
        pytest.param(b"true", "schema.json: is not an object", id="true"),
        pytest.param(
            b"\xff",
            "schema.json: cannot be read: 'utf-8' codec can't decode byte 0xff in position 0: "
            "invalid start byte",
            id="not-utf-8",
        ),
        pytest.param(
            b"[" * 100_000,
            "schema.json: invalid JSON: nested too deeply",
            id="deep",
        ),
        pytest.param(
            b'{"properties": {}, "x": ' + b"1" * 5000 + b"}",
            "schema.json: invalid JSON: 11111111111111111... is not a finite number",
            id="huge-number",
        ),
        pytest.param(
            b" " * 1_048_577,
            "schema.json: the file is larger than 1048576 bytes, the most that is read",
            id="large",
        ),
    ],
)
def test_broken_schema_is_refused(folder: Path, content: bytes, problem: str) -> None:
    """A schema that cannot be used stops the set, with a problem of its own."""
    (folder.parent / "schema.json").write_bytes(content)
    assert problems(folder) == [problem]


def test_link_to_nowhere_is_refused(folder: Path) -> None:
    """A broken link in the place of a schema does not bring the packaged one into force."""
    link = folder.parent / "schema.json"
    link.symlink_to("nowhere")
    assert problems(folder) == ["schema.json: cannot be read: No such file or directory"]


def test_empty_schema_is_refused(folder: Path) -> None:
    """It would let everything pass."""
    put_beside(folder, "{}")
    assert problems(folder) == ["schema.json: a section must have `additionalProperties: false`"]


def test_all_fields_that_are_left_out_are_named(folder: Path) -> None:
    """In one run."""
    put_beside(folder, '{"additionalProperties": false}')
    assert problems(folder) == [f"schema.json: {path}: {MISSING}" for path in sorted(FIELDS)]


def test_field_that_is_left_out_is_refused(folder: Path) -> None:
    """A schema may tighten bounds; a field without its line would be one without any bound."""
    schema = json.loads(TEXT)
    del at(schema, ("tts",))["properties"]["speed"]
    put_beside(folder, json.dumps(schema))
    assert problems(folder) == [f"schema.json: tts.speed: {MISSING}\n  hint: {HOW_TO_ADD}"]


@pytest.mark.parametrize("extra", [True, {}], ids=["true", "schema"])
@pytest.mark.parametrize(
    ("path", "where"),
    [
        pytest.param((), "", id="top"),
        pytest.param(("stt",), "stt: ", id="section"),
        pytest.param(("stt", "nova"), "stt.nova: ", id="inner-section"),
        pytest.param(("overrides",), "overrides: ", id="overrides"),
    ],
)
def test_section_that_takes_unknown_fields_is_refused(
    folder: Path, path: tuple[str, ...], where: str, extra: object
) -> None:
    """A misspelled field must be a problem in every section: the SDK would ignore it."""
    put_beside(folder, edited(path, additionalProperties=extra))
    assert problems(folder) == [
        f"schema.json: {where}a section must have `additionalProperties: false`"
    ]


@pytest.mark.parametrize("path", [("stt",), ENDPOINTING], ids=["section", "field"])
def test_boolean_in_place_of_a_schema_is_refused(folder: Path, path: tuple[str, ...]) -> None:
    """`true` is a JSON Schema, but describes no field."""
    put_beside(folder, replaced(path, instead=True))
    assert f"schema.json: {'.'.join(path)}: is not an object" in problems(folder)


@pytest.mark.parametrize(
    "bound", [{"pattern": "^nova-9"}, {"const": "nova-9"}], ids=["pattern", "const"]
)
def test_bound_without_a_type_of_its_own_holds(folder: Path, bound: dict[str, str]) -> None:
    """A bound may stand in an `allOf`, beside the `type`."""
    put_beside(folder, edited(MODEL, allOf=[bound]))
    (problem,) = problems(folder)
    assert "stt.nova.model: " in problem


def refers_to(url: str) -> dict[str, Any]:
    return {"additionalProperties": {"$ref": url}}


@pytest.fixture
def impatient() -> Iterator[None]:
    """Whoever connects somewhere after all does not wait long."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.5)
    yield
    socket.setdefaulttimeout(before)


LOOSER = "looser than in the packaged schema"
MIN_DELAY = ("turn_handling", "endpointing", "min_delay")
NEEDED = {"type": "number", "x-unit": "s", "x-live": "now"}


@pytest.mark.parametrize(
    ("path", "keywords", "message"),
    [
        (ENDPOINTING, {"maximum": 100_000}, f"maximum is {LOOSER}: 100000, not 10000"),
        (ENDPOINTING, {"minimum": -1}, f"minimum is {LOOSER}: -1, not 0"),
        (
            ("tts", "speed"),
            {"maximum": 3},
            f"maximum is {LOOSER}: 3, not 1.5",
        ),
        (
            ("turn_handling", "endpointing", "max_delay"),
            {"type": ["number", "null"]},
            f'type is {LOOSER}: ["number", "null"], not "number"',
        ),
        (("stt", "engine"), {"enum": ["nova", "x"]}, f'enum is {LOOSER}: ["nova", "x"], not'),
        (MODEL, {"pattern": ".*"}, f'pattern is {LOOSER}: ".*", not "^nova-[a-z0-9-]+$"'),
        (MIN_DELAY, {"x-unit": "ms"}, 'x-unit is "s" and cannot be changed'),
    ],
)
def test_fault_72_a_looser_field_is_a_problem_of_the_schema(
    folder: Path, path: tuple[str, ...], keywords: dict[str, Any], message: str
) -> None:
    """With what the packaged schema has: the SDK's limits hold, and no caller gets past them."""
    put_beside(folder, edited(path, **keywords))
    (problem,) = problems(folder)
    assert problem.startswith(f"schema.json: {'.'.join(path)}: {message}")


@pytest.mark.parametrize(
    ("bound", "number"),
    [
        ('"maximum": NaN', "NaN"),
        ('"minimum": -Infinity', "-Infinity"),
        ('"maximum": 1e999', "1e999"),
        (f'"multipleOf": {10**400}', "10000000000000000..."),
        (f'"examples": [{10**400}]', "10000000000000000..."),
    ],
)
def test_fault_72_a_bound_is_a_finite_number(folder: Path, bound: str, number: str) -> None:
    """Every comparison with NaN is false: as a bound, it would let any number pass."""
    put_beside(folder, edited(ENDPOINTING, marker=0).replace('"marker": 0', bound))
    assert problems(folder) == [f"schema.json: invalid JSON: {number} is not a finite number"]


@pytest.mark.parametrize("values", [True, {}])
def test_fault_72_values_of_a_mapping_are_held_to_their_bounds(
    folder: Path, values: object
) -> None:
    """A threshold for each language has the bounds of the threshold."""
    put_beside(folder, edited(("turn_detector", "unlikely_threshold"), additionalProperties=values))
    assert problems(folder) == [
        f"schema.json: turn_detector.unlikely_threshold.*: {keyword} is {LOOSER}: "
        f"no limit, not {bound}"
        for keyword, bound in (("maximum", "1"), ("minimum", "0"), ("type", '"number"'))
    ]


def test_fault_72_prefix_items_are_held_to_the_bounds_of_items(folder: Path) -> None:
    """`items` does not hold for what `prefixItems` describes: any value would reach the SDK."""
    put_beside(folder, edited(LANGUAGES, prefixItems=[{"type": "string", "const": "en"}, {}]))
    assert problems(folder) == [
        f"schema.json: stt.flux.language_hint[1]: {keyword} is {LOOSER}: no limit, not {bound}"
        for keyword, bound in (
            (
                "pattern",
                '"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"; `enum` can allow fewer values',
            ),
            ("type", '"string"'),
        )
    ]


@pytest.mark.parametrize(
    "keywords",
    [
        {"$schema": "http://json-schema.org/draft-04/schema#"},
        {"anyOf": [{"$schema": DRAFT, "pattern": "^nova-(a+)+$"}, {"const": "nova-3"}]},
        {"$id": "http://[::1"},
    ],
    ids=["bounds-of-another-draft", "slow-patterns", "no-url"],
)
def test_fault_72_a_part_of_a_schema_has_no_rules_of_its_own(
    folder: Path, keywords: dict[str, Any]
) -> None:
    """Its bounds would be unknown ones, and its patterns those of `re`."""
    put_beside(folder, edited(MODEL, **keywords))
    (problem,) = problems(folder)
    assert re.fullmatch(
        r'schema\.json: \$\w+ ".+" is not supported below the top of the schema', problem
    )


@pytest.mark.parametrize("keyword", ["unevaluatedItems", "unevaluatedProperties"])
def test_fault_69_a_check_that_doubles_with_each_level_is_refused(
    folder: Path, keyword: str
) -> None:
    """Of 25 levels, it would not end; `additionalProperties` refuses unknown keys."""
    nested: dict[str, Any] = {}
    for _ in range(25):
        nested = {"allOf": [nested], keyword: True}
    put_beside(folder, edited(MODEL, allOf=[nested]))
    assert problems(folder) == [f"schema.json: stt.nova.model: {keyword} is not supported"]


@pytest.mark.parametrize("sent", ["9" * 400, "1e999", "0.07"], ids=["long", "infinite", "between"])
def test_a_step_holds_for_any_number_in_metadata(folder: Path, sent: str) -> None:
    """A division would raise, and so end the call."""
    schema = json.loads(TEXT)
    at(schema, MIN_DELAY[:-1])["properties"]["min_delay"] = {
        "multipleOf": 0.05,
        **at(schema, MIN_DELAY),
    }
    put_beside(folder, json.dumps(schema))
    settings = without_a_room.resolve(f'{{"min_endpointing_delay": {sent}}}', profiles_dir=folder)
    assert settings.values[".".join(MIN_DELAY)] == 0.3
    (problem,) = settings.problems
    assert (problem.code, problem.path) == ("override-range", ".".join(MIN_DELAY))


def test_a_step_is_of_decimal_numbers(folder: Path) -> None:
    """0.3 is three times 0.1, also where a division of floats has a remainder."""
    put_beside(folder, edited(MIN_DELAY, multipleOf=0.1))
    assert catalog.load(folder).names() == ["default"]


def test_fault_72_a_bound_that_is_left_out_is_looser(folder: Path) -> None:
    """No limit is looser than any."""
    put_beside(folder, replaced(MIN_DELAY, NEEDED))
    bounds, field = at(json.loads(TEXT), MIN_DELAY), ".".join(MIN_DELAY)
    assert problems(folder) == [
        f"schema.json: {field}: {keyword} is {LOOSER}: no limit, not {bounds[keyword]}"
        for keyword in ("maximum", "minimum")
    ]


def test_fault_72_a_tighter_schema_is_taken(folder: Path) -> None:
    """Bounds, types, exclusive bounds, and values in place of a pattern."""
    schema = json.loads(TEXT)
    at(schema, ENDPOINTING).update(minimum=1, maximum=9_999)
    at(schema, MIN_DELAY).update(type="number", exclusiveMaximum=5)
    at(schema, MODEL).pop("pattern")
    at(schema, MODEL)["enum"] = ["nova-3", "nova-2-phonecall"]
    put_beside(folder, json.dumps(schema))
    assert catalog.load(folder).names() == ["default"]


@pytest.mark.parametrize(
    ("path", "instead"),
    [
        (("turn_handling", "endpointing", "a.b"), {"type": "number"}),
        (("a.b",), {"type": "number"}),
        (("overrides",), {"type": "string"}),
        (MIN_DELAY, {"type": "string"}),
        (MIN_DELAY, {"type": "null"}),
        (("description",), {"type": "integer"}),
        (MIN_DELAY, {**NEEDED, "description": 5}),
        (MIN_DELAY, 5),
        (MIN_DELAY, None),
        (MIN_DELAY, True),
    ],
)
def test_fault_79_odd_schemas_get_messages(
    folder: Path, path: tuple[str, ...], instead: object
) -> None:
    """Problems of the schema, in place of a traceback."""
    put_beside(folder, replaced(path, instead))
    found = problems(folder)
    assert found
    assert all(problem.startswith("schema.json: ") for problem in found)


@pytest.mark.parametrize("keyword", ["const", "default", "x-note"])
def test_fault_79_deep_data_in_a_schema_is_one_problem(folder: Path, keyword: str) -> None:
    """Python 3.13 parses 5,000 levels, and a keyword of data may hold them all."""
    deep: object = []
    for _ in range(100):
        deep = [deep]
    put_beside(folder, edited(ENDPOINTING, **{keyword: deep}))
    assert problems(folder) == ["schema.json: nested deeper than 64 levels"]


@pytest.mark.usefixtures("impatient")
def test_fault_69_a_slow_pattern_is_quick(folder: Path, happened: Happened) -> None:
    """`re` would take longer than anybody waits."""
    slow = "^(a+)+$"
    put_beside(folder, edited(("description",), pattern=slow))
    (folder / "default.yaml").write_text(
        re.sub("description: .*", "description: aaa", (folder / "default.yaml").read_text())
    )
    (folder / "long.yaml").write_text(f"description: {'a' * 30_000}!\n")
    (folder / "short.yaml").write_text(f"description: {'a' * 60}!\n")
    started = time.monotonic()
    long, short = problems(folder)
    seconds = time.monotonic() - started
    assert long.startswith('profiles/long.yaml:1:14: description: "aaa')
    assert short.startswith('profiles/short.yaml:1:14: description: "aaa')
    assert short.endswith(f"... is not text like {slow}")
    assert seconds < 5
    happened(f"{slow}: both texts are refused in {seconds:.2f} s")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("^(?!x)", "a look-around or a named group is not supported, at character 3"),
        (r"^(a)\1$", r'"\1" is not supported, at character 6'),
        ("^(a{99}){99}$", "larger than 1000 states, counted repetitions written out"),
    ],
)
def test_fault_69_a_pattern_that_cannot_be_judged_is_a_problem_of_the_schema(
    folder: Path, pattern: str, reason: str
) -> None:
    """Before any text is held to it, with the field that has it."""
    put_beside(folder, edited(MODEL, pattern=pattern))
    (problem,) = problems(folder)
    refusal = f"pattern {json.dumps(pattern)} is not supported: {reason}"
    assert problem == f"schema.json: stt.nova.model: {refusal}"


def test_fault_69_patterns_of_keys_are_a_problem_of_the_schema(folder: Path) -> None:
    """`additionalProperties` would match keys with `re`."""
    put_beside(folder, edited(("stt",), patternProperties={"^(a+)+$": {}}))
    assert problems(folder) == ["schema.json: stt: patternProperties is not supported"]


def test_fault_56_reference_to_a_url_is_refused_without_the_network(
    folder: Path, happened: Happened
) -> None:
    """A `$ref` that leaves the file is a problem; no connection is made."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/engine.json"
        put_beside(folder, replaced(("stt", "engine"), {"$ref": url}))
        assert problems(folder) == [f'schema.json: $ref "{url}" is not supported']
        server.setblocking(False)  # noqa: FBT003 - its only argument
        with pytest.raises(BlockingIOError):
            server.accept()
    happened("the schema is refused with the URL; the server there saw no connection")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "bounds.json", "#/$defs/nothing"], ids=["url", "file", "within"]
)
def test_reference_that_no_file_uses_is_refused_at_the_start(folder: Path, url: str) -> None:
    """A reference that only a caller's value would follow does not wait for that caller."""
    put_beside(folder, edited(UNLIKELY, **refers_to(url)))
    assert problems(folder) == [f'schema.json: $ref "{url}" is not supported']


def test_reference_within_the_file_is_refused_too(folder: Path) -> None:
    """Each field has its own bounds: an editor, a person and the worker read the same."""
    schema = json.loads(edited(UNLIKELY, **refers_to("#/$defs/probability")))
    schema["$defs"] = {"probability": {"type": "number", "maximum": 0.5}}
    put_beside(folder, json.dumps(schema))
    assert problems(folder) == ['schema.json: $ref "#/$defs/probability" is not supported']
