"""`explain`: print the facts about fields."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from timing_profiles.authoring import reference
from timing_profiles.authoring.explanation import LIVE, Explanation, explain_field
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.cli import chosen, terminal
from timing_profiles.cli.output import print_json, print_text, with_unit
from timing_profiles.cli.terminal import Style

_INDENT = " " * 19


def run(path: str | None, form: str) -> int:
    """Print the facts about a field, the fields of a section, or all fields.

    Args:
        path: A dotted path; None for all fields.
        form: `text`, `json`, or `markdown` for a page about them.

    Returns:
        0.
    """
    found = chosen.readable()
    one = path in found.schema.fields
    if path is not None and not one and path not in found.schema.sections:
        chosen.field(found, path)
    within = (
        name for name in found.schema.fields if f"{name}.".startswith(f"{path}." if path else "")
    )
    all_known = [explain_field(found, found.schema.fields[name]) for name in within]
    if form == "json":
        print_json(all_known[0].to_json() if one else [known.to_json() for known in all_known])
    elif form == "markdown":
        print_text(reference.page(found, all_known), end="")
    else:
        look = terminal.style(sys.stdout)
        print_text(
            "\n".join(
                _lines(found, all_known[0], look) if one else _overview(found, all_known, look)
            )
        )
    return 0


def _lines(found: Catalog, known: Explanation, look: Style) -> Iterator[str]:
    yield look.bold(known.field)
    yield look.wrapped(known.description)
    yield ""
    for name, fact in _facts(found, known):
        if fact:
            yield look.dim(f"{name:19}") + look.wrapped(fact, _INDENT, _INDENT).lstrip()


def _facts(found: Catalog, known: Explanation) -> Iterator[tuple[str, str]]:
    def shown(value: object) -> str:
        return with_unit(found.schema, known.field, value)

    yield "takes", known.allowed
    yield from (("", f"{word}: {meaning}") for word, meaning in known.choices.items())
    yield "bounds", known.range
    yield "unit", known.unit
    yield "default", shown(known.default) if known.has_default else ""
    yield "examples", ", ".join(shown(value) for value in known.examples)
    yield "in a running call", LIVE.get(known.live, known.live)
    for at, reason in enumerate(known.no_effect_when):
        yield "" if at else "no effect", reason
    in_every = not found.errors and len(known.open_in) == len(found.layers)
    never = "" if found.errors else "never"
    open_in = "in every profile" if in_every else ", ".join(known.open_in) or never
    yield "metadata may set", open_in
    for at, setting in enumerate(known.set_by):
        place = f"{setting.profile}: {shown(setting.value)}  ({setting.origin})"
        yield "" if at else "set by", place


def _overview(found: Catalog, fields: Sequence[Explanation], look: Style) -> Iterator[str]:
    rows = [
        (
            known.field,
            with_unit(found.schema, known.field, known.default) if known.has_default else "",
            known.description,
        )
        for known in fields
    ]
    for section, inner in terminal.by_section(rows):
        yield look.bold(section)
        used = 6 + sum(max(len(row[at]) for row in inner) for at in (0, 1))
        cut = [(name, default, look.cut(text, used)) for name, default, text in inner]
        yield from (f"  {line}" for line in terminal.lines(cut))
