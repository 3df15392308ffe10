"""A set of profiles whose every text is a stranger's, and the output of the commands for it."""

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from timing_profiles import cli

ROOT = Path(__file__).parents[1]

NAME = "hostile"
"""The profile of a stranger."""

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "check": ("text", "json", "github"),
    "list": ("text", "json"),
    "show hostile": ("text", "json", "yaml"),
    "diff default hostile": ("text", "json", "markdown"),
    "explain": ("text", "json", "markdown"),
    "explain stt.engine": ("text", "json", "markdown"),
    "metadata-schema": ("text", "json"),
    "timeline default hostile": ("text", "svg", "json"),
}

# The codes that `Style` adds.
COLOURS = re.compile("\x1b\\[(?:0|1|2|36|1;31|1;33)m")


def written_by(stranger: str, schema: Any) -> Any:
    """Return a schema in which each text for people is somebody else's."""
    if isinstance(schema, list):
        return [written_by(stranger, inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    texts = {
        key: stranger if key == "description" else f"Expected {stranger}."
        for key in ("description", "errorMessage")
        if isinstance(schema.get(key), str)
    }
    meanings = {"enumDescriptions": [stranger] * len(schema["enum"])} if "enum" in schema else {}
    return {key: written_by(stranger, inner) for key, inner in schema.items()} | texts | meanings


def lay_out(directory: Path, stranger: str, *, broken: bool) -> None:
    """Write a set whose schema and profiles hold a text at every place that takes one."""
    (directory / "profiles").mkdir(parents=True)
    shutil.copy(ROOT / "profiles" / "default.yaml", directory / "profiles")
    schema = written_by(stranger, json.loads((ROOT / "schema.json").read_text(encoding="utf-8")))
    (directory / "schema.json").write_text(json.dumps(schema))
    text = json.dumps(stranger)
    profile = f"description: {text}\nstt: {{nova: {{endpointing_ms: 400}}}}\n"
    if broken:
        profile += f"{text}: 1\ntts: {{speed: {text}}}\nextends: {text}\n"
        profile += f"turn_handling: {{turn_detection: {text}}}\nvad: {{sample_rate: 5}}\n"
        name = re.sub("[/\0]", "", stranger)[:60]  # a file name may have 255 bytes
        (directory / "profiles" / f"{name}x.yaml").write_text("vad: 1\n")
    (directory / "profiles" / "hostile.yaml").write_text(profile)


def run(command: str, form: str) -> tuple[int, str, str]:
    """Run a command in a form; its status, and its output on stdout and stderr."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = cli.main([*command.split(), "--format", form])
    return status, out.getvalue(), err.getvalue()


def printed(command: str, form: str) -> tuple[str, str]:
    """Return the output of a command in a form, on stdout and stderr."""
    _, out, err = run(command, form)
    return out, err


def obeyed(text: str, form: str) -> list[str]:
    """Return the lines that a terminal or GitHub's runner would obey."""
    own = "::(error|warning) file=" if form == "github" else r"(?!)"
    return [
        line
        for line in COLOURS.sub("", text).split("\n")
        if not line.isprintable()
        or ((line.strip().startswith("::") or "##[" in line) and not re.match(own, line))
    ]
