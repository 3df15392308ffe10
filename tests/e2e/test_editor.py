"""Profiles in an editor: what the real YAML language server makes of `schema.json` alone."""

import contextlib
import itertools
import json
import re
import shutil
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.worker import ROOT
from tests.e2e.language_server import LanguageServer, language_server
from timing_profiles.catalog import source
from timing_profiles.catalog.schema import Schema

pytestmark = pytest.mark.behind

TEXT = (ROOT / "schema.json").read_text(encoding="utf-8")
SCHEMA = Schema(TEXT)
SECTIONS = sorted(SCHEMA.sections)
FIELDS = sorted(SCHEMA.fields)
STARTERS = sorted(path.name for path in (ROOT / "profiles").iterdir())
DEFAULT = source.read("default.yaml", (ROOT / "profiles" / "default.yaml").read_bytes())

MODELINE = "# yaml-language-server: $schema=../schema.json\n"

# Where the cursor is in a text.
CURSOR = "|"

# A line, what is marked in it, and the message.
Mark = tuple[str, str, str]


class Editor:
    """An editor that shows a repository with the starter profiles."""

    def __init__(self, server: LanguageServer, folder: Path, first_line: str) -> None:
        """Take a running server.

        Args:
            server: The server.
            folder: The repository.
            first_line: What each new profile begins with.
        """
        self.server = server
        self.profiles = folder / "profiles"
        self._first_line = first_line
        self._names = (f"new-{number}.yaml" for number in itertools.count(1))

    async def saves(self, text: str, path: Path | None = None) -> Path:
        """Save a text and show it: as a new profile, or in the place of a file."""
        path = path or self.profiles / next(self._names)
        _write(path, self._first_line + text)
        await self.server.open(path)
        return path

    async def marks(self, path: Path) -> list[Mark]:
        """What is marked in a file, from its top."""
        problems = await self.server.problems(path)
        lines = _lines(path)
        return [_mark(lines, problem) for problem in sorted(problems, key=_start)]

    async def offers(self, text: str) -> dict[str, Mapping[str, Any]]:
        """What is offered at the cursor, by label."""
        path = await self.saves(text.replace(CURSOR, ""))
        items = await self.server.completions(path, *_cursor(self._first_line + text))
        offered: dict[str, Mapping[str, Any]] = {item["label"]: item for item in items}
        assert len(offered) == len(items), "the same label twice"
        return offered

    async def says(self, text: str) -> str:
        """What is said of the word at the cursor."""
        path = await self.saves(text.replace(CURSOR, ""))
        return await self.server.hover(path, *_cursor(self._first_line + text))

    def accepted(self, text: str, offer: Mapping[str, Any]) -> str:
        """A text after an offer was accepted, as editors do it: with the line's indentation."""
        before, after = (self._first_line + text).replace(CURSOR, ""), offer["textEdit"]
        lines = before.split("\n")
        line = lines[after["range"]["start"]["line"]]
        indent = line[: len(line) - len(line.lstrip())]
        inserted = _without_stops(after["newText"]).replace("\n", f"\n{indent}")
        begin, end = (after["range"][edge]["character"] for edge in ("start", "end"))
        lines[after["range"]["start"]["line"]] = line[:begin] + inserted + line[end:]
        return "\n".join(lines)


@pytest.fixture(scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Editor]:
    """An editor that knows nothing of the repository: the first line of a profile has to do."""
    async with opened(tmp_path_factory.mktemp("repository"), {}, MODELINE) as shown:
        await shown.server.open(shown.profiles / "default.yaml")
        yield shown


@pytest.fixture(scope="module")
async def mapped_editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Editor]:
    """An editor with the settings of the repository; profiles have no first line."""
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    nested = {name.removeprefix("yaml."): value for name, value in settings.items()}
    async with opened(tmp_path_factory.mktemp("mapped"), nested, "") as shown:
        yield shown


@contextlib.asynccontextmanager
async def opened(
    folder: Path, settings: Mapping[str, Any], first_line: str
) -> AsyncGenerator[Editor]:
    """An editor with a copy of the starter profiles and their schema."""
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    shutil.copy(ROOT / "schema.json", folder)
    async with language_server(folder, settings) as server:
        yield Editor(server, folder, first_line)


async def test_starter_profiles_have_no_marks(editor: Editor) -> None:
    """A valid file has no marks."""
    files = [editor.profiles / name for name in STARTERS]
    for file in files:
        await editor.server.open(file)
    assert [mark for file in files for mark in await editor.marks(file)] == []


@pytest.mark.parametrize("section", SECTIONS)
async def test_section_offers_its_fields(editor: Editor, section: str) -> None:
    """Exactly those; each with its description, and none that is there already."""
    first, *others = SCHEMA.children(section)
    depth = "  " * (section.count(".") + 1)
    offered = await editor.offers(written(section, f"\n{depth}{CURSOR}\n"))
    assert list(offered) == [first, *others]
    assert {name: beside(offer) for name, offer in offered.items()} == {
        name: said_of(f"{section}.{name}") for name in [first, *others]
    }
    rest = await editor.offers(written(section, f"\n{depth}{first}:\n{depth}{CURSOR}\n"))
    assert list(rest) == others


async def test_top_of_a_file_offers_the_sections(editor: Editor) -> None:
    """With what a profile says of itself, in the order of the schema."""
    top = ["description", "extends", "overrides", *SCHEMA.children("")]
    assert list(await editor.offers(CURSOR)) == top


async def test_partial_key_is_completed(editor: Editor) -> None:
    """Also inside braces: the key, a colon, and the cursor behind it."""
    braces = f"turn_handling:\n  endpointing: {{max_delay: 4.0, mi{CURSOR}}}\n"
    block = f"turn_handling:\n  endpointing:\n    mi{CURSOR}\n"
    offer = (await editor.offers(block))["min_delay"]
    assert "min_delay" in await editor.offers(braces)
    assert editor.accepted(block, offer) == (
        f"{MODELINE}turn_handling:\n  endpointing:\n    min_delay: \n"
    )


@pytest.mark.parametrize("field", FIELDS)
async def test_field_offers_its_values(editor: Editor, field: str) -> None:
    """Its examples, and its words, `true` and `false`, `null` and `auto` where it takes them."""
    schema, types = SCHEMA.fields[field].schema, SCHEMA.fields[field].types
    words = schema.get("enum", ["auto"] if schema.get("pattern") == "^auto$" else [])
    fixed = {"boolean": ["true", "false"], "null": ["null"]}
    expected = {*words, *(word for kind in types for word in fixed.get(kind, []))}
    offered = await editor.offers(written(field, f" {CURSOR}\n"))
    values = [value_of(label) for label in offered]
    assert [example for example in schema["examples"] if example not in values] == []
    assert expected <= set(offered)
    assert {"true", "false", "null", "auto"} & set(offered) <= expected


@pytest.mark.parametrize("field", ["extends", "overrides.allow", *FIELDS])
async def test_every_completion_is_valid(editor: Editor, field: str) -> None:
    """A value that is accepted from the list makes a file without problems."""
    begun = written(field, f" {CURSOR}\n")
    for offer in (await editor.offers(begun)).values():
        assert problems(editor.accepted(begun, offer)) == []


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if "enum" in SCHEMA.fields[field].schema]
)
async def test_completion_shows_description(editor: Editor, field: str) -> None:
    """Each word of a field has its description, in the list and on hovering."""
    schema = SCHEMA.fields[field].schema
    meanings = dict(zip(schema["enum"], schema["enumDescriptions"], strict=True))
    offered = await editor.offers(written(field, f" {CURSOR}\n"))
    shown = plain(await editor.says(written(field, f" {CURSOR}{schema['enum'][0]}\n")))
    assert {name: beside(offer) for name, offer in offered.items()} == meanings
    assert "Allowed Values:\n\n" + "".join(f"* `{k}`: {v}\n" for k, v in meanings.items()) in shown


@pytest.mark.parametrize("around", ["\n    - {}\n", "\n    - vad\n    - {}\n", " [vad, {}]\n"])
async def test_policy_offers_every_field_and_section(editor: Editor, around: str) -> None:
    """The fields that metadata may change are chosen from a list, and inserted correctly."""
    begun = written("overrides.allow", around.format(CURSOR))
    offered = await editor.offers(begun)
    assert set(offered) == {"*", *SECTIONS, *FIELDS}
    assert problems(editor.accepted(begun, offered["*"])) == []
    assert problems(editor.accepted(begun, offered["turn_handling.endpointing"])) == []


@pytest.mark.parametrize("path", [*SECTIONS, *FIELDS])
async def test_hover_shows_the_description(editor: Editor, path: str) -> None:
    """On every key of default.yaml: where it stands, and the whole text of the schema."""
    key = DEFAULT.keys[tuple(path.split("."))]
    default = editor.profiles / "default.yaml"
    shown = plain(await editor.server.hover(default, key.line - 1, key.column - 1))
    section = path if path in SCHEMA.sections else path.rpartition(".")[0]
    assert shown.startswith(f"#### {section}\n\n{said_of(path)}\n\n")


async def test_hover_renders_readable_text(editor: Editor) -> None:
    """Section, text, examples, and a link to the schema."""
    shown = await editor.says(f"tts:\n  {CURSOR}speed: 1.0\n")
    schema_file = editor.profiles.parent / "schema.json"
    assert plain(shown) == (
        "#### tts\n\n"
        "How fast the agent talks, as a factor of the voice's own speed; null leaves it as it is. "
        "Too low, calls take long; too high, callers ask again. Only for Aura-2 voices "
        "in English and Spanish: Deepgram refuses it for others, and the agent stays silent. "
        "Takes effect from the agent's next speech.\n\n"
        "Example:\n\n```yaml\n0.9\n```\n\n"
        "Example:\n\n```yaml\n1.1\n```\n\n"
        "Example:\n\n```yaml\nnull\n```\n\n"
        f"Source: [schema.json]({schema_file.as_uri()})"
    )


async def test_typo_is_marked_on_its_line(editor: Editor) -> None:
    """Only the key is marked, and a fix offers the valid key."""
    endpointing = "turn_handling:\n  endpointing:\n    max_delay: 4.0\n    min_dely: 1.2\n"
    file = await editor.saves(f"description: x\n{endpointing}")
    assert await editor.marks(file) == [
        ("    min_dely: 1.2", "min_dely", "Property min_dely is not allowed.")
    ]
    (problem,) = await editor.server.problems(file)
    assert await editor.server.fixes(file, problem) == ["mode", "min_delay", "alpha"]


@pytest.mark.parametrize(
    ("line", "marked", "message"),
    [
        ("sst: {}", "sst", "Property sst is not allowed."),
        ("stt: {nova: {vad: {}}}", "vad", "Property vad is not allowed."),
        ("stt: {engine: nowa}", "nowa", 'Value is not accepted. Valid values: "nova", "flux".'),
        ("tts: {speed: 2}", "2", "Value is above the maximum of 1.5."),
        ("tts: {speed: fast}", "fast", "Incorrect type. Expected one of number, null."),
        ("tts: {speed: 12:30}", "12:30", "Incorrect type. Expected one of number, null."),
        ("tts:", "", 'Incorrect type. Expected "tts".'),
        (
            "stt: {nova: {utterance_end_ms: 500}}",
            "500",
            "Value is below the minimum of 1000.",
        ),
        (
            "stt: {nova: {no_delay: yes}}",
            "yes",
            'Incorrect type. Expected "boolean".',
        ),
        (
            "stt: {nova: {model: flux-general-en}}",
            "flux-general-en",
            "Expected the name of a Nova model, such as nova-3.",
        ),
        (
            "session: {aec_warmup_duration: automatic}",
            "automatic",
            "Expected a number, null or auto.",
        ),
        (
            "turn_detector: {unlikely_threshold: null}",
            "null",
            "Expected a number, a mapping from languages to numbers, or auto.",
        ),
        (
            "turn_detector: {unlikely_threshold: {en: 3}}",
            "3",
            "Value is above the maximum of 1.",
        ),
        (
            "turn_handling: {interruption: {backchannel_boundary: [1.0]}}",
            "[1.0]",
            "Array has too few items. Expected 2 or more.",
        ),
        (
            "extends: Patient",
            "Patient",
            "Expected the name of a profile: lowercase letters, digits and hyphens.",
        ),
        (
            "overrides: {allow: [turn-handling]}",
            "turn-handling",
            'Expected the dotted name of a field or of a section, or "*".',
        ),
    ],
)
async def test_mistake_is_marked(editor: Editor, line: str, marked: str, message: str) -> None:
    """Only the invalid value is marked, and the message has the allowed ones."""
    file = await editor.saves(f"description: x\n{line}\n")
    assert await editor.marks(file) == [(line, marked, message)]


async def test_marks_follow_the_typing(editor: Editor) -> None:
    """A mistake is marked as soon as it is there, and no longer than that."""
    file = await editor.saves("tts: {speed: 0.9}\n")
    assert await editor.marks(file) == []
    await editor.saves("tts: {sped: 0.9}\n", file)
    assert [marked for _, marked, _ in await editor.marks(file)] == ["sped"]
    await editor.saves("tts: {speed: 0.9}\n", file)
    assert await editor.marks(file) == []


async def test_workspace_settings_match_modeline(
    mapped_editor: Editor,
) -> None:
    """A profile without that line is completed, explained and checked all the same."""
    endpointing = "turn_handling:\n  endpointing:\n    "
    offered = await mapped_editor.offers(f"{endpointing}{CURSOR}\n")
    shown = await mapped_editor.says(f"{endpointing}min_{CURSOR}delay: 1.2\n")
    file = await mapped_editor.saves(f"{endpointing}min_dely: 1.2\n")
    assert list(offered) == SCHEMA.children("turn_handling.endpointing")
    assert said_of("turn_handling.endpointing.min_delay") in plain(shown)
    assert await mapped_editor.marks(file) == [
        ("    min_dely: 1.2", "min_dely", "Property min_dely is not allowed.")
    ]


async def test_workspace_settings_apply_to_profiles_only(mapped_editor: Editor) -> None:
    """Other YAML of the repository is left in peace."""
    other = mapped_editor.profiles.parent / "compose.yaml"
    await mapped_editor.saves("services: {}\n", other)
    assert await mapped_editor.marks(other) == []


def written(path: str, end: str) -> str:
    """A profile with one key, and what stands behind its colon."""
    keys = path.split(".")
    return "\n".join(f"{'  ' * depth}{key}:" for depth, key in enumerate(keys)) + end


def said_of(path: str) -> str:
    """The schema's description of a section or a field."""
    found = json.loads(TEXT)
    for key in path.split("."):
        found = found["properties"][key]
    return str(found["description"])


def problems(text: str) -> list[object]:
    """What the library has to say of a profile."""
    read = source.read("new.yaml", text.encode())
    return [*read.problems, *SCHEMA.document_problems(read.data)]


def beside(offer: Mapping[str, Any]) -> str:
    """What an editor shows beside an offer."""
    shown = offer["documentation"]
    return str(shown["value"] if isinstance(shown, dict) else shown)


def value_of(label: str) -> object:
    """The value that an offer stands for."""
    try:
        return json.loads(label)
    except json.JSONDecodeError:
        return label


def plain(markdown: str) -> str:
    """Markdown without its escapes."""
    return re.sub(r"\\([\\`*_{}\[\]#+!])", r"\1", markdown)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")


def _start(problem: Mapping[str, Any]) -> tuple[int, int]:
    start = problem["range"]["start"]
    return start["line"], start["character"]


def _mark(lines: list[str], problem: Mapping[str, Any]) -> Mark:
    start, end = problem["range"]["start"], problem["range"]["end"]
    assert start["line"] == end["line"]
    line = lines[start["line"]]
    return line, line[start["character"] : end["character"]], problem["message"]


def _cursor(text: str) -> tuple[int, int]:
    before = text.partition(CURSOR)[0]
    return before.count("\n"), len(before) - before.rfind("\n") - 1


def _without_stops(snippet: str) -> str:
    """A snippet without the places where an editor lets the cursor stop."""
    return re.sub(r"\$(\d+|\{\d+:?([^}]*)\})", lambda stop: stop[2] or "", snippet)
