"""`show`: print one merged profile: the effects for callers, and the place of each value."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.cli import chosen, terminal
from timing_profiles.cli.output import print_json, print_problems, print_text, with_unit
from timing_profiles.cli.terminal import Style
from timing_profiles.profile import DEFAULT
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns import dead_settings, part_waits, summary, wait
from timing_profiles.turns.wait import Wait

_PARTS = {part_waits.ASSEMBLYAI: "AssemblyAI", part_waits.REALTIME: "a realtime model"}


def run(name: str, metadata: str, form: str) -> int:
    """Print the settings of a call with a profile and metadata.

    Args:
        name: The profile for metadata that names none.
        metadata: The participant's metadata; may be empty.
        form: `text`, `json`, or `yaml` for a complete profile.

    Returns:
        0.
    """
    request.check_metadata_key()
    requested = request.read(metadata, "participant").profile
    found = chosen.profiles_with(*filter(None, (name, requested)))
    profile = chosen.profile(found, name).name
    shown = settings.resolve(found, request.layers(profile, metadata=metadata))
    if form == "json":
        print_json(_to_json(shown))
        return 0
    if form == "yaml":
        from timing_profiles.authoring import profile_file

        allow = chosen.profile(found, shown.profile).allow
        print_text(profile_file.text(shown, allow, chosen.profile(found, DEFAULT)), end="")
    else:
        print_text("\n".join(_lines(found, shown, terminal.style(sys.stdout))))
    print_problems(shown.problems, sys.stderr)
    return 0


def _to_json(shown: Settings) -> dict[str, Any]:
    beside = part_waits.effective(shown.values)
    waits = {"wait_with": {part: found.to_json() for part, found in beside.items()}}
    return {
        "profile": shown.profile,
        "revision": shown.revision,
        "values": dict(shown.values),
        "origins": dict(shown.origins),
        "wait": wait.effective(shown.values).to_json(),
        **(waits if beside else {}),
        "notices": summary.sentences(shown.values),
        "problems": [problem.to_json() for problem in shown.problems],
    }


def _lines(found: Catalog, shown: Settings, look: Style) -> Iterator[str]:
    layer = found.layers[shown.profile]
    # An invalid set has no revision: it is never active.
    revision = f", revision {shown.revision}" if shown.revision else ""
    yield f"{look.bold(shown.profile)}{revision}"
    if layer.description:
        yield look.wrapped(layer.description)
    yield f"\n{look.bold('What a caller notices')}"
    for sentence in summary.sentences(shown.values):
        yield look.wrapped(sentence, "- ", "  ")
    yield f"\n{look.bold('The wait')}"
    yield from _wait(wait.effective(shown.values), look)
    for part, found_wait in part_waits.effective(shown.values).items():
        is_known = not found_wait.formula.startswith(part_waits.UNKNOWN)
        sum_of = f"{found_wait} = " if is_known else ""
        yield look.wrapped(f"with {_PARTS[part]}: {sum_of}{found_wait.formula}", later="  ")
    yield f"\n{look.bold('Values')} (* not the default's, - no effect here)"
    yield from _values(found, shown, look)


def _wait(waits: Wait, look: Style) -> Iterator[str]:
    yield look.wrapped(f"{waits} = {waits.formula}", later="  ")
    parties = " and ".join(name.capitalize() for name in waits.unknown)
    yield look.wrapped(
        f"from the caller's last sound to the decision to answer; the time of {parties}, the"
        " network, the LLM and the voice comes on top"
    )


def _values(found: Catalog, shown: Settings, look: Style) -> Iterator[str]:
    dead = dead_settings.reasons(shown.values, shown.values)
    rows = [
        (path, with_unit(found.schema, path, value), shown.origins[path])
        for path, value in shown.values.items()
    ]
    for section, inner in terminal.by_section(rows):
        yield look.bold(section)
        for (name, *_), line in zip(inner, terminal.lines(inner), strict=True):
            path = f"{section}.{name}"
            is_changed, is_dead = path in shown.changed, path in dead
            paint = look.changed if is_changed else look.dim if is_dead else str
            yield paint(f"{'*' if is_changed else ' '}{'-' if is_dead else ' '} {line}")
