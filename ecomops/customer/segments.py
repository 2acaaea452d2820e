"""Which segment a triple of scores belongs to: three maps, each of which covers every code once.

The same rules serve the engine's columns and single numbers: a segment is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

BINS = 5
NO_NET_SPEND, PROSPECTS = "no_net_spend", "prospects"

# name: recency from-to, frequency from-to, in fifths. The ten boxes tile the 5 x 5 grid.
GRID = {
    "champions": (5, 5, 4, 5),
    "loyal": (3, 4, 4, 5),
    "cannot_lose": (1, 2, 5, 5),
    "at_risk": (1, 2, 3, 4),
    "needs_attention": (3, 3, 3, 3),
    "potential_loyalists": (4, 5, 2, 3),
    "hibernating": (1, 2, 1, 2),
    "about_to_sleep": (3, 3, 1, 2),
    "promising": (4, 4, 1, 1),
    "new": (5, 5, 1, 1),
}
# name: recent, frequent, large, each against the mean score; 重要 = large.
EIGHT = {
    "important_value": (True, True, True),
    "important_develop": (True, False, True),
    "important_keep": (False, True, True),
    "important_win_back": (False, False, True),
    "general_value": (True, True, False),
    "general_develop": (True, False, False),
    "general_keep": (False, True, False),
    "general_win_back": (False, False, False),
}
SHOPIFY = (
    "champions",
    "loyal",
    "active",
    "new",
    "promising",
    "needs_attention",
    "at_risk",
    "previously_loyal",
    "almost_lost",
    "dormant",
)
NAMES: Mapping[str, tuple[str, ...]] = {
    "grid": tuple(GRID),
    "eight": tuple(EIGHT),
    "shopify": (*SHOPIFY, PROSPECTS),
}
DRIFTING = {
    "grid": ("cannot_lose", "at_risk"),
    "eight": ("important_keep", "important_win_back"),
    "shopify": ("previously_loyal", "at_risk"),
}
BEST = {"grid": "champions", "eight": "important_value", "shopify": "champions"}
AWAY = {
    "grid": ("cannot_lose", "at_risk", "hibernating", "about_to_sleep"),
    "eight": tuple(name for name, (recent, _, _) in EIGHT.items() if not recent),
    "shopify": ("previously_loyal", "at_risk", "almost_lost", "dormant"),
}

MANY, FEW, RECENT = 8, (1, 4), 3  # of scores 1 to 5; few: one order, or a sum up to 4

Rules = Callable[[Any, Any, Any], dict[str, Any]]


def recency_fifth(score: Any, bins: int) -> Any:
    """Return scores of 1 to `bins` as fifths, 1 to 5: ceil(5 * score / bins).

    >>> [recency_fifth(score, 10) for score in (1, 2, 3, 10)]
    [1, 1, 2, 5]
    """
    return score if bins == BINS else (BINS * score + bins - 1) // bins


def frequency_fifth(score: Any, bins: int) -> Any:
    """Return scores of frequency as fifths; 1, bought once, stays alone in the first.

    >>> [frequency_fifth(score, 10) for score in (1, 2, 3, 4, 10)]
    [1, 2, 2, 3, 5]
    """
    return score if bins == BINS else 1 + ((BINS - 1) * (score - 1) + bins - 2) // (bins - 1)


def rules(preset: str, bins: int, means: tuple[float, float, float]) -> Rules:
    """Return a function from scores (numbers, arrays or engine columns) to name -> test.

    `means` are the mean scores of recency, frequency and money, used by the eight cells alone.
    """
    if preset == "eight":
        return lambda r, f, m: _eight(r >= means[0], f > means[1], m > means[2])
    names = _grid if preset == "grid" else _shopify
    return lambda r, f, m: names(
        recency_fifth(r, bins), frequency_fifth(f, bins), recency_fifth(m, bins)
    )


def _grid(r: Any, f: Any, _m: Any) -> dict[str, Any]:
    return {
        name: (r >= r0) & (r <= r1) & (f >= f0) & (f <= f1)
        for name, (r0, r1, f0, f1) in GRID.items()
    }


def _eight(recent: Any, frequent: Any, large: Any) -> dict[str, Any]:
    return {
        name: (recent == wants[0]) & (frequent == wants[1]) & (large == wants[2])
        for name, wants in EIGHT.items()
    }


def _shopify(r: Any, f: Any, m: Any) -> dict[str, Any]:
    """Return the ten groups of those who bought, after Shopify's published descriptions.

    Orders and spend are judged together, by the sum of both scores: many is 8 or more, few is 4 or
    less or a single order, some lies between. Recency 5 is very recent, 3 and 4 are recent.
    """
    both, repeat = f + m, f > FEW[0]
    many, few = both >= MANY, (both <= FEW[1]) | (f == FEW[0])
    some = repeat & (both > FEW[1]) & (both < MANY)
    away, now = r < RECENT, r == BINS
    recent = (r >= RECENT) & (r < BINS)
    light = both < FEW[1]
    return {
        "champions": now & many,
        "loyal": recent & many,
        "active": (r > RECENT) & some,
        "new": now & few,
        "promising": recent & few,
        "needs_attention": (r == RECENT) & some,
        "at_risk": away & some & (both > BINS),
        "previously_loyal": away & many,
        "almost_lost": away & ((few & (both >= FEW[1])) | (some & (both == BINS))),
        "dormant": away & light,
    }


def segment(preset: str, r: Any, f: Any, m: Any, *, bins: int, means: Any) -> Any:
    """Return the segment names of arrays of scores.

    >>> print(
    ...     segment(
    ...         "grid", np.array([5, 1]), np.array([1, 5]), np.array([3, 3]), bins=5, means=None
    ...     )
    ... )
    ['new' 'cannot_lose']
    """
    tests = rules(preset, bins, means)(r, f, m)
    return np.select(list(tests.values()), list(tests), default="")
