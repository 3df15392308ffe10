"""Patterns of a schema: they match what `re` matches, in a bounded time."""

import contextlib
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from timing_profiles.catalog.pattern import MAX_STATES, PatternError, compiled, is_like

ATOMS = ("a", "b", "-", ".", "[ab]", "[^a]", "[a-c-]", r"\d", r"\W", r"\.", r"\x61", r"[\w-]", "")
QUANTIFIERS = ("*", "+", "?", "{2}", "{1,}", "{0,3}", "*?", "{2,2}?")

patterns = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(QUANTIFIERS)).map(lambda it: f"({it[0]}){it[1]}"),
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda many: f"(?:{'|'.join(many)})"),
    ),
    max_leaves=6,
)
texts = st.text(alphabet="ab-c1 \n_.", max_size=6)


@given(pattern=patterns, begin=st.booleans(), end=st.booleans(), text=texts)
@example(pattern="(a*)*", begin=True, end=True, text="aab")
@example(pattern="(){2,}b", begin=False, end=False, text="ab")
def test_pattern_matches_the_same_texts_as_re(
    pattern: str, text: str, *, begin: bool, end: bool
) -> None:
    """Where both accept it; `$` is the end of the text alone, as in JSON Schema."""
    whole = f"{'^' * begin}(?:{pattern})"
    expected = re.search(whole + (r"\Z" * end), text, re.ASCII)
    assert is_like(text, whole + "$" * end) == bool(expected)


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "a*a*a*b", "^(a?){150}a{150}$", "(.*a){150}b"]
)
def test_match_of_any_text_takes_bounded_time(pattern: str) -> None:
    """What makes `re` try all ways, and what makes many states be reached at once."""
    pattern_is = compiled(pattern)
    started = time.process_time()
    assert not pattern_is.is_in("a" * 32_000 + "!")
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "pattern", ["(" * 5_000 + ")" * 5_000, "(){9999}", "((){999}){999}", f"({'|' * 900}){{900}}"]
)
def test_no_pattern_takes_long_to_read(pattern: str) -> None:
    """Nor does it raise anything else."""
    started = time.process_time()
    with pytest.raises(PatternError, match=f"nested too deeply|larger than {MAX_STATES} states"):
        compiled(pattern)
    assert time.process_time() - started < 1


@given(st.text(alphabet=r"ab()[]{}|*+?^$.\\-,1:=!<xu", max_size=12))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    """With no other exception."""
    with contextlib.suppress(PatternError):
        compiled(text).is_in("ab")
