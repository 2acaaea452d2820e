"""Who changes behaviour because of a message: learners, Qini curves, the worth of a policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.maths.arrays import Z90, Bools, Floats, Ints, floats, ratio
from ecomops.maths.bootstrap import resample_weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Features (n, p) and targets (n,) in; a function from features (m, p) to predictions (m,) out.
Fit = Callable[[Floats, Floats], Callable[[Floats], Floats]]


@dataclass(frozen=True)
class Ranked:
    """Running sums over people from the highest score down, one entry per distinct score."""

    n: Floats
    treated: Floats
    treated_y: Floats
    control_y: Floats

    @property
    def qini(self) -> Floats:
        """Extra outcomes among the treated so far, controls scaled to their number."""
        control = self.n - self.treated
        return self.treated_y - self.control_y * np.nan_to_num(ratio(self.treated, control))

    @property
    def gain(self) -> Floats:
        """Difference of the two mean outcomes so far, times the people so far."""
        treated = np.nan_to_num(ratio(self.treated_y, self.treated))
        control = np.nan_to_num(ratio(self.control_y, self.n - self.treated))
        return (treated - control) * self.n


def ranked(
    y: ArrayLike, treated: ArrayLike, score: ArrayLike, weights: ArrayLike | None = None
) -> Ranked:
    """Return running sums by falling `score`; ties enter together, so row order is no matter.

    `y` outcomes, `treated` 0/1, `score`, `weights` (how often each person counts): shape (n,).

    >>> print(ranked([1, 0, 1, 0], [1, 0, 1, 0], [4, 3, 2, 1]).qini)
    [0. 1. 1. 2. 2.]
    """
    s = floats(score)
    order = np.argsort(-s, kind="stable")
    w = np.ones_like(s) if weights is None else floats(weights)
    w, out, t = w[order], floats(y)[order], floats(treated)[order]
    last = np.r_[np.flatnonzero(np.diff(s[order])), s.size - 1]
    parts = (w, w * t, w * t * out, w * (1 - t) * out)
    return Ranked(*(np.r_[0.0, np.cumsum(part)[last]] for part in parts))


def area(x: Floats, y: Floats) -> float:
    """Return the area under straight lines through the points.

    >>> print(area(np.array([0.0, 2.0]), np.array([0.0, 3.0])))
    3.0
    """
    return float(np.trapezoid(y, x))


def qini_share(
    y: ArrayLike, treated: ArrayLike, score: ArrayLike, *, negative: bool = True
) -> float:
    """Return the Qini coefficient: area won over a random order, of what a perfect order wins.

    For outcomes 0/1. The perfect order puts treated buyers first and untreated buyers last, or
    (`negative` False) knows nobody who is put off. Radcliffe (2007); scikit-uplift's `qini_auc`.

    >>> print(qini_share([1, 0, 0, 1], [1, 0, 1, 0], [4, 3, 2, 1]))
    1.0
    """
    curve = ranked(y, treated, score)
    out, t = floats(y), floats(treated)
    end = np.array([0.0, out.size])
    random = area(end, np.array([0.0, curve.qini[-1]]))
    if negative:
        best = ranked(y, treated, out * (2 * t - 1))
        perfect = area(best.n, best.qini)
    else:
        top = float(out[t == 1].sum() - t.sum() * out[t == 0].mean())
        perfect = area(np.array([0.0, top, out.size]), np.array([0.0, top, top]))
    return (area(curve.n, curve.qini) - random) / (perfect - random)


def qini_interval(
    y: ArrayLike,
    treated: ArrayLike,
    score: ArrayLike,
    *,
    seed: int,
    draws: int = 200,
    crossed: bool = False,
) -> tuple[float, float, float]:
    """Return low, mid and high of the area between Qini curve and random order (90 %).

    Shapes (n,); per person squared. Positive: the score finds people who change. Poisson
    bootstrap over people.

    A `crossed` score was learned from the same people, each from the others. Any two of them then
    meet twice, as judge and as judged: the area of a score that knows nothing has up to twice the
    variance that the people alone give it. The interval is widened by that; of a good score, or
    where features foretell much of the outcome, it is too wide.

    >>> low, mid, high = qini_interval([1, 0] * 50, [1, 0] * 50, range(100), seed=1)
    >>> low <= mid <= high
    True
    """
    y, t, s = floats(y), floats(treated), floats(score)
    mid = _won(ranked(y, t, s))
    drawn = [
        _won(ranked(y, t, s, row))
        for block in resample_weights(s.size, draws, seed)
        for row in block
    ]
    wider = np.sqrt(2) if crossed else 1.0
    low, high = mid + wider * (np.quantile(drawn, [0.05, 0.95]) - mid)
    return float(low), mid, float(high)


def _won(curve: Ranked) -> float:
    n = curve.n[-1]
    return float((area(curve.n, curve.qini) - curve.qini[-1] * n / 2) / n**2)


def uplift_at(
    y: ArrayLike, treated: ArrayLike, score: ArrayLike, share: float, *, by_group: bool = False
) -> float:
    """Return the difference of mean outcomes within the top `share` by score.

    The top of everybody, or (`by_group`) the top of each group on its own, at least one person;
    missing where it holds nobody of a group. scikit-uplift's `uplift_at_k`, but people who tie at
    the border count in part instead of by row order.

    >>> print(uplift_at([1, 0, 0, 0], [1, 0, 1, 0], [4, 3, 2, 1], 0.5))
    1.0
    """
    out, t, s = floats(y), floats(treated), floats(score)
    one, none = t == 1, t == 0
    if by_group:
        tops = [_inside(s[group], share) for group in (one, none)]
    else:
        inside = _inside(s, share)
        tops = [inside[one], inside[none]]
    sides = zip((one, none), tops, strict=True)
    means = [ratio(out[group] @ top, top.sum()) for group, top in sides]
    return float(means[0] - means[1])


def _inside(score: Floats, share: float) -> Floats:
    return top(score, min(max(int(score.size * share), 1), score.size))


def top(score: Floats, count: int) -> Floats:
    """Return how far each person is among the `count` best: 1, 0, or in part at a tied border.

    >>> top(np.array([3.0, 1.0, 2.0, 2.0]), 2).tolist()
    [1.0, 0.0, 0.5, 0.5]
    """
    border = np.sort(score)[::-1][max(count, 1) - 1 :][:1]
    above, tied = score > border, score == border
    return floats(above + tied * ratio(count - above.sum(), tied.sum()))


@dataclass(frozen=True)
class Effects:
    """Per person: an unbiased but noisy effect (`pseudo`) and a prediction made without them.

    `place` is the score less the mean score of the person's fold: a fold with high outcomes by
    chance is scored low, because its scores come from the others.
    """

    pseudo: Floats
    score: Floats
    place: Floats


def folds_of(n: int, folds: int, seed: int) -> Ints:
    """Return a random fold 0 … folds - 1 for each of `n` people, sizes as equal as can be.

    >>> print(np.bincount(folds_of(7, 3, 1)))
    [3 2 2]
    """
    return np.random.default_rng(seed).permutation(np.arange(n) % folds)


def dr_learner(
    x: Floats,
    treated: ArrayLike,
    y: ArrayLike,
    chance: ArrayLike,
    fit: Fit,
    *,
    seed: int,
    folds: int = 3,
    repeats: int = 1,
    person: Ints | None = None,
) -> Effects:
    """Return doubly robust effects of a randomised treatment and cross-fitted predictions of them.

    `x` has shape (n, p); `chance` is the known probability of treatment, one or of each row;
    `person` numbers the people from 0 where one has several rows. Neither the pseudo-effect nor
    the score of a person uses a model that has seen that person's outcome, so the score may be
    judged on the same people. `repeats` splits are averaged, which calms the luck of one of them
    (Chernozhukov et al. 2018, 3.4). Kennedy (2023), Electronic Journal of Statistics 17.
    """
    t, out = floats(treated), floats(y)
    send = _Send(x, t, out, np.broadcast_to(floats(chance), t.shape), fit)
    who = np.arange(t.size) if person is None else person
    once = [_once(send, who, seed + 100 * k, folds) for k in range(repeats)]
    return Effects(*(np.mean(each, axis=0) for each in zip(*once, strict=True)))


@dataclass(frozen=True)
class _Send:
    x: Floats
    t: Floats
    y: Floats
    chance: Floats
    fit: Fit

    def pseudo(self, train: Bools, at: Bools) -> Floats:
        x, t, y, chance = self.x, self.t[at], self.y[at], self.chance[at]
        sides = (train & (self.t == side) for side in (1, 0))
        one, none = (self.fit(x[side], self.y[side])(x[at]) for side in sides)
        return floats(one - none + t / chance * (y - one) - (1 - t) / (1 - chance) * (y - none))


def _once(send: _Send, who: Ints, seed: int, folds: int) -> tuple[Floats, Floats, Floats]:
    people = int(who.max(initial=-1)) + 1
    fold = folds_of(people, folds, seed)
    pseudo, score, place = (np.empty_like(send.y) for _ in range(3))
    for k in range(folds):
        here, rest = (fold == k)[who], (fold != k)[who]
        pseudo[here] = send.pseudo(rest, here)
        half = fold_half(fold != k, seed + k + 1)[who]
        learned = np.empty_like(send.y)
        learned[half] = send.pseudo(rest & ~half, half)
        learned[rest & ~half] = send.pseudo(half, rest & ~half)
        score[here] = send.fit(send.x[rest], learned[rest])(send.x[here])
        place[here] = score[here] - score[here].mean()
    return pseudo, score, place


def fold_half(mask: ArrayLike, seed: int) -> Bools:
    """Return a random half of the people in `mask`, as a mask.

    >>> int(fold_half(np.ones(10, bool), 1).sum())
    5
    """
    among = np.flatnonzero(np.asarray(mask, dtype=bool))
    half = np.zeros(np.size(mask), dtype=bool)
    half[np.random.default_rng(seed).permutation(among)[: among.size // 2]] = True
    return half


def policy_value(effects: ArrayLike, chosen: ArrayLike, cost: float) -> tuple[float, float, float]:
    """Return what treating the `chosen` earns in all, net of `cost` each, with its 90 % interval.

    `effects` are unbiased effects in money per person, `chosen` booleans, or parts of a person
    where scores tie: shape (n,). Normal interval of a mean over all people (Athey and Wager 2021,
    Econometrica 89).

    >>> print([round(v, 2) for v in policy_value([3, 1, 2, 2], [1, 0, 1, 1], 1)])
    [1.31, 4.0, 6.69]
    """
    net = floats(chosen) * (floats(effects) - cost) + 0.0  # no -0.0
    half = Z90 * float(net.std(ddof=1)) * float(np.sqrt(net.size))
    total = float(net.sum())
    return total - half, total, total + half
