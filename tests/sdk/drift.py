"""What has changed in the options of the SDK, as a text for people."""

from collections.abc import Iterator, Mapping, Sequence

from tests.sdk.known import PATH

KNOWN = "/".join(PATH.parts[-3:])
"""The file that has to change with the SDK, as people name it."""

_GONE = "-"
_BY_NAME = "(its name)"

_WHAT_TO_DO = f"""\
Put what is there now into {KNOWN}; what has moved, into tests/sdk/installed.py. A new
option becomes a field of schema.json too, or is left out with a reason; the field of an option
that is gone goes as well."""


def drift(
    known: Mapping[str, str | None], now: Mapping[str, str], unreadable: Mapping[str, str]
) -> str:
    """What is not as it was known, and what to do about it; empty where there is nothing.

    Args:
        known: Option -> how it is written, or None where only its name matters.
        now: Option -> how it is written now.
        unreadable: What of the SDK cannot be read -> why. That its options are gone goes unsaid.
    """
    lost = tuple(f"{owner}." for owner in unreadable)
    seen = {name: known[name] for name in known if name in now or not name.startswith(lost)}
    changes = sorted(_changes(seen, now))
    if not changes and not unreadable:
        return ""
    rows = [table(("option", "known", "now"), changes)] if changes else []
    head = f"The SDK is not as {KNOWN} has it:"
    return "\n\n".join([head, *rows, *_reasons(unreadable), _WHAT_TO_DO])


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns, each as wide as it has to be."""
    lines = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _changes(
    known: Mapping[str, str | None], now: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for name in known.keys() | now.keys():
        before = known.get(name, _GONE)
        after = now.get(name, _GONE)
        if before is None:
            before, after = _BY_NAME, _BY_NAME if name in now else _GONE
        if before != after:
            yield name, before, after


def _reasons(unreadable: Mapping[str, str]) -> Iterator[str]:
    """One for each cause: a package that cannot be imported takes all that is in it along."""
    for why in dict.fromkeys(unreadable.values()):
        owners = ", ".join(owner for owner, cause in unreadable.items() if cause == why)
        yield f"Cannot be read: {owners}.\n{why}"
