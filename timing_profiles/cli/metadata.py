"""`metadata-schema`: print the metadata that a client may send."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from timing_profiles.authoring.explanation import Explanation, explain_field
from timing_profiles.authoring.metadata_schema import metadata_schema
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.cli import chosen, terminal
from timing_profiles.cli.output import print_json, print_text
from timing_profiles.resolution import request


def run(name: str | None, form: str) -> int:
    """Print the metadata that a client may send with one profile, or with any.

    Args:
        name: The profile; None for all.
        form: `json` for a JSON Schema, or `text`.

    Returns:
        0.
    """
    request.check_metadata_key()
    if name is None:
        found = chosen.profiles()
        names = found.names()
    else:
        found = chosen.profiles_with(name)
        names = [chosen.profile(found, name).name]
    if form == "json":
        print_json(metadata_schema(found, None if name is None else names[0]))
    else:
        print_text("\n".join(_lines(found, names)))
    return 0


def _lines(found: Catalog, names: Sequence[str]) -> Iterator[str]:
    look = terminal.style(sys.stdout)
    yield look.wrapped(f"profile: {', '.join(names)}")
    known = [explain_field(found, field) for field in found.schema.fields.values()]
    open_fields = [field for field in known if set(field.open_in) & set(names)]
    rows = [(field.field, _takes(field), _where(field, names)) for field in open_fields]
    yield "overrides:" if rows else "overrides: none allowed"
    for section, inner in terminal.by_section(rows):
        yield look.bold(section)
        indent = " " * (6 + max(len(name) for name, *_ in inner))
        yield from (look.wrapped(line, "  ", indent) for line in terminal.lines(inner))


def _takes(field: Explanation) -> str:
    unit = f" ({field.unit})" if field.unit else ""
    return f"{field.allowed}{f', {field.range}' if field.range else ''}{unit}"


def _where(field: Explanation, names: Sequence[str]) -> str:
    within = [name for name in names if name in field.open_in]
    return "" if len(within) == len(names) else f"in {', '.join(within)}"
