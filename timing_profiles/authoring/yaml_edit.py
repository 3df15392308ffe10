"""Set one value in the text of a YAML file, and leave every other character as it is.

The parser's marks say where a value stands; only that text is replaced, or a line is added. The
caller reads the result back: a file of unusual style is refused then, not damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

_BYTE_ORDER_MARK = "\ufeff"
_INDENT = 2

# The characters that end a line for PyYAML.
_LINE_END = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]|\Z")


class CannotEdit(ValueError):
    """The text is of a style that is not edited; the text is one message for people."""


def scalar(value: Any, *, in_flow: bool = False) -> str:
    """Return a value on one line, such as `1.5`, `auto` or `[1.0, 1.0]`.

    Args:
        value: The value.
        in_flow: Whether it stands in braces or brackets, where more text needs quotes.
    """
    dumped: str = yaml.safe_dump(
        [value] if in_flow else value,
        default_flow_style=True,
        width=float("inf"),
        allow_unicode=True,
    )
    dumped = dumped.removesuffix("\n").removesuffix("\n...").strip()
    return dumped[1:-1] if in_flow else dumped


def paths(text: str) -> set[str]:
    """Return the dotted paths of all keys in a text, those of sections included.

    Raises:
        CannotEdit: The text is not YAML.
    """
    return set(_paths(_composed(text.removeprefix(_BYTE_ORDER_MARK)), ""))


def _paths(mapping: MappingNode, above: str) -> Iterator[str]:
    for key, value in mapping.value:
        path = f"{above}{_key(key)}"
        yield path
        if isinstance(value, MappingNode):
            yield from _paths(value, f"{path}.")


def set_value(text: str, keys: Sequence[str], value: Any, comment: str = "") -> str:
    """Return a text with one value changed or added.

    Args:
        text: A YAML document with a mapping at the top.
        keys: The keys that lead to the value.
        value: The value.
        comment: What a new line says about it; a changed value keeps the comment that it has.

    Raises:
        CannotEdit: The text is not YAML, or the place of the value is of an unusual style.
    """
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    text = text.removeprefix(mark)
    above = _composed(text)
    for depth, key in enumerate(keys):
        entry = next((entry for entry in above.value if _key(entry[0]) == key), None)
        if entry is None:
            return mark + _added(text, above, keys[depth:], value, comment)
        if depth == len(keys) - 1:
            return mark + _replaced(text, entry, value, in_flow=bool(above.flow_style))
        if not isinstance(entry[1], MappingNode):
            raise CannotEdit(f"{'.'.join(keys[: depth + 1])} is not a mapping")
        above = entry[1]
    raise CannotEdit("no key was given")


def _composed(text: str) -> MappingNode:
    try:
        # Not by libyaml, whose marks count bytes in some releases.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise CannotEdit(f"invalid YAML: {error}") from None
    if not isinstance(root, MappingNode):
        raise CannotEdit("not a mapping at the top")
    return root


def _key(node: Node) -> str:
    return node.value if isinstance(node, ScalarNode) else ""


def _replaced(text: str, entry: tuple[Node, Node], value: Any, *, in_flow: bool) -> str:
    key, node = entry
    new = scalar(value, in_flow=in_flow)
    start, end = node.start_mark.index, _end(node)
    if isinstance(node, CollectionNode) and not node.flow_style:
        # A list or mapping over several lines becomes one line, from the colon on.
        colon = text.index(":", key.end_mark.index)
        if "#" in text[colon:end]:
            raise CannotEdit(f"{_key(key)} is written over several lines with comments in between")
        return f"{text[: colon + 1]} {new}{text[end:]}"
    if isinstance(node, ScalarNode) and node.style in {"|", ">"}:
        if "#" in text[start : _after_line(text, start)[0]]:
            raise CannotEdit(f"{_key(key)} is a block of text with a comment")
        return text[:start] + new + _break_before(text, end) + text[end:]
    space = " " if start == end else ""  # nothing stands there: `key:`
    return text[:start] + space + new + text[end:]


def _break_before(text: str, end: int) -> str:
    """Return the line break that a block of text ended with."""
    return _line_break(text) if text[:end].endswith(("\n", "\r")) else ""


def _added(text: str, above: MappingNode, keys: Sequence[str], value: Any, comment: str) -> str:
    if above.flow_style:
        return _added_in_flow(text, above, keys, value)
    if not above.value:
        raise CannotEdit("an empty mapping")
    first, _ = above.value[0]
    indent = first.start_mark.column
    lines = [*_lines(keys, value, comment, indent)]
    end = _end(above.value[-1][1])
    at, has_break = _after_line(text, end)
    if not indent and len(keys) > 1:
        lines.insert(0, "")  # a new section
    line_break = _line_break(text)
    added = line_break.join(lines)
    if has_break:
        return f"{text[:at]}{added}{line_break}{text[at:]}"
    return f"{text[:at]}{line_break}{added}{text[at:]}"


def _lines(keys: Sequence[str], value: Any, comment: str, indent: int) -> Iterator[str]:
    *sections, name = keys
    for depth, section in enumerate(sections):
        yield f"{' ' * (indent + depth * _INDENT)}{section}:"
    about = f" # {comment}" if comment else ""
    yield f"{' ' * (indent + len(sections) * _INDENT)}{name}: {scalar(value)}{about}"


def _added_in_flow(text: str, above: MappingNode, keys: Sequence[str], value: Any) -> str:
    *sections, name = keys
    added = f"{name}: {scalar(value, in_flow=True)}"
    for section in reversed(sections):
        added = f"{section}: {{{added}}}"
    if above.value:
        at = _end(above.value[-1][1])
        added = f", {added}"
    else:
        at = above.start_mark.index + 1
    return text[:at] + added + text[at:]


def _end(node: Node) -> int:
    """Return where a node ends; a block ends with its last value, not with the comments below."""
    if not isinstance(node, CollectionNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _after_line(text: str, at: int) -> tuple[int, bool]:
    """Return where the line of a place ends, after its line break, and whether it has one."""
    if at and text[at - 1] in "\r\n\x85\u2028\u2029":  # a block of text ends with its line
        return at, True
    found = _LINE_END.search(text, at)
    end = found.end() if found else len(text)
    return end, bool(found and found.group())


def _line_break(text: str) -> str:
    """Return the line break that a text uses."""
    found = _LINE_END.search(text)
    return found.group() if found and found.group() else "\n"
