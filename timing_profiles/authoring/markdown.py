"""Text of any origin in Markdown, where it must stay text."""

from __future__ import annotations

import re

from timing_profiles.problems import printable, prose

# Words that no Markdown, and no autolink of GitHub's, takes for anything else. Words with an
# underscore inside, such as min_delay, are among them.
_PLAIN = re.compile(
    r"""(?!.*(://|(?<![A-Za-z0-9])(_|www\.)|_(?![A-Za-z0-9])))(?!:)[\w.,;:'"()/%?=+{}-]+""",
    re.IGNORECASE,
)
_BEGINS_PLAIN = re.compile(r"""['"(]?[^\W\d_]""")


def code(text: str) -> str:
    """Return a text as a code span on one line, which nothing in the text can end."""
    inert = printable(text).replace("`", "'")
    return f"`{inert}`" if inert else ""


def words(text: str) -> str:
    """Return sentences on one line, with a code span for each word that Markdown could obey."""
    found = prose(text).split(" ")
    return " ".join(_word(word, is_first=not at) for at, word in enumerate(found)).strip()


def _word(word: str, *, is_first: bool) -> str:
    is_plain = _PLAIN.fullmatch(word) and (not is_first or _BEGINS_PLAIN.match(word))
    return word if is_plain else code(word)
