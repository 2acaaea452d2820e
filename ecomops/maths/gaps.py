"""Where more is sought than offered: cells of a table of demand against one of supply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import fdtr, gammaln
from scipy.stats import poisson

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats, ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ecomops.maths.arrays import Bools

ROUNDS = 500
SAME = 1e-10
AGAIN = 3
SUSPECTED = 0.5  # cells above this chance of a gap do not tell what is usual
WIDEST, HALVINGS = 14.0, 50  # log ratios looked at, and how finely
WIDE = 1.5  # shape of the prior of cells that stand out: 95 % between 0.07 and 3.1 times the usual
SHAPES = np.exp(np.linspace(1.0, 9.0, 33))
WEIGHTS = 1 - np.array([0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005])
LEAST = 2  # rows and columns a table needs before cells can stand out


@dataclass(frozen=True)
class Gaps:
    """Demand over supply, each against its own expectation; shapes those of the tables.

    `ratio`, `low` and `high` are the posterior median and 5 % and 95 % bounds, `q` the share of
    false ones to expect among this cell and all that look better.
    """

    ratio: Floats
    low: Floats
    high: Floats
    q: Floats


def usual_counts(counts: ArrayLike, told: ArrayLike) -> Floats:
    """Return what each cell would hold if rows and columns were independent, from the cells told.

    `counts` and `told` (boolean) have shape (r, c). Iterative proportional fitting with holes
    (Deming and Stephan 1940, Ann. Math. Stat. 11; quasi-independence: Goodman 1968, JASA 63).

    >>> print(usual_counts([[1, 3], [2, 99]], [[True, True], [True, False]]))
    [[1. 3.]
     [2. 6.]]
    """
    table = floats(counts)
    known = np.asarray(told, dtype=bool)
    inside = np.where(known, table, 0.0)
    row, column = np.ones(table.shape[0]), np.ones(table.shape[1])
    for _ in range(ROUNDS):
        before = row.copy()
        row = np.nan_to_num(ratio(inside.sum(axis=1), (known * column).sum(axis=1)))
        column = np.nan_to_num(ratio(inside.sum(axis=0), (known * row[:, None]).sum(axis=0)))
        if np.allclose(row, before, rtol=SAME, atol=0):
            break
    return floats(np.outer(row, column))


def gaps(demand: ArrayLike, supply: ArrayLike, worth: float = 1.5) -> Gaps:
    """Return by how much demand exceeds supply in each cell, shrunk, with bounds and q-values.

    `demand` and `supply` (counts, missing where a cell was not seen) have shape (r, c); `worth` is
    the ratio from which a gap is worth having. Each table is set against independent rows and
    columns with a prior of two gammas (DuMouchel 1999, The American Statistician 53); a ratio of
    gamma posteriors is an F variable. q: Bayesian false discovery rate (Newton et al. 2004,
    Biostatistics 5). Raises `DataError` for fewer than two rows or columns.

    >>> demand = [[90, 110, 100], [100, 300, 100], [100, 100, 100]]
    >>> found = gaps(demand, [[20, 20, 20], [20, 10, 20], [20, 20, 20]])
    >>> print(int(np.argmax(found.low)))
    4
    """
    sought, offered = floats(demand), floats(supply)
    if min(sought.shape) < LEAST:
        raise DataError("gaps_too_small", rows=sought.shape[0], columns=sought.shape[1])
    known = np.isfinite(sought) & np.isfinite(offered)
    found = _posteriors(sought, offered, known, known)
    for _ in range(AGAIN):
        plain = known & (found.doubt(worth) > 1 - SUSPECTED)
        if plain.any(axis=0).all() and plain.any(axis=1).all():
            found = _posteriors(sought, offered, known, plain)
    return Gaps(found.at(0.5), found.at(0.05), found.at(0.95), false_share(found.doubt(worth)))


@dataclass(frozen=True)
class _Prior:
    """What one table says of its cells: gamma posteriors by component (k, r, c) and weights."""

    shape: Floats
    rate: Floats
    weight: Floats


@dataclass(frozen=True)
class _Posteriors:
    """The two tables' posteriors; a cell's ratio is a mixture of scaled F variables."""

    demand: _Prior
    supply: _Prior

    @property
    def seen(self) -> Bools:
        """The cells that have a ratio."""
        seen: Bools = np.isfinite(self.demand.shape[0] + self.supply.shape[0])
        return seen

    def doubt(self, worth: ArrayLike) -> Floats:
        """Return the chance that the ratio is below `worth`."""
        d, s = self.demand, self.supply
        total = np.zeros_like(d.shape[0])
        for k in range(len(d.weight)):
            for j in range(len(s.weight)):
                scale = (d.shape[k] / d.rate[k]) / (s.shape[j] / s.rate[j])
                below = fdtr(2 * d.shape[k], 2 * s.shape[j], floats(worth) / scale)
                total += d.weight[k] * s.weight[j] * below
        return floats(total)

    def at(self, chance: float) -> Floats:
        """Return the quantile of the ratio, by bisection on its logarithm."""
        low, high = np.full(self.seen.shape, -WIDEST), np.full(self.seen.shape, WIDEST)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            above = self.doubt(np.exp(middle)) > chance
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return floats(np.where(self.seen, np.exp(high), np.nan))


def _posteriors(sought: Floats, offered: Floats, known: Bools, told: Bools) -> _Posteriors:
    both = []
    for counts in (sought, offered):
        usual = np.where(known, np.maximum(usual_counts(counts, told), 1e-9), np.nan)
        shape, rate, weight = two_gammas(counts[known], usual[known])
        log = np.log(weight)[:, None, None] + _evidence(
            counts, usual, shape[:, None, None], rate[:, None, None]
        )
        chance = np.exp(log - log.max(axis=0))
        grown = shape[:, None, None] + counts, rate[:, None, None] + usual
        both.append(_Prior(*grown, chance / chance.sum(axis=0)))
    return _Posteriors(*both)


def _evidence(n: Floats, e: Floats, a: Any, b: Any) -> Floats:
    """Return the log chance of counts whose ratio to `e` is Gamma(a, rate b), up to a constant."""
    return floats(gammaln(a + n) - gammaln(a) + a * np.log(b / (b + e)) + n * np.log(e / (b + e)))


def two_gammas(counts: ArrayLike, usual: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return shape, rate and weight of the two gammas from which ratios to the usual come.

    Shapes (n,) in, (2,) out: one narrow around 1, for what is as usual, and one wide, for what
    stands out. DuMouchel's mixture (1999), section 3; narrow shape and weight by maximum
    likelihood on a grid, the wide one given, so that a few cells cannot make it narrow.

    >>> shape, _, weight = two_gammas([98, 104, 99, 101, 400], [100] * 5)
    >>> bool(weight[0] > 0.6), bool(shape[0] > 20 * shape[1])
    (True, True)
    """
    pairs = np.sort(
        (floats(counts) + 1j * floats(usual)).ravel()
    )  # sums must not hang on the order of cells
    n, e = pairs.real, pairs.imag
    narrow = _evidence(n, e, SHAPES[:, None], SHAPES[:, None])
    wide = _evidence(n, e, WIDE, WIDE)
    with_weight = np.log(WEIGHTS)[:, None, None] + narrow
    others = np.log(1 - WEIGHTS)[:, None, None] + wide
    fit = np.logaddexp(with_weight, others).sum(axis=2)
    i, j = np.unravel_index(int(np.argmax(fit)), fit.shape)
    shape = np.array([SHAPES[j], WIDE])
    return shape, shape.copy(), np.array([WEIGHTS[i], 1 - WEIGHTS[i]])


def false_share(doubt: ArrayLike) -> Floats:
    """Return the mean doubt of each cell and all that are less doubtful, in the shape given.

    >>> print(false_share([0.2, 0.0, 0.4]))
    [0.1 0.  0.2]
    """
    chance = floats(doubt)
    flat = chance.ravel()
    order = np.argsort(flat, kind="stable")
    order = order[np.isfinite(flat[order])]
    out = np.full(flat.shape, np.nan)
    out[order] = np.cumsum(flat[order]) / np.arange(1, order.size + 1)
    return floats(out.reshape(chance.shape))


def kill_rule(rate: float, events: int = 10) -> tuple[int, int]:
    """Return after how many trials, and below how many events, a trial at `rate` has failed.

    As many trials as bring `events` at the rate; fewer than the 5 % quantile of a Poisson count
    speak against it.

    >>> kill_rule(0.02)
    (500, 5)
    """
    return int(np.ceil(events / rate)), int(poisson.ppf(0.05, events))
