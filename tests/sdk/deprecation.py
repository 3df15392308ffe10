"""Which options the SDK's own source calls deprecated.

Nothing says so at run time in one way, and most of it cannot be seen there at all. So this reads
what a person would: comments, documentation, decorators and the texts of warnings.
"""

import ast
import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, TypeAlias

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_Option: TypeAlias = ast.arg | ast.AnnAssign

# "Deprecated, use y", "Seconds. Deprecated.", "x and y are deprecated"; not "for the deprecated x".
_SAYS_SO = re.compile(r"(?:^|[:.;]\s+|\.\. |\b(?:is|are)\s+(?:now\s+)?)deprecated\b", re.IGNORECASE)

# A whole class or function: by its summary, or by Sphinx's directive on a line of its own.
_IS_ITSELF = re.compile(r"\A\s*deprecated\b|^\s*\.\. deprecated::", re.IGNORECASE | re.MULTILINE)

# The head of one argument in a docstring: `name:` or `name (type):`.
_ARGUMENT = re.compile(r"^ *(\w+)(?: \(.*\))?:", re.MULTILINE)


def deprecated(target: Callable[..., Any]) -> frozenset[str]:
    """The deprecated options of a function, which are its parameters, or the keys of a TypedDict.

    Raises:
        OSError: Its source is not there.
        LookupError: It is not found in its source.
    """
    module = inspect.getmodule(target)
    if module is None:
        raise LookupError(f"{target.__qualname__} is in no module")
    lines, tree = _parsed(module)
    *outer, node = _definitions(tree, target.__qualname__)
    options = dict(_options(node))
    if any(_is_itself(each) for each in (*outer, node)):
        return frozenset(options)
    found = {*_commented(options, node.lineno, lines), *_documented(node)}
    if not isinstance(node, ast.ClassDef):
        found |= {*_decorated(node), *_warned_of(node)}
    return frozenset(found & options.keys())


@functools.cache
def _parsed(module: ModuleType) -> tuple[list[str], ast.Module]:
    source = inspect.getsource(module)
    return source.splitlines(), ast.parse(source)


def _definitions(tree: ast.AST, qualified: str) -> Iterator[_Function | ast.ClassDef]:
    """Those of each name in `Class.function`, the outer one first."""
    for name in qualified.split("."):
        named = [
            node
            for node in ast.walk(tree)
            if isinstance(node, _Function | ast.ClassDef) and node.name == name
        ]
        if not named:
            raise LookupError(f"{name} is not in the source of its module")
        tree = named[-1]  # those before it are overloads
        yield named[-1]


def _options(node: _Function | ast.ClassDef) -> Iterator[tuple[str, _Option]]:
    if not isinstance(node, ast.ClassDef):
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            yield argument.arg, argument
        return
    for key in node.body:
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name):
            yield key.target.id, key


def _is_itself(node: _Function | ast.ClassDef) -> bool:
    decorators = (_name(decorator) for decorator in node.decorator_list)
    head = (ast.get_docstring(node) or "").partition("Args:")[0]
    return "deprecated" in decorators or _IS_ITSELF.search(head) is not None


def _commented(options: Mapping[str, _Option], first: int, lines: list[str]) -> Iterator[str]:
    """Those with the word beside them, or in the last comment on a line of its own above them."""
    for name, option in options.items():
        beside = lines[(option.end_lineno or option.lineno) - 1].partition("#")[2]
        above = (line.strip() for line in reversed(lines[first : option.lineno - 1]))
        heading = next((line for line in above if line.startswith("#")), "")
        if any(_SAYS_SO.search(comment.strip("# ")) for comment in (beside, heading)):
            yield name


def _documented(node: _Function | ast.ClassDef) -> Iterator[str]:
    """Those whose part of the docstring says so, or the text below a key."""
    _, *arguments = _ARGUMENT.split(ast.get_docstring(node) or "")
    for name, text in zip(arguments[::2], arguments[1::2], strict=True):
        if _SAYS_SO.search(text.strip()):
            yield name
    for key, below in itertools.pairwise(node.body):
        texts = _texts(below) if isinstance(below, ast.Expr) else ()
        if isinstance(key, ast.AnnAssign) and any(_SAYS_SO.search(text.strip()) for text in texts):
            yield ast.unparse(key.target)


def _decorated(node: _Function) -> Iterator[str]:
    """The keys of the mapping that a decorator takes: livekit's `@deprecate_params({...})`."""
    for decorator in node.decorator_list:
        if "deprecate" in _name(decorator):
            for mapping in (part for part in ast.walk(decorator) if isinstance(part, ast.Dict)):
                yield from (text for key in mapping.keys if key for text in _texts(key))


def _warned_of(node: _Function) -> Iterator[str]:
    """What a text in the body names before it says the word: "`x` is deprecated, use ..."."""
    for statement in node.body[1:] if ast.get_docstring(node) else node.body:
        for text in _texts(statement):
            if said := _SAYS_SO.search(text):
                yield from re.findall(r"\w+", text[: said.start()])


def _name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).rpartition(".")[-1]


def _texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
