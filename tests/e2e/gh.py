"""GitHub's command line, as far as the example workflow uses it, on comments that lie in a file.

The calls and the filter are those that the real `gh` 2.23 was given, against a server that pages.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

COMMENTS = "COMMENTS"
"""The environment variable that names the file: a JSON list, as GitHub's interface gives it."""

BOT = "github-actions[bot]"

_ISSUES = "repos/acme/agent/issues"
_MARKER = "<!-- timing-profiles -->"
_OURS = f'.[] | select(.user.login == "{BOT}") | select(.body | startswith("{_MARKER}")) | .id'


def main() -> None:
    """Answer one call of `gh api`."""
    asked = _parser().parse_args()
    if os.environ.get("GH_TOKEN") != "a token":
        sys.exit("gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN variable.")
    file = Path(os.environ[COMMENTS])
    comments = json.loads(file.read_text())
    if asked.jq:
        _print_ours(asked, comments)
    else:
        _write(asked, comments)
    file.write_text(json.dumps(comments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("command", choices=["api"])
    parser.add_argument("path")
    parser.add_argument("--method", choices=["PATCH"])
    parser.add_argument("--jq")
    parser.add_argument("--field")
    parser.add_argument("--paginate", action="store_true")
    parser.add_argument("--silent", action="store_true")
    return parser


def _print_ours(asked: argparse.Namespace, comments: list[dict[str, Any]]) -> None:
    if (asked.path, asked.paginate) != (f"{_ISSUES}/5/comments", True):
        sys.exit(f"gh: not all comments of this pull request: {asked}")
    if asked.jq.split() != _OURS.split():
        sys.exit(f"gh: only one filter is known here: {_OURS}")
    for comment in comments:
        if comment["user"]["login"] == BOT and comment["body"].startswith(_MARKER):
            print(comment["id"])  # noqa: T201 - a command


def _write(asked: argparse.Namespace, comments: list[dict[str, Any]]) -> None:
    name, _, body_file = asked.field.partition("=@")
    body = {name: Path(body_file).read_text()}
    if asked.method:
        comment = asked.path.removeprefix(f"{_ISSUES}/comments/")
        next(one for one in comments if str(one["id"]) == comment).update(body)
    elif asked.path == f"{_ISSUES}/5/comments":
        comments.append({"id": len(comments), "user": {"login": BOT}, **body})
    else:
        sys.exit("gh: Not Found (HTTP 404)")


if __name__ == "__main__":
    main()
