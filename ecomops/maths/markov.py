"""Markov-chain attribution: what conversion would be lost without a channel, solved exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from ecomops.base.checks import choice
from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, Ints, floats, ints, ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

PAD, WON, LOST = -1, -2, -3
STRATEGIES = ("redirect_to_null", "fail", "detour")
ROUNDING = 1e-12  # effects that cancel leave this much of themselves behind, not 0
DENSE_LIMIT = 1500  # states: above it the inverse no longer fits the cache


@dataclass(frozen=True, eq=False, kw_only=True)
class Transitions:
    """Counted steps of a chain of any order.

    `state` has shape (rows, order): the last channels, oldest first, -1 before the start.
    `target` (rows,) is the next channel, `WON` or `LOST`; `count` (rows,) how often; `value`
    (rows,) the money of the conversions counted, 0 elsewhere.
    """

    state: Ints
    target: Ints
    count: Floats
    value: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Removal:
    """What is lost without each channel, as a share, for conversions and for value.

    `conversion` and `value` have shape (channels,). `rate` is the conversion probability of the
    whole chain, `mean_value` the value per journey.
    """

    conversion: Floats
    value: Floats
    rate: float
    mean_value: float


def transitions(
    touches: ArrayLike,
    lengths: ArrayLike,
    conversions: ArrayLike,
    nulls: ArrayLike,
    value: ArrayLike,
    *,
    order: int = 1,
) -> Transitions:
    """Return the counted transitions of weighted paths.

    Parameters
    ----------
    touches
        Channel numbers of all paths, one path after the other, shape (sum of lengths,).
    lengths
        Touches of each path, shape (paths,), at least 1.
    conversions, nulls, value
        Journeys with and without conversion along each path, and money of the former, (paths,).
    order
        How many last touches the next step depends on.

    Returns
    -------
    Transitions; the same step may occur in several rows.

    Raises
    ------
    DataError
        When the lengths do not fit the touches.

    Notes
    -----
    Paths shorter than the order are padded on the left with the start.

    Examples
    --------
    >>> steps = transitions([0, 1], [2], [1], [0], [9.5])
    >>> print(steps.state.ravel(), steps.target, steps.value)
    [-1  0  1  1] [ 0  1 -2 -3] [0.  0.  9.5 0. ]
    """
    flat, sizes = ints(touches), ints(lengths)
    if sizes.sum() != flat.size or np.any(sizes < 1):
        raise DataError("path_lengths", touches=flat.size, lengths=int(sizes.sum()))
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(flat.size) - first
    shifted = [_before(flat, place, back) for back in range(order, -1, -1)]
    weight = np.repeat(floats(conversions) + floats(nulls), sizes)
    last = np.cumsum(sizes) - 1
    ends = np.stack(shifted[1:], axis=1)[last]
    ones = np.ones(sizes.size, dtype=np.int64)
    return Transitions(
        state=np.concatenate([np.stack(shifted[:-1], axis=1), ends, ends]),
        target=np.concatenate([flat, WON * ones, LOST * ones]),
        count=np.concatenate([weight, floats(conversions), floats(nulls)]),
        value=np.concatenate([np.zeros(flat.size), floats(value), np.zeros(sizes.size)]),
    )


def _before(flat: Ints, place: Ints, back: int) -> Ints:
    return np.where(place >= back, np.roll(flat, back), PAD)


@dataclass(frozen=True, eq=False)
class _Chain:
    """Transient states with channels (states, order), step matrix and rewards (states, 2)."""

    states: Ints
    steps: sparse.csr_matrix
    reward: Floats
    start: Floats


def _chain(steps: Transitions) -> _Chain:
    states, at = np.unique(steps.state, axis=0, return_inverse=True)
    at = at.ravel()
    inner = steps.target >= 0
    nexts = np.concatenate([steps.state[inner, 1:], steps.target[inner, None]], axis=1)
    known = np.unique(np.concatenate([states, nexts]), axis=0, return_inverse=True)[1].ravel()
    if known.max(initial=-1) >= len(states):
        raise DataError("dangling_states", count=int(known.max() + 1 - len(states)))
    leaving = np.bincount(at, steps.count, len(states))
    goes = known[len(states) :]
    cells = ratio(steps.count[inner], leaving[at[inner]]), (at[inner], goes)
    won = np.where(steps.target == WON, steps.count, 0)
    reward = [np.bincount(at, column, len(states)) for column in (won, steps.value)]
    return _Chain(
        states=states,
        steps=sparse.csr_matrix(cells, shape=(len(states), len(states))),
        reward=ratio(np.stack(reward, axis=1), leaving[:, None]),
        start=np.all(states == PAD, axis=1).astype(np.float64),
    )


def _solve_dense(chain: _Chain, touched: list[Ints]) -> tuple[Floats, Floats]:
    """Remove channels by a low-rank update of one inverse (a rank-one update at order 1)."""
    inverse = np.linalg.inv(np.eye(len(chain.states)) - chain.steps.toarray())
    gain, visits = inverse @ chain.reward, chain.start @ inverse
    total = chain.start @ gain
    lost = [
        visits[c] @ np.linalg.solve(inverse[np.ix_(c, c)], gain[c]) if c.size else 0 * total
        for c in touched
    ]
    return total, np.array(lost)


def _solve_sparse(chain: _Chain, touched: list[Ints]) -> tuple[Floats, Floats]:
    """Remove channels one by one from a sparse system."""
    total = _reached(chain, np.arange(len(chain.states)))
    everything = np.arange(len(chain.states))
    lost = [total - _reached(chain, np.setdiff1d(everything, c)) for c in touched]
    return total, np.array(lost)


def _reached(chain: _Chain, kept: Ints) -> Floats:
    inner = chain.steps[kept][:, kept]
    system = sparse.eye_array(kept.size, format="csc") - inner.tocsc()
    return floats(chain.start[kept] @ splu(system.tocsc()).solve(chain.reward[kept]))


def removal_effects(
    steps: Transitions, channels: int, *, dense_limit: int = DENSE_LIMIT
) -> Removal:
    """Return the share of conversions and of value lost when a channel leads nowhere.

    Parameters
    ----------
    steps
        Counted transitions, of any order.
    channels
        How many channels there are; their numbers run from 0.
    dense_limit
        States up to which one dense inverse is updated; above it each channel gets a sparse solve.

    Returns
    -------
    Removal effects, 0 to 1 for conversions.

    Raises
    ------
    DataError
        When a state is entered but never left, or nothing is counted.

    Notes
    -----
    Anderl, Becker, von Wangenheim and Schumann (2016), Int. J. Research in Marketing 33: 457-474.
    The absorbing chain is solved exactly; all steps into a state that holds the channel are
    redirected to the end without conversion ("redirect_to_null"). With the fundamental matrix
    N = 1 / (1 - Q), expected visits v and conversion probability x of each state, what is lost
    without the states C is v[C] / N[C, C] x[C]: one inverse serves every channel. Value per
    conversion depends on the last state.

    Examples
    --------
    Three journeys: 0 > 1 > 2 converts, 0 and 1 > 2 do not.

    >>> steps = transitions([0, 1, 2, 0, 1, 2], [3, 1, 2], [1, 0, 0], [0, 1, 1], [9, 0, 0])
    >>> print(removal_effects(steps, 3).conversion.round(6))
    [0.5 1.  1. ]
    """
    kept = steps.count > 0
    steps = Transitions(**{name: column[kept] for name, column in vars(steps).items()})
    if not kept.any():
        raise DataError("no_paths")
    chain = _chain(steps)
    touched = [np.flatnonzero(np.any(chain.states == c, axis=1)) for c in range(channels)]
    solve = _solve_dense if len(chain.states) <= dense_limit else _solve_sparse
    total, lost = solve(chain, touched)
    shares = np.where(total != 0, ratio(lost, total), 0)
    return _removal(shares, total)


def _removal(effects: Floats, mean: Floats) -> Removal:
    """Return the effects (channels, 2) and means (2,) of conversion and of value, by name."""
    by_name = {"conversion": effects[:, 0], "value": effects[:, 1]}
    return Removal(**by_name, rate=float(mean[0]), mean_value=float(mean[1]))


def refit_effects(
    members: ArrayLike, conversions: ArrayLike, nulls: ArrayLike, value: ArrayLike, *, strategy: str
) -> Removal:
    """Return the share lost when a channel is cut out of the journeys and the chain is refitted.

    Parameters
    ----------
    members
        Which channels each journey type touches, boolean (types, channels).
    conversions, nulls, value
        Journeys with and without conversion of each type, and money of the former, (types,).
    strategy
        "fail": journeys with the channel no longer convert. "detour": they go on without it, and
        journeys of that channel alone disappear; effects can then be negative.

    Returns
    -------
    Removal effects.

    Raises
    ------
    OptionError
        When the strategy is unknown.

    Notes
    -----
    A chain fitted to journeys converts exactly their share that converted, whatever its order
    (visits flow in as they flow out), so refitting needs sums of journeys and no chain.

    Examples
    --------
    >>> types = [[True, True, True], [True, False, False], [False, True, True]]
    >>> print(refit_effects(types, [1, 0, 0], [0, 1, 1], [9, 0, 0], strategy="fail").conversion)
    [1. 1. 1.]
    >>> print(refit_effects(types, [1, 0, 0], [0, 1, 1], [9, 0, 0], strategy="detour").conversion)
    [-0.5  0.   0. ]
    """
    choice("strategy", strategy, STRATEGIES[1:])
    has = np.asarray(members, dtype=bool)
    gains = np.stack([floats(conversions), floats(value)], axis=1)
    journeys = floats(conversions) + floats(nulls)
    total = gains.sum(axis=0)
    if strategy == "fail":
        effects = ratio(has.T.astype(np.float64) @ gains, total)
    else:
        alone = has & (has.sum(axis=1, keepdims=True) == 1)
        left = total - alone.T.astype(np.float64) @ gains
        rate = ratio(left, (journeys.sum() - alone.T.astype(np.float64) @ journeys)[:, None])
        effects = 1 - np.nan_to_num(ratio(rate, total / journeys.sum()))
    return _removal(np.nan_to_num(effects), ratio(total, journeys.sum()))


def credit(effects: ArrayLike, total: float) -> Floats:
    """Return `total` shared out in proportion to `effects`.

    Parameters
    ----------
    effects
        Shape (channels,), any sign.
    total
        Conversions or money to be shared out.

    Returns
    -------
    Shape (channels,), adding up to `total`; missing when the effects cancel to 0.

    Notes
    -----
    Removal effects overlap and add up to more than 1: only their proportions are used.

    Examples
    --------
    >>> print(credit([0.5, 1, 1], 1))
    [0.2 0.4 0.4]
    """
    shares = floats(effects)
    whole = shares.sum() * (abs(shares.sum()) > ROUNDING * (1 + np.abs(shares).sum()))
    return total * ratio(shares, whole) if total else np.zeros(shares.shape)
