"""Write the reference of all fields, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from timing_profiles.authoring.explanation import LIVE, Explanation
from timing_profiles.authoring.markdown import code, words
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.problems import listed, quoted
from timing_profiles.profile import DEFAULT

_LIKE = "text like "  # a pattern follows


def page(found: Catalog, fields: Sequence[Explanation]) -> str:
    """Write a reference of fields, with a heading for each section and each field."""
    return "\n".join([*_head(), *_sections(found, fields)])


def _head() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield (
        "Every field of a timing profile, made from `schema.json` and `profiles/default.yaml` by"
        " `timing-profiles explain --format markdown`."
    )
    yield (
        "`null` is off, `auto` leaves the decision to the SDK. A policy that opens a field lets"
        " metadata change it."
    )
    yield ""


def _sections(found: Catalog, fields: Sequence[Explanation]) -> Iterator[str]:
    section = ""
    for known in fields:
        parent = known.field.rpartition(".")[0]
        if parent != section:
            section = parent
            yield from _section(found, parent)
        yield from _field(found, known)


def _section(found: Catalog, path: str) -> Iterator[str]:
    yield f"## {code(path)}"
    yield ""
    text = words(found.schema.description(path))
    if text:
        yield text
        yield ""


def _field(found: Catalog, known: Explanation) -> Iterator[str]:
    yield f"### {code(known.field)}"
    yield ""
    yield words(known.description)
    yield ""
    for name, fact in _facts(found, known):
        if fact:
            yield f"- {name}: {fact}"
        if name == "takes":
            for word, text in known.choices.items():
                yield f"  - {code(word)}: {words(text)}"
    yield ""


def _facts(found: Catalog, known: Explanation) -> Iterator[tuple[str, str]]:
    unit = f" ({words(known.unit)})" if known.unit else ""
    kind, like, pattern = known.allowed.partition(_LIKE)
    takes = f"{words(kind + like)} {code(pattern)}" if like else words(kind)
    yield "takes", ", ".join(part for part in (f"{takes}{unit}", known.range) if part)
    yield "default", code(quoted(known.default)) if known.has_default else ""
    yield "examples", ", ".join(code(quoted(value)) for value in known.examples)
    yield "in a running call", LIVE.get(known.live) or words(known.live)
    # The policies of invalid profiles are unknown.
    yield "metadata", "" if found.errors and not known.open_in else _policy(known)
    yield "no effect", "; ".join(known.no_effect_when)


def _policy(known: Explanation) -> str:
    if DEFAULT in known.open_in:
        return f"may change it in `{DEFAULT}`"
    return f"may change it in {listed(known.open_in)} only" if known.open_in else "never changes it"
