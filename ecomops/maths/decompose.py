"""What moved a total: exact contributions of factors, and of mix and rate by segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats, ratio
from ecomops.maths.shapley import exact

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def product_chain(before: ArrayLike, after: ArrayLike) -> Floats:
    """Return each factor's share in the change of their product.

    Parameters
    ----------
    before, after
        Factor values of shape (k,), any sign and zeros included, k up to 20.

    Returns
    -------
    Contributions of shape (k,), adding up to product(after) - product(before).

    Raises
    ------
    DataError
        When the two lists differ in length or are empty.

    Notes
    -----
    Shapley value: the average over all orders in which the factors could have changed (Shorrocks
    2013, J. Economic Inequality 11: 99-126). No residual, no order to choose, no logarithm.

    Examples
    --------
    Visitors, conversion, value per buyer: from 36,000 to 42,250.

    >>> print(product_chain([10_000, 0.03, 120], [13_000, 0.025, 130]).round(6))
    [10300. -7200.  3150.]
    """
    start, end = floats(before), floats(after)
    if start.shape != end.shape or start.ndim != 1 or start.size == 0:
        raise DataError("factors_differ", before=start.shape, after=end.shape)
    players = np.arange(start.size)
    changed = (np.arange(2**start.size)[:, None] >> players) & 1
    return exact(np.prod(np.where(changed == 1, end, start), axis=1))


@dataclass(frozen=True, eq=False, kw_only=True)
class MixRate:
    """Change of a rate by segment.

    `rate` holds what happened within each segment, `mix` what its weight did; both of shape
    (segments,) and together adding up to `change`. `simpson` is true when every segment with a
    rate in both periods moved against the total.
    """

    rate: Floats
    mix: Floats
    change: float
    simpson: bool


def _filled(rate: Floats, other: Floats) -> Floats:
    return np.where(np.isnan(rate), np.where(np.isnan(other), 0.0, other), rate)


def _against(change: float, moves: Floats) -> bool:
    return bool(moves.size > 0 and change != 0 and np.all(moves * np.sign(change) < 0))


def mix_rate(
    before: ArrayLike, before_base: ArrayLike, after: ArrayLike, after_base: ArrayLike
) -> MixRate:
    """Return how much of a rate's change came from within segments and how much from their mix.

    Parameters
    ----------
    before, before_base
        Numerator and denominator of each segment in the first period, shape (segments,).
    after, after_base
        The same in the second period.

    Returns
    -------
    Contributions by segment, adding up to the change of the total rate exactly.

    Raises
    ------
    DataError
        When a period has no base at all, or a base is negative.

    Notes
    -----
    Rate effect: change of the segment's rate times its average weight. Mix effect: change of its
    weight times (its average rate - the average total rate), so that growth of an average segment
    counts as nothing. A segment that exists in one period only has all of its effect in the mix.
    Midpoint (Marshall-Edgeworth) weights leave no interaction term.

    Examples
    --------
    Both segments improve, the total falls: Simpson's paradox.

    >>> parts = mix_rate([80, 10], [800, 200], [22, 48], [200, 800])
    >>> print(parts.rate.round(3), parts.mix.round(3), round(parts.change, 3), parts.simpson)
    [0.005 0.005] [-0.015 -0.015] -0.02 True
    """
    bases = floats(before_base), floats(after_base)
    if any(np.any(base < 0) or base.sum() <= 0 for base in bases):
        raise DataError("no_base", before=float(bases[0].sum()), after=float(bases[1].sum()))
    rates = ratio(before, bases[0]), ratio(after, bases[1])
    weights = bases[0] / bases[0].sum(), bases[1] / bases[1].sum()
    totals = [
        float(np.sum(top) / base.sum()) for top, base in zip((before, after), bases, strict=True)
    ]
    both = ~np.isnan(rates[0]) & ~np.isnan(rates[1])
    first, second = _filled(rates[0], rates[1]), _filled(rates[1], rates[0])
    change = totals[1] - totals[0]
    # what a segment without a base brings (buyers nobody saw come) has no rate: it is mix
    loose = [
        np.where(base == 0, floats(top) / base.sum(), 0.0)
        for top, base in zip((before, after), bases, strict=True)
    ]
    mix = (weights[1] - weights[0]) * ((first + second) / 2 - sum(totals) / 2)
    return MixRate(
        rate=(second - first) * (weights[0] + weights[1]) / 2,
        mix=mix + loose[1] - loose[0],
        change=change,
        simpson=_against(change, (second - first)[both]),
    )
