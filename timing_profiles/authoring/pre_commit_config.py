"""Add the hook that checks profiles to a configuration of pre-commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

FILE_NAME = ".pre-commit-config.yaml"

_ID = "timing-profiles"

# An invalid date is a ValueError.
_UNREADABLE = (yaml.YAMLError, ValueError, RecursionError)


def hook(entry: str) -> str:
    """Return the lines of the hook, for `repos`.

    Args:
        entry: The command that it runs.
    """
    return f"""\
- repo: local
  hooks:
    - id: {_ID}
      name: timing profiles
      entry: {entry}
      language: system
      pass_filenames: false
      always_run: true
"""


def new(entry: str) -> str:
    """Return a configuration with this hook only."""
    return f"repos:\n{_indented(hook(entry), '  ')}"


def to_add(text: str, entry: str) -> str:
    """Return the lines that a person has to add to a configuration."""
    try:
        found = yaml.safe_load(text)
    except _UNREADABLE:
        found = {"repos": []}
    has_repos = isinstance(found, dict) and "repos" in found
    return hook(entry) if has_repos else new(entry)


def has_hook(text: str) -> bool:
    """Return whether a configuration has such a hook, from any repository."""
    try:
        found = yaml.safe_load(text)
    except _UNREADABLE:
        return False
    return any(
        isinstance(known, dict) and (known.get("id") == _ID or _ID in str(known.get("entry")))
        for known in _hooks(found)
    )


def with_hook(text: str, entry: str) -> str | None:
    """Add the hook at the end of `repos`, and change nothing else.

    Returns:
        The configuration; None where that cannot be done safely.
    """
    try:
        before = yaml.safe_load(text)
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    except _UNREADABLE:
        return None
    if before is None:
        start = f"{text}\n" if text and not text.endswith("\n") else text
        changed = start + new(entry)
        return changed if _is(changed, yaml.safe_load(new(entry))) else None
    repos = before.get("repos") if isinstance(before, dict) else None
    if not isinstance(repos, list) or not repos:
        return None
    values = [value for key, value in node.value if key.value == "repos"]
    if len(values) != 1:  # a duplicate key, or a merge key
        return None
    (sequence,) = values
    lines = text.splitlines(keepends=True)
    indent = re.match(r" *(?=- +\S)", lines[sequence.value[0].start_mark.line])
    if not indent:
        return None
    after = _line_after(sequence)
    newline = "\r\n" if lines[0].endswith("\r\n") else "\n"
    head = "".join(lines[:after])
    if not head.endswith("\n"):
        head += newline
    added = _indented(hook(entry), indent.group()).replace("\n", newline)
    changed = "".join((head, added, *lines[after:]))
    # Marks are unreliable for aliases and unusual scalars: the result is compared.
    expected = {**before, "repos": [*repos, *yaml.safe_load(hook(entry))]}
    return changed if _is(changed, expected) else None


def _hooks(config: Any) -> Iterator[Any]:
    repos = config.get("repos") if isinstance(config, dict) else None
    for repo in repos if isinstance(repos, list) else ():
        hooks = repo.get("hooks") if isinstance(repo, dict) else None
        yield from hooks if isinstance(hooks, list) else ()


def _line_after(node: Any) -> int:
    """Return the number of the line after a node; comments are not part of it."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    mark = node.end_mark
    # The mark of a text in block style is at the start of the line after it.
    return int(mark.line if mark.column == 0 else mark.line + 1)


def _is(text: str, expected: Any) -> bool:
    try:
        return bool(yaml.safe_load(text) == expected)
    except _UNREADABLE:
        return False


def _indented(text: str, indent: str) -> str:
    return "".join(f"{indent}{line}" for line in text.splitlines(keepends=True))
