"""Exact statistics of counted events, and quantiles.

Intervals are those of Clopper and Pearson, "The use of confidence or fiducial limits illustrated in
the case of the binomial", Biometrika 26 (1934), 404-413, found by bisection of the binomial tail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

CONFIDENCE: Final = 0.95
"""The confidence of intervals and gates."""

_ALPHA: Final = 1 - CONFIDENCE
_STEPS: Final = 60  # of bisection: more than a double has digits for


def interval(count: int, of: int) -> tuple[float, float]:
    """Compute the two-sided interval of a share at 95% confidence.

    Args:
        count: Events that were seen.
        of: Trials.

    Returns:
        The lowest and the highest share; 0 and 1 without a trial.
    """
    return 1 - _upper(of - count, of), _upper(count, of)


def at_most(count: int, of: int, share: float) -> float:
    """Compute the probability of at most so many events, for a true share of them."""
    if count < 0:
        return 0.0
    if count >= of or share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    if count > of * share:  # the shorter tail has fewer terms that count
        return 1 - _tail(of - count - 1, of, 1 - share)
    return _tail(count, of, share)


def is_below(count: int, of: int, share: float) -> bool:
    """Return whether the true share is at most this one, at 95% confidence (one-sided)."""
    return at_most(count, of, share) <= _ALPHA


def is_above(count: int, of: int, share: float) -> bool:
    """Return whether the true share is more than this one, at 95% confidence (one-sided)."""
    return 1 - at_most(count - 1, of, share) <= _ALPHA


def needed(share: float, count: int = 0) -> int | None:
    """Compute the trials that show that the true share is at most this one.

    Args:
        share: The share.
        count: Events among them.

    Returns:
        The lowest number; None where no number shows it.
    """
    if share <= 0:
        return None
    low, high = count, count + 1
    while not is_below(count, high, share):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_below(count, middle, share) else (middle, high)
    return high


def sign_test(more: int, less: int) -> float:
    """Compute how likely chance alone makes two counts differ so much, in either direction.

    The exact two-sided sign test, which is McNemar's for paired events.

    Args:
        more: Pairs that move in one direction.
        less: Pairs that move in the other one.
    """
    return min(1.0, 2 * at_most(min(more, less), more + less, 0.5)) if more + less else 1.0


def quantile(values: Sequence[float], share: float) -> float:
    """Return the lowest of some values that at least this share of them does not exceed."""
    return sorted(values)[max(math.ceil(round(share * len(values), 9)), 1) - 1]


def _upper(count: int, of: int) -> float:
    if count >= of:
        return 1.0
    low, high = count / of, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(count, of, middle) > _ALPHA / 2 else (low, middle)
    return high


def _tail(count: int, of: int, share: float) -> float:
    """Sum up the probabilities of `count` events and fewer, down to a term that changes nothing."""
    term = total = _exactly(count, of, share)
    for events in range(count, 0, -1):
        term *= events * (1 - share) / ((of - events + 1) * share)
        if total + term == total:
            break
        total += term
    return min(total, 1.0)


def _exactly(count: int, of: int, share: float) -> float:
    ways = math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)
    return math.exp(ways + count * math.log(share) + (of - count) * math.log1p(-share))
