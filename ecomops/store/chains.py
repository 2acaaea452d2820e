"""A total as a product of factors, and each factor's exact share in its change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ecomops.maths.decompose import mix_rate, product_chain

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SEGMENTS = 12
OTHER = "other"


@dataclass(frozen=True)
class Link:
    """One factor of a chain: a ratio of two measures (a plain measure without a denominator)."""

    factor: str
    top: str
    bottom: str = ""

    def value(self, sums: pd.Series[Any]) -> float:
        """Return the factor from the sums of one period."""
        below = float(sums[self.bottom]) if self.bottom else 1.0
        return float(sums[self.top]) / below if below else float("nan")


@dataclass(frozen=True)
class Chain:
    """Links whose product is the metric; those named in `split` fall into mix and rate."""

    links: tuple[Link, ...]
    split: tuple[str, ...] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures the links ask for, in order."""
        names = [name for link in self.links for name in (link.top, link.bottom) if name]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, eq=False)
class Parts:
    """The rows of a decomposition, and the factors where every segment moved against the total."""

    rows: pd.DataFrame
    simpson: tuple[str, ...]


def decompose(
    chain: Chain,
    before: pd.Series[Any],
    after: pd.Series[Any],
    segments: pd.DataFrame | None = None,
) -> Parts:
    """Return every factor's contribution to the change of the chain's product.

    Parameters
    ----------
    chain
        Factors, and which of them are split by segment.
    before, after
        Sums by measure in the two periods.
    segments
        Sums of each segment: index segment, columns (``"before" | "after"``, measure).

    Returns
    -------
    Rows ``factor, segment, before, after, contribution`` that add up to the change: one per
    factor, or for a split one ``<factor>_mix`` (before and after are the segment's weights) and
    one ``<factor>_rate`` (its rates) per segment.

    Notes
    -----
    Shapley value of the product; a split factor's contribution is its change times a constant,
    which distributes it over segments without remainder.
    """
    start, end = (np.array([link.value(sums) for link in chain.links]) for sums in (before, after))
    whole = product_chain(start, end)
    rows, simpson = [], []
    for i, link in enumerate(chain.links):
        if segments is None or link.factor not in chain.split:
            rows.append((link.factor, "", start[i], end[i], whole[i]))
            continue
        pieces, against = _split(link, segments, _slope(start, end, i))
        rows += pieces
        simpson += [link.factor] if against else []
    names = ["factor", "segment", "before", "after", "contribution"]
    return Parts(pd.DataFrame(rows, columns=names), tuple(simpson))


def _slope(start: Any, end: Any, i: int) -> float:
    """Return what one unit of factor `i` is worth on average over all orders of change."""
    zero, one = start.copy(), end.copy()
    zero[i], one[i] = 0.0, 1.0
    return float(product_chain(zero, one)[i])


def _split(link: Link, segments: pd.DataFrame, slope: float) -> tuple[list[tuple[Any, ...]], bool]:
    tops = [segments[side, link.top].to_numpy(dtype=float) for side in ("before", "after")]
    bases = [segments[side, link.bottom].to_numpy(dtype=float) for side in ("before", "after")]
    parts = mix_rate(tops[0], bases[0], tops[1], bases[1])
    weights = [base / base.sum() for base in bases]
    rates = [
        np.divide(t, b, out=np.full_like(t, np.nan), where=b != 0)
        for t, b in zip(tops, bases, strict=True)
    ]
    names = list(segments.index)
    mix = [
        (f"{link.factor}_mix", *row) for row in zip(names, *weights, slope * parts.mix, strict=True)
    ]
    rate = [
        (f"{link.factor}_rate", *row) for row in zip(names, *rates, slope * parts.rate, strict=True)
    ]
    return [*mix, *rate], parts.simpson


def largest(segments: pd.DataFrame, base: Sequence[str]) -> pd.DataFrame:
    """Return the segments by size, the small ones merged into ``other``.

    `base` names the measures by which size is taken, both periods together.
    """
    size = segments[[(side, name) for side in ("before", "after") for name in base]].sum(axis=1)
    names = sorted(segments.index, key=lambda name: (-size[name], str(name)))
    if len(names) <= MOST_SEGMENTS:
        return segments.loc[names]
    kept = [name for name in names if name != OTHER][: MOST_SEGMENTS - 1]
    rest = segments.drop(index=kept).sum().to_frame(OTHER).T
    return pd.concat([segments.loc[kept], rest])
